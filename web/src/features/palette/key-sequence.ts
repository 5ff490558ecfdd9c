// G and then a letter goes somewhere. Pure: it is given keys and the time, and answers what they mean.

export type Destination = 'command' | 'board' | 'agents' | 'history';

export const destinations: readonly { readonly key: string; readonly to: Destination }[] = [
  { key: 'c', to: 'command' },
  { key: 'b', to: 'board' },
  { key: 'a', to: 'agents' },
  { key: 'h', to: 'history' },
];

const LEADER = 'g';
/** After this the first key is forgotten, so that a letter typed later is not taken for its second. */
export const WAIT_MS = 1_500;

export type Meaning =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'go'; readonly to: Destination }
  /** The second key leads nowhere: it is used up all the same. */
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'other' };

export class KeySequence {
  #since: number | null = null;

  press(key: string, nowMs: number): Meaning {
    const isSecond = this.#since !== null && nowMs - this.#since <= WAIT_MS;
    this.#since = null;
    const letter = key.toLowerCase();
    if (isSecond) {
      const found = destinations.find((destination) => destination.key === letter);
      return found ? { kind: 'go', to: found.to } : { kind: 'nowhere' };
    }
    if (letter !== LEADER) return { kind: 'other' };
    this.#since = nowMs;
    return { kind: 'waiting' };
  }
}
