// The board as a list: the tickets of each column below its name, in the order that was asked for.
import type { Card, Priority } from '~/gql/types';
import type { BoardView, SortKind } from './board-view';
import { type BoardSource, orderIn, type ShownBoard } from './shown-board';

export type ListRow =
  | { readonly kind: 'column'; readonly columnKey: string; readonly name: string; readonly count: number }
  | { readonly kind: 'ticket'; readonly ticketId: string };

const RANKS: Readonly<Record<Priority, number>> = { URGENT: 4, HIGH: 3, MEDIUM: 2, LOW: 1 };
const numberOf = (card: Card): number => Number(card.key.slice(card.key.lastIndexOf('-') + 1)) || 0;

/** Up: what a person would want to see first at the top. */
const comparisons: Readonly<Record<Exclude<SortKind, 'rank'>, (a: Card, b: Card) => number>> = {
  key: (a, b) => numberOf(a) - numberOf(b),
  title: (a, b) => a.title.localeCompare(b.title),
  priority: (a, b) => (b.priority ? RANKS[b.priority] : 0) - (a.priority ? RANKS[a.priority] : 0),
  assignee: (a, b) =>
    Number(!a.assignee) - Number(!b.assignee) || (a.assignee?.name ?? '').localeCompare(b.assignee?.name ?? ''),
  cost: (a, b) => b.costUsdMicros - a.costUsdMicros,
};

export function sortTickets(
  order: readonly string[],
  { sort, descending }: Pick<BoardView, 'sort' | 'descending'>,
  source: BoardSource,
): readonly string[] {
  if (sort === 'rank') return order;
  const compare = comparisons[sort];
  const cards = order.flatMap((ticketId) => source.card(ticketId) ?? []);
  // Equals keep the order of the board, both ways.
  cards.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  return cards.map((card) => card.ticketId);
}

export function listRows(
  shown: ShownBoard,
  view: Pick<BoardView, 'sort' | 'descending'>,
  isCollapsed: (columnKey: string) => boolean,
  source: BoardSource,
): readonly ListRow[] {
  return shown.columns.flatMap(({ key, name }): readonly ListRow[] => {
    const order = orderIn(shown, key);
    const head: ListRow = { kind: 'column', columnKey: key, name, count: order.length };
    if (isCollapsed(key)) return [head];
    const tickets = sortTickets(order, view, source);
    return [head, ...tickets.map((ticketId): ListRow => ({ kind: 'ticket', ticketId }))];
  });
}

export const ticketsOf = (rows: readonly ListRow[]): readonly string[] =>
  rows.flatMap((row) => (row.kind === 'ticket' ? row.ticketId : []));
