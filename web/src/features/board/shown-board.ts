// The board as a person looks at it: the store's columns through the filter. While nothing is filtered the orders are
// the store's own lists; otherwise a column whose shown cards stayed the same keeps its list, so that it renders nothing.
import type { Card } from '~/gql/types';
import type { BoardColumn } from '~/live/board-store';

/** What is read of a store. */
export interface BoardSource {
  columns(): readonly BoardColumn[];
  column(key: string): readonly string[];
  card(ticketId: string): Card | undefined;
}

export interface ShownBoard {
  readonly columns: readonly BoardColumn[];
  /** Column key → the tickets to show, in their order. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  readonly shown: number;
  readonly all: number;
}

export const nothingShown: ShownBoard = { columns: [], orders: new Map(), shown: 0, all: 0 };

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index]);

/** `matches` null shows everything. A card that the server has not named yet is always shown: somebody just wrote it. */
export function showBoard(
  source: BoardSource,
  matches: ((card: Card) => boolean) | null,
  before: ShownBoard,
): ShownBoard {
  const columns = source.columns();
  const orders = new Map<string, readonly string[]>();
  let shown = 0;
  let all = 0;
  for (const { key } of columns) {
    const order = source.column(key);
    const held = before.orders.get(key);
    const passing = matches
      ? order.filter((ticketId) => {
          const card = source.card(ticketId);
          return card !== undefined && (card.key === '' || matches(card));
        })
      : order;
    orders.set(key, held && sameList(held, passing) ? held : passing);
    shown += passing.length;
    all += order.length;
  }
  return { columns, orders, shown, all };
}

const none: readonly string[] = [];
export const orderIn = (board: ShownBoard, columnKey: string): readonly string[] => board.orders.get(columnKey) ?? none;
