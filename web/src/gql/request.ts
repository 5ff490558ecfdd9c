// One GraphQL request over HTTP, and the four outcomes a person can meet: a rule said no (REJECTED), a race was lost
// (STALE), access is missing (DENIED), something broke (the rest). UNREACHABLE is ours: no answer came at all.
import type { TypedDocumentString } from './generated';

export type OutcomeCode =
  | 'REJECTED'
  | 'STALE'
  | 'DENIED'
  | 'NOT_FOUND'
  | 'INVALID'
  | 'UNAVAILABLE'
  | 'STORAGE_LOW'
  | 'RATE_LIMITED'
  | 'INTERNAL'
  | 'UNREACHABLE';

const CODES: readonly string[] = [
  'REJECTED',
  'STALE',
  'DENIED',
  'NOT_FOUND',
  'INVALID',
  'UNAVAILABLE',
  'STORAGE_LOW',
  'RATE_LIMITED',
  'INTERNAL',
];

export interface OutcomeDetails {
  /** The rule that said no, for REJECTED. */
  reason?: string;
  /** Who changed it first, for STALE: a name. */
  by?: string;
  /** When they did, RFC 3339. */
  at?: string;
  /** The version that is now current. */
  version?: number;
  /** What to quote in a report, for INTERNAL. */
  traceId?: string;
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  constructor(
    readonly code: OutcomeCode,
    message: string,
    readonly details: OutcomeDetails = {},
  ) {
    super(message);
  }
}

export interface WireError {
  readonly message: string;
  readonly extensions?: Record<string, unknown> | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** `by` is an actor (`{ name }`) or already a name. */
const nameOf = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && 'name' in value ? text(value.name) : text(value);

export function toRequestError(error: WireError | undefined): RequestError {
  const extensions = error?.extensions ?? {};
  const code = text(extensions.code);
  return new RequestError(
    code && CODES.includes(code) ? (code as OutcomeCode) : 'INTERNAL',
    error?.message ?? 'The server gave no reason.',
    {
      reason: text(extensions.reason),
      by: nameOf(extensions.by),
      at: text(extensions.at),
      version: typeof extensions.version === 'number' ? extensions.version : undefined,
      traceId: text(extensions.traceId),
    },
  );
}

export async function request<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  let response: Response;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      credentials: 'same-origin',
      // The custom header is what another site's form cannot send: the gateway takes a cookie only with it.
      headers: { 'content-type': 'application/json', accept: 'application/json', 'x-lime-csrf': '1' },
      body: JSON.stringify({ query: document.toString(), variables }),
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new RequestError('UNREACHABLE', 'No answer from the server.');
  }
  const body = await readBody(response);
  const [first] = body.errors ?? [];
  if (first) throw toRequestError(first);
  if (body.data === undefined || body.data === null) {
    if (response.status === 401 || response.status === 403) throw new RequestError('DENIED', 'Not signed in.');
    const busy = response.status === 429 ? 'RATE_LIMITED' : 'UNAVAILABLE';
    throw new RequestError(busy, `The server answered ${response.status}.`);
  }
  return body.data as Result;
}

async function readBody(response: Response): Promise<{ data?: unknown; errors?: WireError[] }> {
  try {
    return (await response.json()) as { data?: unknown; errors?: WireError[] };
  } catch {
    return {};
  }
}
