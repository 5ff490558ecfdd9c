// Why a change did not go through, in words.
import { RequestError } from '~/gql/request';
import { messages } from '~/messages';
import { ago } from './format';

/** Who was faster, and when. */
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
