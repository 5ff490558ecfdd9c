// The shown board cut into rows: one a person, an epic or a priority. A lane is a small board of its own.
import type { Card, Priority } from '~/gql/types';
import type { LaneKind } from './board-view';
import { type BoardSource, orderIn, type ShownBoard } from './shown-board';

export interface Lane {
  readonly id: string;
  /** The person, epic or priority; null for the lane of those without. */
  readonly of: LaneOf | null;
  readonly board: ShownBoard;
}

export type LaneOf =
  | { readonly kind: 'assignee'; readonly user: NonNullable<Card['assignee']> }
  | { readonly kind: 'epic'; readonly card: Card }
  | { readonly kind: 'priority'; readonly priority: Priority };

export const REST = 'rest';
const PRIORITIES: readonly Priority[] = ['URGENT', 'HIGH', 'MEDIUM', 'LOW'];
/** An epic above stories above tasks is three; more than this is a circle. */
const HIGHEST = 8;

/** Ticket → the one that it is part of. */
export type Parents = ReadonlyMap<string, string>;

/** The epic on this board that a ticket belongs to; an epic belongs to itself. */
export function epicOf(ticketId: string, parents: Parents, board: BoardSource): Card | undefined {
  let at: string | undefined = ticketId;
  for (let step = 0; at !== undefined && step < HIGHEST; step += 1) {
    const card = board.card(at);
    if (card?.kind === 'EPIC') return card;
    at = parents.get(at);
  }
  return undefined;
}

function laneOf(card: Card, kind: LaneKind, parents: Parents, board: BoardSource): LaneOf | null {
  if (kind === 'assignee') return card.assignee && { kind, user: card.assignee };
  if (kind === 'priority') return card.priority && { kind, priority: card.priority };
  const epic = epicOf(card.ticketId, parents, board);
  return epic ? { kind, card: epic } : null;
}

const idOf = (of: LaneOf | null): string => {
  if (!of) return REST;
  if (of.kind === 'assignee') return of.user.id;
  return of.kind === 'epic' ? of.card.ticketId : of.priority;
};

const numberOf = (key: string): number => Number(key.slice(key.lastIndexOf('-') + 1));

function compare(a: Lane, b: Lane): number {
  if (!a.of || !b.of) return Number(!a.of) - Number(!b.of);
  if (a.of.kind === 'assignee' && b.of.kind === 'assignee') return a.of.user.name.localeCompare(b.of.user.name);
  if (a.of.kind === 'epic' && b.of.kind === 'epic') return numberOf(a.of.card.key) - numberOf(b.of.card.key);
  if (a.of.kind === 'priority' && b.of.kind === 'priority') {
    return PRIORITIES.indexOf(a.of.priority) - PRIORITIES.indexOf(b.of.priority);
  }
  return 0;
}

/** Lists that stayed the same are those of `before`: a cell in which nothing happened renders nothing. */
export function intoLanes(
  shown: ShownBoard,
  kind: LaneKind,
  parents: Parents,
  source: BoardSource,
  before: readonly Lane[],
): readonly Lane[] {
  const cells = new Map<string, { of: LaneOf | null; orders: Map<string, string[]>; count: number }>();
  for (const { key } of shown.columns) {
    for (const ticketId of orderIn(shown, key)) {
      const card = source.card(ticketId);
      const of = card ? laneOf(card, kind, parents, source) : null;
      const id = idOf(of);
      const lane = cells.get(id) ?? { of, orders: new Map<string, string[]>(), count: 0 };
      cells.set(id, lane);
      const cell = lane.orders.get(key) ?? [];
      lane.orders.set(key, cell);
      cell.push(ticketId);
      lane.count += 1;
    }
  }
  return [...cells]
    .map(([id, { of, orders, count }]): Lane => {
      const held = before.find((lane) => lane.id === id);
      const kept = new Map<string, readonly string[]>();
      for (const [key, order] of orders) {
        const old = held && orderIn(held.board, key);
        const isSame = old?.length === order.length && old.every((ticketId, at) => ticketId === order[at]);
        kept.set(key, isSame && old ? old : order);
      }
      return { id, of, board: { columns: shown.columns, orders: kept, shown: count, all: count } };
    })
    .sort(compare);
}
