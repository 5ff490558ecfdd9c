// Tells a person how a change ended when it did not end well. Four outcomes look different: a rule said no, a race was
// lost (who, when), access is missing, something broke. The toaster is a live region of its own.
import { toast } from 'sonner';
import { RequestError } from '~/gql/request';
import { messages } from '~/messages';
import { ago } from './format';

export function who(error: RequestError): { by: string; when: string } {
  const time = error.details.at ? ago(error.details.at, Date.now()) : 'now';
  return {
    by: error.details.by ?? messages.outcome.someone,
    when: time === 'now' ? messages.outcome.just : messages.outcome.ago(time),
  };
}

/** What the server said, or what its code means; never an empty line. */
export function explain(cause: unknown): string {
  if (!(cause instanceof RequestError)) return cause instanceof Error ? cause.message : messages.outcome.codes.INTERNAL;
  const general = messages.outcome.codes[cause.code];
  const own = cause.code === 'INTERNAL' || cause.code === 'UNREACHABLE' ? '' : cause.message;
  const trace = cause.details.traceId ? ` ${messages.outcome.trace(cause.details.traceId)}` : '';
  return `${own || general}${trace}`;
}

export function tellFailure(title: string, cause: unknown): void {
  toast.error(title, { description: explain(cause) });
}

export function tellStale(title: string, detail: string): void {
  toast.warning(title, { description: detail });
}

export interface Done {
  /** Toasts of the same id replace each other. */
  readonly id?: string;
  readonly action?: { readonly label: string; readonly onClick: () => void };
}

export function tellDone(title: string, { id, action }: Done = {}): void {
  toast.success(title, { ...(id ? { id } : {}), ...(action ? { action } : {}) });
}
