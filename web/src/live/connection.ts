// The one socket of the page: opened at sign-in, kept until sign-out, reconnected for ever with growing waits. Streams
// (see stream.ts) hang on it and continue by their own cursor, so a cut costs time and nothing else.
import { type Client, createClient } from 'graphql-ws';

export type ConnectionPhase =
  /** The first connection of this page is being made. */
  | 'connecting'
  /** Connected, and every stream has caught up. */
  | 'live'
  /** Connected; a stream is still reading what it missed. */
  | 'catching-up'
  /** The socket is gone and will be tried again. */
  | 'lost'
  /** The session is over (4401) or may not be here (4403). Not tried again. */
  | 'ended';

export interface ConnectionState {
  readonly phase: ConnectionPhase;
  /** When it was last live, or when it was first tried; milliseconds since 1970. Falls still while it is live. */
  readonly since: number;
}

const KEEP_ALIVE_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
const JITTER = 0.3;
const FINAL_CODES: readonly number[] = [4401, 4403];

/** 250 ms, doubling to 8 s, ±30 % so that a restarted server is not met by everyone at once. */
export function waitBeforeRetry(retries: number, random: number = Math.random()): number {
  const wait = Math.min(FIRST_WAIT_MS * 2 ** retries, LONGEST_WAIT_MS);
  return Math.round(wait * (1 - JITTER + 2 * JITTER * random));
}

const closeCode = (event: unknown): number | undefined =>
  typeof event === 'object' && event !== null && 'code' in event && typeof event.code === 'number'
    ? event.code
    : undefined;

export class Connection {
  readonly client: Client;
  #state: ConnectionState = { phase: 'connecting', since: Date.now() };
  #connected = false;
  #everConnected = false;
  #ended = false;
  readonly #behind = new Set<symbol>();
  readonly #listeners = new Set<() => void>();
  #wake: (() => void) | undefined;

  constructor(url: string) {
    let pongTimer: ReturnType<typeof setTimeout> | undefined;
    this.client = createClient({
      url,
      lazy: false,
      keepAlive: KEEP_ALIVE_MS,
      retryAttempts: Number.POSITIVE_INFINITY,
      shouldRetry: (event) => !FINAL_CODES.includes(closeCode(event) ?? 0),
      retryWait: (retries) => this.#wait(waitBeforeRetry(retries)),
      onNonLazyError: (event) => {
        if (FINAL_CODES.includes(closeCode(event) ?? 0)) this.#end();
      },
      on: {
        connected: () => {
          this.#connected = true;
          this.#everConnected = true;
          this.#publish();
        },
        closed: (event) => {
          clearTimeout(pongTimer);
          this.#connected = false;
          if (FINAL_CODES.includes(closeCode(event) ?? 0)) this.#end();
          this.#publish();
        },
        ping: (received) => {
          if (received) return;
          // A cable that was pulled closes nothing: silence after a ping is the only sign.
          clearTimeout(pongTimer);
          pongTimer = setTimeout(() => this.client.terminate(), PONG_WITHIN_MS);
        },
        pong: (received) => {
          if (received) clearTimeout(pongTimer);
        },
      },
    });
    window.addEventListener('online', this.#onOnline);
    window.addEventListener('offline', this.#onOffline);
  }

  state = (): ConnectionState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** A stream says that it is behind; the answer says that it has caught up (or is gone). */
  behind(): () => void {
    const stream = Symbol('stream');
    this.#behind.add(stream);
    this.#publish();
    return () => {
      if (this.#behind.delete(stream)) this.#publish();
    };
  }

  dispose(): void {
    window.removeEventListener('online', this.#onOnline);
    window.removeEventListener('offline', this.#onOffline);
    this.#ended = true;
    this.#listeners.clear();
    void this.client.dispose();
  }

  readonly #onOnline = () => this.#wake?.();
  readonly #onOffline = () => this.client.terminate();

  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      // The browser says that it is back: no reason to sit out the rest of the wait.
      this.#wake = done;
    });
  }

  #end(): void {
    this.#ended = true;
    this.#publish();
  }

  #phase(): ConnectionPhase {
    if (this.#ended) return 'ended';
    if (this.#connected) return this.#behind.size > 0 ? 'catching-up' : 'live';
    return this.#everConnected ? 'lost' : 'connecting';
  }

  #publish(): void {
    const phase = this.#phase();
    if (phase === this.#state.phase) return;
    const wasLive = this.#state.phase === 'live';
    this.#state = { phase, since: phase === 'live' || wasLive ? Date.now() : this.#state.since };
    for (const listener of this.#listeners) listener();
  }
}

export function socketUrl(location: { protocol: string; host: string }): string {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/graphql/ws`;
}
