// The shape that every live thing has: read it, then follow it from the cursor of what was read. A resync, or a reading
// that failed, starts over; a failure before the first success is shown, a later one is not: what is on screen stays.
import { RequestError } from '~/gql/request';
import { type Connection, waitBeforeRetry } from './connection';
import { LoadStatus } from './loadable';

const PASSING: readonly string[] = ['UNREACHABLE', 'UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL', 'STORAGE_LOW'];

export interface Follow {
  readonly connection: Connection;
  /** Reads the snapshot into the store. */
  readonly read: (signal: AbortSignal) => Promise<void>;
  /** Opens the stream after what was read. */
  readonly open: (onResync: () => void, onRefused: (error: RequestError) => void) => () => void;
}

export class SnapshotThenStream {
  readonly status = new LoadStatus();
  readonly #follow: Follow;
  #stop: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();
  #failures = 0;
  #closed = false;

  constructor(follow: Follow) {
    this.#follow = follow;
    void this.#start();
  }

  retry = (): void => {
    if (this.status.state().status === 'failed') this.status.set({ status: 'loading' });
    this.#failures = 0;
    void this.#start();
  };

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#stop?.();
  }

  async #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop?.();
    this.#stop = undefined;
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const caughtUp = this.#follow.connection.behind();
    try {
      await this.#follow.read(abort.signal);
      if (this.#closed || abort.signal.aborted) return;
      this.#failures = 0;
      this.status.set({ status: 'ready' });
      this.#stop = this.#follow.open(
        () => void this.#start(),
        (error) => this.status.set({ status: 'failed', error }),
      );
    } catch (cause) {
      if (this.#closed || abort.signal.aborted) return;
      const error = cause instanceof RequestError ? cause : new RequestError('INTERNAL', String(cause));
      if (this.status.state().status === 'loading') this.status.set({ status: 'failed', error });
      if (PASSING.includes(error.code)) {
        this.#timer = setTimeout(() => void this.#start(), waitBeforeRetry(this.#failures));
        this.#failures += 1;
      }
    } finally {
      caughtUp();
    }
  }
}
