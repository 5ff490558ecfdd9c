// What several screens look at through one stream: opened by the first, kept a while after the last has gone, so that
// going to another page and back shows at once what was there.
const LINGER_MS = 30_000;

export interface Session {
  close(): void;
}

export class SharedSessions<S extends Session> {
  readonly #held = new Map<string, { session: S; users: number; timer?: ReturnType<typeof setTimeout> }>();

  get(key: string, open: () => S): S {
    const held = this.#held.get(key);
    if (held) return held.session;
    const session = open();
    this.#held.set(key, { session, users: 0 });
    this.#expire(key);
    return session;
  }

  /** Says that somebody looks; the answer says that they have gone. */
  use(key: string): () => void {
    const held = this.#held.get(key);
    if (!held) return () => {};
    clearTimeout(held.timer);
    held.users += 1;
    return () => {
      held.users -= 1;
      if (held.users === 0) this.#expire(key);
    };
  }

  /** Those that are held now. */
  open(): readonly S[] {
    return [...this.#held.values()].map(({ session }) => session);
  }

  closeAll(): void {
    for (const { session, timer } of this.#held.values()) {
      clearTimeout(timer);
      session.close();
    }
    this.#held.clear();
  }

  #expire(key: string): void {
    const held = this.#held.get(key);
    if (!held) return;
    clearTimeout(held.timer);
    held.timer = setTimeout(() => {
      if (this.#held.get(key) !== held || held.users > 0) return;
      this.#held.delete(key);
      held.session.close();
    }, LINGER_MS);
  }
}
