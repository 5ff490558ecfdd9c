// The runs of one project, newest first. Pages fill it from the old end, the stream from the new one.
import type { RunRow } from '~/gql/types';
import { FrameNotifier } from './frame';

const changed = 'runs';

const newestFirst = (a: RunRow, b: RunRow): number =>
  a.requestedAt === b.requestedAt ? (a.id < b.id ? 1 : -1) : a.requestedAt < b.requestedAt ? 1 : -1;

export class RunsStore {
  cursor: string | null = null;
  /** The page after the last one read; null when there is none. */
  endCursor: string | null = null;
  #runs = new Map<string, RunRow>();
  #shown: readonly RunRow[] = [];
  readonly #notifier = new FrameNotifier();

  /** Takes pages and single changes alike. Equal versions too: costs and stations move between a run's own versions. */
  merge(runs: readonly RunRow[]): void {
    let grew = false;
    for (const run of runs) {
      const held = this.#runs.get(run.id);
      if (held && held.version > run.version) continue;
      this.#runs.set(run.id, run);
      grew = true;
    }
    if (!grew) return;
    this.#shown = [...this.#runs.values()].sort(newestFirst);
    this.#notifier.mark(changed);
  }

  runs(): readonly RunRow[] {
    return this.#shown;
  }

  run(id: string): RunRow | undefined {
    return this.#runs.get(id);
  }

  subscribe(listener: () => void): () => void {
    return this.#notifier.subscribe(changed, listener);
  }

  flush(): void {
    this.#notifier.flush();
  }
}
