// What can be done to a card, as data: shown at once, sent to the server, and turned round to undo it.
import type { Card, Priority, User } from '~/gql/types';
import { rankBetween } from '~/live/rank';
import { type Neighbours, without } from './placement';
import type { BoardSource } from './shown-board';

export interface Place {
  readonly columnKey: string;
  /** The column as it should read with the ticket in it. Of its other tickets some may be gone by the time it is used. */
  readonly order: readonly string[];
}

export type Change =
  | { readonly kind: 'move'; readonly to: Place }
  | { readonly kind: 'assign'; readonly user: User | null }
  | { readonly kind: 'prioritise'; readonly priority: Priority | null }
  | { readonly kind: 'archive' }
  /** `card` is what it looked like: the board shows that until the server has said more. */
  | { readonly kind: 'restore'; readonly card: Card };

/** What a change sets, and to what: two changes that set the same to the same leave the ticket alike. */
export interface Setting {
  readonly facet: 'place' | 'assignee' | 'priority' | 'archived';
  readonly value: string;
}

const NOTHING = '';

export function settingOf(change: Change): Setting {
  switch (change.kind) {
    case 'move':
      return { facet: 'place', value: change.to.columnKey };
    case 'assign':
      return { facet: 'assignee', value: change.user?.id ?? NOTHING };
    case 'prioritise':
      return { facet: 'priority', value: change.priority ?? NOTHING };
    case 'archive':
      return { facet: 'archived', value: 'yes' };
    case 'restore':
      return { facet: 'archived', value: 'no' };
  }
}

/** Whether it would leave the card as it is. */
export function isIdle(change: Change, card: Card, board: BoardSource): boolean {
  switch (change.kind) {
    case 'move': {
      const { columnKey, order } = change.to;
      const whole = board.column(columnKey);
      return (
        card.columnKey === columnKey && order.length === whole.length && order.every((other, at) => other === whole[at])
      );
    }
    case 'assign':
      return (card.assignee?.id ?? null) === (change.user?.id ?? null);
    case 'prioritise':
      return card.priority === change.priority;
    case 'archive':
    case 'restore':
      return false;
  }
}

/** What brings the card back to how it is now. An archived ticket comes back at the end of its column, so it is also moved. */
export function inverseOf(change: Change, card: Card, board: BoardSource): readonly Change[] {
  const here: Change = { kind: 'move', to: { columnKey: card.columnKey, order: board.column(card.columnKey) } };
  switch (change.kind) {
    case 'move':
      return [here];
    case 'assign':
      return [{ kind: 'assign', user: card.assignee }];
    case 'prioritise':
      return [{ kind: 'prioritise', priority: card.priority }];
    case 'archive':
      return [{ kind: 'restore', card }, here];
    case 'restore':
      return [{ kind: 'archive' }];
  }
}

/** Beside which ticket to put it; null and null for the end of the column. */
export type Anchor = Neighbours;

/**
 * Where a place is in the column as it is now: below the nearest of the tickets that should stand above it, else above
 * the nearest that should stand below it, else at the end.
 */
export function anchorOf(place: Place, ticketId: string, board: BoardSource): Anchor {
  const there = new Set(without(board.column(place.columnKey), ticketId));
  const at = place.order.indexOf(ticketId);
  const afterId = place.order.slice(0, Math.max(at, 0)).findLast((other) => there.has(other)) ?? null;
  if (afterId) return { afterId, beforeId: null };
  return { afterId, beforeId: place.order.slice(at + 1).find((other) => there.has(other)) ?? null };
}

/** The tickets on both sides of that place on screen: a provisional rank goes between them. */
function neighboursOf(place: Place, ticketId: string, board: BoardSource): Neighbours {
  const others = without(board.column(place.columnKey), ticketId);
  const { afterId, beforeId } = anchorOf(place, ticketId, board);
  if (afterId) return { afterId, beforeId: others[others.indexOf(afterId) + 1] ?? null };
  if (beforeId) return { afterId: others[others.indexOf(beforeId) - 1] ?? null, beforeId };
  return { afterId: others.at(-1) ?? null, beforeId: null };
}

/** How the card looks with the change, as the store's pending changes want it. */
export function patchOf(
  change: Change,
  ticketId: string,
  board: BoardSource,
): (card: Card | undefined) => Card | undefined {
  switch (change.kind) {
    case 'move': {
      const { columnKey } = change.to;
      const { afterId, beforeId } = neighboursOf(change.to, ticketId, board);
      const rankOf = (other: string | null) => (other && board.card(other)?.rank) || null;
      const rank = rankBetween(rankOf(afterId), rankOf(beforeId));
      return (card) => card && { ...card, columnKey, rank };
    }
    case 'assign':
      return (card) => card && { ...card, assignee: change.user };
    case 'prioritise':
      return (card) => card && { ...card, priority: change.priority };
    case 'archive':
      return () => undefined;
    case 'restore':
      return (card) => card ?? change.card;
  }
}

/** The place `index` of a column, counted without the ticket itself. */
export function placeAt(board: BoardSource, ticketId: string, columnKey: string, index: number): Place {
  const others = without(board.column(columnKey), ticketId);
  return { columnKey, order: [...others.slice(0, index), ticketId, ...others.slice(index)] };
}
