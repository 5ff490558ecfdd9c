// What stands in a run event's `data`, read with care: workers of another version may write more or less.
import type { RunEvent } from '~/gql/types';

type Data = Readonly<Record<string, unknown>>;

const asData = (value: unknown): Data => (typeof value === 'object' && value !== null ? (value as Data) : {});
const dataOf = (event: RunEvent): Data => asData(event.data);

const word = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const contentText = (value: unknown): string | null => word(value) ?? word(asData(value).text);

export interface ToolData {
  readonly call: string | null;
  readonly tool: string;
  readonly status: string;
  readonly input: string | null;
  readonly output: string | null;
  readonly exitCode: number | null;
  readonly durationMs: number | null;
}

export function toolData(event: RunEvent): ToolData {
  const data = dataOf(event);
  return {
    call: word(data.call),
    tool: word(data.tool) ?? '',
    status: word(data.status) ?? '',
    input: contentText(data.input),
    output: contentText(data.output),
    exitCode: number(data.exit_code),
    durationMs: number(data.duration_ms),
  };
}

/** How much of its long text an event had to leave out, in bytes, and where the whole of it is. */
export function omission(event: RunEvent): { omittedBytes: number; digest: string | null } {
  const data = dataOf(event);
  return { omittedBytes: number(data.omitted_bytes) ?? 0, digest: word(asData(data.attachment).digest) };
}

export interface LogData {
  readonly source: string;
  readonly call: string | null;
  readonly text: string;
}

export function logData(event: RunEvent): LogData {
  const data = dataOf(event);
  return { source: word(data.source) ?? '', call: word(data.call), text: word(data.text) ?? event.text };
}

export interface DiffData {
  readonly scope: string;
  readonly unified: string;
  readonly files: readonly { readonly path: string; readonly additions: number; readonly deletions: number }[];
}

export function diffData(event: RunEvent): DiffData {
  const data = dataOf(event);
  const files = Array.isArray(data.files) ? data.files.map(asData) : [];
  return {
    scope: word(data.scope) ?? '',
    // The text of a diff is the diff; some workers put it beside the line that is read, some in its place.
    unified: [word(data.text), event.text].find((text) => text?.includes('diff --git ')) ?? '',
    files: files.map((file) => ({
      path: word(file.path) ?? '',
      additions: number(file.additions) ?? 0,
      deletions: number(file.deletions) ?? 0,
    })),
  };
}

/** The whole text of an event, which `text` may have cut to a line. */
export const fullText = (event: RunEvent): string => word(dataOf(event).text) ?? event.text;

export const nameOf = (event: RunEvent): string | null => word(dataOf(event).name);
export const speaker = (event: RunEvent): string => word(dataOf(event).from) ?? '';
export const callOf = (event: RunEvent): string | null => word(dataOf(event).call);
