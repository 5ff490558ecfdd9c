// What a person has in hand or under focus on the board: one card lifted by the keyboard, one card that Tab returns to.
// A small store of its own, so that a key press renders two cards and not all of them.
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import { FrameNotifier } from '~/live/frame';
import type { Target } from './placement';

export interface Lifted extends Target {
  readonly ticketId: string;
  /** The lane in which it stands and stays, where there are lanes. */
  readonly laneId?: string | undefined;
  readonly seenVersion: number | undefined;
}

const GLOW_MS = 1_000;

export class BoardHand {
  #lifted: Lifted | null = null;
  #focused: string | null = null;
  #wanted: string | null = null;
  #dropped: string | null = null;
  readonly #notifier = new FrameNotifier();

  lifted = (): Lifted | null => this.#lifted;
  focused = (): string | null => this.#focused;
  wanted = (): string | null => this.#wanted;

  /** The card that was dropped a moment ago: its glow shows where it went. */
  dropped = (): string | null => this.#dropped;

  drop(ticketId: string): void {
    this.#dropped = ticketId;
    setTimeout(() => {
      if (this.#dropped === ticketId) this.#dropped = null;
    }, GLOW_MS);
  }

  lift(lifted: Lifted | null): void {
    this.#lifted = lifted;
    this.#tell('lifted');
  }

  focus(ticketId: string): void {
    if (this.#wanted === ticketId) {
      this.#wanted = null;
      this.#tell('wanted');
    }
    if (this.#focused === ticketId) return;
    this.#focused = ticketId;
    this.#tell('focused');
  }

  /** Asks for the focus of a card that may have to be scrolled to, or even rendered, first. */
  want(ticketId: string): void {
    this.#wanted = ticketId;
    this.#focused = ticketId;
    this.#tell('focused');
    this.#tell('wanted');
  }

  subscribe = (what: 'lifted' | 'focused' | 'wanted', listener: () => void): (() => void) =>
    this.#notifier.subscribe(what, listener);

  #tell(what: string): void {
    this.#notifier.mark(what);
    this.#notifier.flush();
  }
}

export const BoardHandContext = createContext<BoardHand | null>(null);

export function useBoardHand(): BoardHand {
  const hand = useContext(BoardHandContext);
  if (!hand) throw new Error('useBoardHand stands outside of a board');
  return hand;
}

export function useLifted<T>(pick: (lifted: Lifted | null) => T): T {
  const hand = useBoardHand();
  const subscribe = useMemo(() => (listener: () => void) => hand.subscribe('lifted', listener), [hand]);
  return useSyncExternalStore(subscribe, () => pick(hand.lifted()));
}

/** Tab stops at the first card of each column and at the one that had the focus last. */
export function useIsFocusStop(ticketId: string, isFirst: boolean): boolean {
  const hand = useBoardHand();
  const subscribe = useMemo(() => (listener: () => void) => hand.subscribe('focused', listener), [hand]);
  return useSyncExternalStore(subscribe, () => isFirst || hand.focused() === ticketId);
}

export function useWanted<T>(pick: (wanted: string | null) => T): T {
  const hand = useBoardHand();
  const subscribe = useMemo(() => (listener: () => void) => hand.subscribe('wanted', listener), [hand]);
  return useSyncExternalStore(subscribe, () => pick(hand.wanted()));
}
