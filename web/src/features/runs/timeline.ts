// The steps of a run, folded from its events: a tool's start and end are one step with the output between them, what is
// only counted (usage) or told again (the growing diff of a turn) is no step. Pure, and continues where it stopped.
import type { RunEvent } from '~/gql/types';
import { messages } from '~/messages';
import { callOf, diffData, fullText, logData, nameOf, speaker, toolData } from './run-event-data';

export type StepKind =
  | 'message'
  | 'thinking'
  | 'command'
  | 'edit'
  | 'tool'
  | 'note'
  | 'diff'
  | 'artifact'
  | 'asking'
  | 'error';

export interface Step {
  readonly seq: number;
  readonly kind: StepKind;
  /** When it began; milliseconds since 1970. */
  readonly startMs: number;
  /** How long it took, as far as the worker said; else the time to the next step, set by `withDurations`. */
  readonly durationMs: number | null;
  readonly title: string;
  readonly detail: string;
  /** A command or a path: set in the typewriter's letters. */
  readonly mono: boolean;
  readonly running: boolean;
  readonly failed: boolean;
  readonly call: string | null;
}

export type StepFilter = 'everything' | 'edits' | 'commands' | 'messages';

const FILTERS: Record<Exclude<StepFilter, 'everything'>, readonly StepKind[]> = {
  edits: ['edit', 'diff'],
  commands: ['command', 'tool'],
  messages: ['message', 'thinking', 'asking', 'error'],
};

export const matches = (step: Step, filter: StepFilter): boolean =>
  filter === 'everything' || FILTERS[filter].includes(step.kind);

const counts = (files: readonly { additions: number; deletions: number }[]): string => {
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return `+${additions} −${deletions}`;
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal begin with one
const COLOURS = /\u001b\[[0-9;?]*[A-Za-z]/g;
const firstLine = (text: string): string => text.trim().split('\n', 1)[0]?.replaceAll(COLOURS, '') ?? '';
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)?.replaceAll(COLOURS, '').trim() ?? '';

/** A tool of ours is called with JSON: what it is about is its title, if it has one. Agents write what they like there. */
function withSubject(text: string, input: string | null): string {
  const title = /"title"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(input ?? '')?.[1];
  if (!title) return text;
  try {
    return `${text}: ${String(JSON.parse(title))}`;
  } catch {
    return text;
  }
}

function stepOf(event: RunEvent): Step | null {
  const base = {
    seq: event.seq,
    startMs: Date.parse(event.at),
    durationMs: null,
    title: event.text,
    detail: '',
    mono: false,
    running: false,
    failed: false,
    call: callOf(event),
  };
  switch (event.type) {
    case 'MESSAGE':
      return { ...base, kind: speaker(event) === 'lime' ? 'note' : 'message', title: fullText(event) };
    case 'LOG': {
      const log = logData(event);
      if (log.source === 'command') return null;
      if (log.source === 'thinking') return { ...base, kind: 'thinking', title: log.text };
      return { ...base, kind: 'note', title: firstLine(log.text) };
    }
    case 'TOOL': {
      const tool = toolData(event);
      const kind = tool.tool === 'command' ? 'command' : tool.tool === 'edit' ? 'edit' : 'tool';
      return {
        ...base,
        kind,
        title: kind === 'tool' ? withSubject(event.text, tool.input) : event.text,
        mono: kind !== 'tool',
        durationMs: tool.durationMs,
        running: tool.status === 'started',
        failed: tool.status === 'failed' || tool.status === 'declined',
        detail: tool.output ? lastLine(tool.output) : '',
      };
    }
    case 'DIFF': {
      const diff = diffData(event);
      if (diff.scope === 'turn') return null;
      const [only, ...others] = diff.files;
      return {
        ...base,
        kind: diff.scope === 'edit' ? 'edit' : 'diff',
        title: only && others.length === 0 ? only.path : messages.runs.files(diff.files.length),
        mono: only !== undefined && others.length === 0,
        detail: counts(diff.files),
      };
    }
    case 'ARTIFACT':
      return { ...base, kind: 'artifact', title: nameOf(event) ?? firstLine(event.text) };
    case 'APPROVAL':
    case 'QUESTION':
      return { ...base, kind: 'asking' };
    case 'ERROR':
      return { ...base, kind: 'error', title: fullText(event), failed: true };
    case 'USAGE':
      return null;
  }
}

/** The second event of a call ends the step that the first began. */
function ended(step: Step, event: RunEvent): Step {
  const tool = toolData(event);
  const endMs = Date.parse(event.at);
  return {
    ...step,
    running: tool.status === 'started',
    failed: tool.status === 'failed' || tool.status === 'declined',
    durationMs: tool.durationMs ?? endMs - step.startMs,
    detail: (tool.output ? lastLine(tool.output) : '') || step.detail,
  };
}

export class TimelineFold {
  #steps: Step[] = [];
  #byCall = new Map<string, number>();
  #source: readonly RunEvent[] = [];
  #read = 0;

  /** The steps of `events`, which must be what was given before with more at its end; anything else is read anew. */
  steps(events: readonly RunEvent[]): readonly Step[] {
    if (events.length < this.#read || events[0] !== this.#source[0]) {
      this.#steps = [];
      this.#byCall = new Map();
      this.#read = 0;
    }
    if (events.length > this.#read) this.#steps = this.#steps.slice();
    for (const event of events.slice(this.#read)) this.#take(event);
    this.#read = events.length;
    this.#source = events;
    return this.#steps;
  }

  #take(event: RunEvent): void {
    const call = callOf(event);
    const index = call === null ? undefined : this.#byCall.get(call);
    const known = index === undefined ? undefined : this.#steps[index];
    if (known && index !== undefined) {
      if (event.type === 'TOOL') {
        this.#steps[index] = ended(known, event);
        return;
      }
      if (event.type === 'LOG' && logData(event).source === 'command') {
        this.#steps[index] = { ...known, detail: lastLine(logData(event).text) || known.detail };
        return;
      }
      if (event.type === 'DIFF' && diffData(event).scope === 'edit') {
        this.#steps[index] = { ...known, detail: counts(diffData(event).files) };
        return;
      }
    }
    const step = stepOf(event);
    if (!step) return;
    if (event.type === 'TOOL' && call !== null) this.#byCall.set(call, this.#steps.length);
    this.#steps.push(step);
  }
}

/** How long `steps[index]` took: what was measured, else until the next step began, else until `endMs`. */
export function durationOf(steps: readonly Step[], index: number, endMs: number): number {
  const step = steps[index];
  if (!step) return 0;
  if (step.durationMs !== null && !step.running) return step.durationMs;
  const next = step.running ? undefined : steps[index + 1];
  return Math.max(0, (next?.startMs ?? endMs) - step.startMs);
}
