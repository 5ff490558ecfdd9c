// Where a card goes when it is let go: pure arithmetic over the order of a column.

export interface Target {
  readonly columnKey: string;
  /** The place among the other cards of the column, 0 for the top. */
  readonly index: number;
}

export interface Neighbours {
  readonly afterId: string | null;
  readonly beforeId: string | null;
}

export const without = (order: readonly string[], ticketId: string): readonly string[] =>
  order.filter((other) => other !== ticketId);

/** The place that a pointer over the `edge` of card `overId` means; over no card it is the end. */
export function indexAt(
  order: readonly string[],
  ticketId: string,
  over: { ticketId: string; edge: 'top' | 'bottom' } | null,
): number {
  const others = without(order, ticketId);
  if (!over) return others.length;
  if (over.ticketId === ticketId) return order.indexOf(ticketId);
  const found = others.indexOf(over.ticketId);
  if (found < 0) return others.length;
  return over.edge === 'top' ? found : found + 1;
}

export function neighboursAt(order: readonly string[], ticketId: string, index: number): Neighbours {
  const others = without(order, ticketId);
  return { afterId: others[index - 1] ?? null, beforeId: others[index] ?? null };
}

/**
 * The place in the whole column that a place among its shown cards means: right after the shown card above it. What a
 * filter hides stays where it is.
 */
export function wholeIndex(
  whole: readonly string[],
  shown: readonly string[],
  ticketId: string,
  shownIndex: number,
): number {
  const others = without(whole, ticketId);
  const { afterId, beforeId } = neighboursAt(shown, ticketId, shownIndex);
  if (afterId) return others.indexOf(afterId) + 1;
  return beforeId ? others.indexOf(beforeId) : others.length;
}

/** The column with the card shown where it would go. */
export function preview(order: readonly string[], ticketId: string, index: number): readonly string[] {
  const others = without(order, ticketId);
  return [...others.slice(0, index), ticketId, ...others.slice(index)];
}

export type Direction = 'up' | 'down' | 'left' | 'right';

/** One key press further with a card in hand: within its column, or to the same height of the next one. */
export function step(
  target: Target,
  direction: Direction,
  columns: readonly { readonly key: string }[],
  lengthWithout: (columnKey: string) => number,
): Target {
  if (direction === 'up') return { ...target, index: Math.max(0, target.index - 1) };
  if (direction === 'down') {
    return { ...target, index: Math.min(lengthWithout(target.columnKey), target.index + 1) };
  }
  const here = columns.findIndex((column) => column.key === target.columnKey);
  const next = columns[here + (direction === 'left' ? -1 : 1)];
  if (!next) return target;
  return { columnKey: next.key, index: Math.min(target.index, lengthWithout(next.key)) };
}

/** The card that the focus goes to from `ticketId`, or undefined at the edge of the board. Empty columns are passed over. */
export function neighbour(
  ticketId: string,
  columnKey: string,
  direction: Direction,
  columns: readonly { readonly key: string }[],
  order: (columnKey: string) => readonly string[],
): string | undefined {
  const place = order(columnKey).indexOf(ticketId);
  if (direction === 'up') return order(columnKey)[place - 1];
  if (direction === 'down') return order(columnKey)[place + 1];
  const offset = direction === 'left' ? -1 : 1;
  let at = columns.findIndex((column) => column.key === columnKey) + offset;
  for (; at >= 0 && at < columns.length; at += offset) {
    const other = order(columns[at]?.key ?? '');
    if (other.length > 0) return other[Math.min(Math.max(place, 0), other.length - 1)];
  }
  return undefined;
}
