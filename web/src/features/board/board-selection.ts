// Which cards are chosen, and from where a range is drawn. A store of its own, like the hand: choosing one card renders
// that card and the bar.
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import { FrameNotifier } from '~/live/frame';

const cardKey = (ticketId: string) => `card:${ticketId}`;
const allKey = 'all';

export class BoardSelection {
  #chosen: ReadonlySet<string> = new Set();
  /** What was chosen before the range that is being drawn: drawing it shorter again gives that back. */
  #beside: ReadonlySet<string> = new Set();
  #anchor: string | null = null;
  readonly #notifier = new FrameNotifier();

  has(ticketId: string): boolean {
    return this.#chosen.has(ticketId);
  }

  chosen = (): ReadonlySet<string> => this.#chosen;

  toggle(ticketId: string): void {
    const next = new Set(this.#chosen);
    if (!next.delete(ticketId)) next.add(ticketId);
    this.#anchor = ticketId;
    this.#beside = new Set([...next].filter((other) => other !== ticketId));
    this.#become(next);
  }

  add(ticketIds: readonly string[]): void {
    const next = new Set([...this.#chosen, ...ticketIds]);
    this.#beside = next;
    this.#become(next);
  }

  /**
   * Chooses all from the anchor to this one, in the order given. `from` is the anchor when there is none yet; a target
   * that does not stand in the anchor's list is chosen by itself.
   */
  extend(order: readonly string[], ticketId: string, from: string = ticketId): void {
    if (this.#anchor === null || !order.includes(this.#anchor)) {
      this.#beside = this.#chosen;
      this.#anchor = order.includes(from) ? from : ticketId;
    }
    const [low = 0, high = 0] = [order.indexOf(this.#anchor), order.indexOf(ticketId)].sort((a, b) => a - b);
    this.#become(new Set([...this.#beside, ...order.slice(low, high + 1)]));
  }

  /** Lets go of what is no longer on screen: what cannot be seen must not be changed with the rest. */
  retain(isShown: (ticketId: string) => boolean): void {
    if (this.#chosen.size === 0) return;
    const next = new Set([...this.#chosen].filter(isShown));
    if (next.size === this.#chosen.size) return;
    this.#beside = new Set([...this.#beside].filter(isShown));
    this.#become(next);
  }

  clear(): void {
    this.#anchor = null;
    this.#beside = new Set();
    this.#become(new Set());
  }

  subscribe(ticketId: string, listener: () => void): () => void {
    return this.#notifier.subscribe(cardKey(ticketId), listener);
  }

  subscribeAll = (listener: () => void): (() => void) => this.#notifier.subscribe(allKey, listener);

  #become(next: ReadonlySet<string>): void {
    const before = this.#chosen;
    this.#chosen = next;
    for (const ticketId of before) if (!next.has(ticketId)) this.#notifier.mark(cardKey(ticketId));
    for (const ticketId of next) if (!before.has(ticketId)) this.#notifier.mark(cardKey(ticketId));
    this.#notifier.mark(allKey);
    this.#notifier.flush();
  }
}

export const BoardSelectionContext = createContext<BoardSelection | null>(null);

export function useSelection(): BoardSelection {
  const selection = useContext(BoardSelectionContext);
  if (!selection) throw new Error('useSelection stands outside of a board');
  return selection;
}

export function useIsChosen(ticketId: string): boolean {
  const selection = useSelection();
  const subscribe = useMemo(
    () => (listener: () => void) => selection.subscribe(ticketId, listener),
    [selection, ticketId],
  );
  return useSyncExternalStore(subscribe, () => selection.has(ticketId));
}

export function useChosen(): ReadonlySet<string> {
  const selection = useSelection();
  return useSyncExternalStore(selection.subscribeAll, selection.chosen);
}
