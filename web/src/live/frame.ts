/**
 * Calls keyed listeners at most once a frame, however many changes arrived in it. A hidden tab gets no frames, so a
 * timer takes their place there: its stores must be right when it is looked at again.
 */
export class FrameNotifier {
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #dirty = new Set<string>();
  #scheduled = false;

  subscribe(key: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  mark(key: string): void {
    this.#dirty.add(key);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (typeof requestAnimationFrame === 'undefined' || document.hidden) setTimeout(() => this.flush(), 16);
    else requestAnimationFrame(() => this.flush());
  }

  /** Tells them now: what a person did with their own hand must not wait a frame. */
  flush(): void {
    this.#scheduled = false;
    const keys = [...this.#dirty];
    this.#dirty.clear();
    for (const key of keys) for (const listener of this.#listeners.get(key) ?? []) listener();
  }
}
