// One subscription that never ends by itself: it continues by cursor after a cut, after the server closed it, and after
// an error that may pass. Only a refusal (NOT_FOUND, DENIED, INVALID) ends it.
import type { TypedDocumentString } from '~/gql/generated';
import { type RequestError, toRequestError, type WireError } from '~/gql/request';
import { type Connection, waitBeforeRetry } from './connection';

const REFUSALS: readonly string[] = ['NOT_FOUND', 'DENIED', 'INVALID'];

export interface StreamItem {
  readonly live: boolean;
}

export interface StreamOptions<Result, Variables, Item extends StreamItem> {
  readonly document: TypedDocumentString<Result, Variables>;
  /** Asked anew at every (re)subscription, so that it carries the cursor of that moment. */
  readonly variables: () => Variables;
  readonly pick: (result: Result) => Item;
  readonly onItem: (item: Item) => void;
  readonly onRefused: (error: RequestError) => void;
}

export function openStream<Result, Variables, Item extends StreamItem>(
  connection: Connection,
  options: StreamOptions<Result, Variables, Item>,
): () => void {
  let closed = false;
  let failures = 0;
  let leave: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let caughtUp = connection.behind();

  // The socket may be cut and resumed below us without a word to the sink: then this stream is behind again.
  let wasConnected = true;
  const unwatch = connection.subscribe(() => {
    const { phase } = connection.state();
    const isConnected = phase === 'live' || phase === 'catching-up';
    if (wasConnected && !isConnected) {
      caughtUp();
      caughtUp = connection.behind();
    }
    wasConnected = isConnected;
  });

  const again = () => {
    // Over for good: the session ended, and the page goes to sign-in.
    if (closed || connection.state().phase === 'ended') return;
    caughtUp();
    caughtUp = connection.behind();
    timer = setTimeout(subscribe, waitBeforeRetry(failures));
    failures += 1;
  };

  const refuse = (error: RequestError) => {
    caughtUp();
    options.onRefused(error);
  };

  const fail = (errors: readonly WireError[]) => {
    const error = toRequestError(errors[0]);
    if (REFUSALS.includes(error.code)) refuse(error);
    else again();
  };

  function subscribe(): void {
    if (closed) return;
    let over = false;
    const payload = {
      query: options.document.toString(),
      // A getter, because graphql-ws writes the payload out again at every reconnect: that is how it resumes.
      get variables() {
        return options.variables() as Record<string, unknown>;
      },
    };
    leave = connection.client.subscribe<Result>(payload, {
      next: (result) => {
        if (closed || over) return;
        if (result.errors || !result.data) {
          over = true;
          leave?.();
          fail(result.errors ?? []);
          return;
        }
        failures = 0;
        const item = options.pick(result.data);
        options.onItem(item);
        if (item.live) caughtUp();
      },
      error: (cause) => {
        if (closed || over) return;
        over = true;
        if (Array.isArray(cause)) fail(cause as WireError[]);
        else again();
      },
      complete: () => {
        if (closed || over) return;
        over = true;
        again();
      },
    });
  }

  subscribe();
  return () => {
    closed = true;
    clearTimeout(timer);
    unwatch();
    caughtUp();
    leave?.();
  };
}
