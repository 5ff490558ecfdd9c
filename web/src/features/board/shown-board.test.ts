import { describe, expect, it } from 'vitest';
import type { Card } from '~/gql/types';
import { type BoardSource, nothingShown, orderIn, showBoard } from './shown-board';

const orders: Record<string, readonly string[]> = { todo: ['a', 'b', 'c'], done: ['d'] };
const source: BoardSource = {
  columns: () => Object.keys(orders).map((key) => ({ key, name: key, wipLimit: null })),
  column: (key) => orders[key] ?? [],
  card: (ticketId) => ({ ticketId, key: ticketId === 'c' ? '' : `AL-${ticketId}` }) as Card,
};
const only =
  (...tickets: string[]) =>
  (card: Card) =>
    tickets.includes(card.ticketId);

describe('showBoard', () => {
  it('hands on the store’s own lists while nothing is filtered', () => {
    const shown = showBoard(source, null, nothingShown);
    expect(orderIn(shown, 'todo')).toBe(orders.todo);
    expect(shown).toMatchObject({ shown: 4, all: 4 });
  });

  it('leaves out what does not match, and counts both', () => {
    const shown = showBoard(source, only('b', 'd'), nothingShown);
    expect(orderIn(shown, 'todo')).toEqual(['b', 'c']);
    expect(orderIn(shown, 'done')).toEqual(['d']);
    expect(shown).toMatchObject({ shown: 3, all: 4 });
  });

  it('shows a card that has no key yet, whatever the filter says', () => {
    expect(orderIn(showBoard(source, only(), nothingShown), 'todo')).toEqual(['c']);
  });

  it('keeps the list of a column in which the same cards are shown', () => {
    const first = showBoard(source, only('a', 'd'), nothingShown);
    const second = showBoard(source, only('b', 'd'), first);
    expect(orderIn(second, 'done')).toBe(orderIn(first, 'done'));
    expect(orderIn(second, 'todo')).not.toBe(orderIn(first, 'todo'));
  });

  it('answers an empty list for a column that is not there', () => {
    expect(orderIn(nothingShown, 'todo')).toEqual([]);
  });
});
