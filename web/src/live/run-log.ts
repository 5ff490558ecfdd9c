// The events of one run: an array that only grows, in the order of `seq`. What comes twice is dropped.
import type { RunEvent } from '~/gql/types';
import { FrameNotifier } from './frame';

const changed = 'log';

export class RunLog {
  cursor: string | null = null;
  #events: RunEvent[] = [];
  #shown: readonly RunEvent[] = [];
  readonly #notifier = new FrameNotifier();

  append(events: readonly RunEvent[], cursor: string): void {
    this.cursor = cursor;
    let last = this.lastSeq();
    for (const event of events) {
      if (event.seq <= last) continue;
      this.#events.push(event);
      last = event.seq;
    }
    this.#notifier.mark(changed);
  }

  clear(): void {
    this.cursor = null;
    this.#events = [];
    this.#notifier.mark(changed);
  }

  lastSeq(): number {
    return this.#events.at(-1)?.seq ?? Number.NEGATIVE_INFINITY;
  }

  /** The same array until something was added. */
  events(): readonly RunEvent[] {
    if (this.#shown.length !== this.#events.length) this.#shown = this.#events.slice();
    return this.#shown;
  }

  subscribe(listener: () => void): () => void {
    return this.#notifier.subscribe(changed, listener);
  }

  flush(): void {
    this.#notifier.flush();
  }
}
