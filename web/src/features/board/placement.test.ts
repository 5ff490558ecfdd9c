import { describe, expect, it } from 'vitest';
import { indexAt, neighbour, neighboursAt, preview, step, wholeIndex } from './placement';

const columns = [{ key: 'todo' }, { key: 'empty' }, { key: 'done' }];
const orders: Record<string, readonly string[]> = { todo: ['a', 'b', 'c'], empty: [], done: ['x'] };
const order = (key: string) => orders[key] ?? [];

describe('indexAt', () => {
  it.each([
    [null, 3],
    [{ ticketId: 'a', edge: 'top' as const }, 0],
    [{ ticketId: 'a', edge: 'bottom' as const }, 1],
    [{ ticketId: 'c', edge: 'bottom' as const }, 3],
    [{ ticketId: 'gone', edge: 'top' as const }, 3],
  ])('of a card from elsewhere over %j', (over, index) => {
    expect(indexAt(['a', 'b', 'c'], 'new', over)).toBe(index);
  });

  it('does not count the card itself', () => {
    expect(indexAt(['a', 'b', 'c'], 'a', { ticketId: 'c', edge: 'top' })).toBe(1);
    expect(indexAt(['a', 'b', 'c'], 'b', { ticketId: 'b', edge: 'bottom' })).toBe(1);
    expect(indexAt(['a', 'b', 'c'], 'a', null)).toBe(2);
  });
});

it('names the neighbours of a place without the card that goes there', () => {
  expect(neighboursAt(['a', 'b', 'c'], 'b', 0)).toEqual({ afterId: null, beforeId: 'a' });
  expect(neighboursAt(['a', 'b', 'c'], 'b', 1)).toEqual({ afterId: 'a', beforeId: 'c' });
  expect(neighboursAt([], 'b', 0)).toEqual({ afterId: null, beforeId: null });
});

it('previews a card in another place', () => {
  expect(preview(['a', 'b', 'c'], 'c', 0)).toEqual(['c', 'a', 'b']);
  expect(preview(['a'], 'z', 1)).toEqual(['a', 'z']);
});

it('steps with a card in hand, and stops at every edge', () => {
  const length = (key: string) => order(key).filter((id) => id !== 'a').length;
  expect(step({ columnKey: 'todo', index: 0 }, 'up', columns, length).index).toBe(0);
  expect(step({ columnKey: 'todo', index: 2 }, 'down', columns, length).index).toBe(2);
  expect(step({ columnKey: 'todo', index: 2 }, 'right', columns, length)).toEqual({ columnKey: 'empty', index: 0 });
  expect(step({ columnKey: 'todo', index: 2 }, 'left', columns, length)).toEqual({ columnKey: 'todo', index: 2 });
});

it('moves the focus over empty columns to a card of the same height', () => {
  expect(neighbour('b', 'todo', 'up', columns, order)).toBe('a');
  expect(neighbour('c', 'todo', 'down', columns, order)).toBeUndefined();
  expect(neighbour('c', 'todo', 'right', columns, order)).toBe('x');
  expect(neighbour('x', 'done', 'left', columns, order)).toBe('a');
});

describe('wholeIndex', () => {
  const whole = ['a', 'hidden1', 'b', 'hidden2', 'c'];
  it.each<[string, readonly string[], number, number]>([
    ['after the shown card above, before what is hidden', ['a', 'b', 'c'], 1, 1],
    ['above the first shown card', ['b', 'c'], 0, 2],
    ['below the last shown card', ['a', 'b'], 2, 3],
    ['in a column of which nothing is shown: the end', [], 0, 5],
  ])('%s', (_, shown, index, expected) => {
    expect(wholeIndex(whole, shown, 'new', index)).toBe(expected);
  });

  it('is the index itself while nothing is hidden', () => {
    for (const index of [0, 1, 2]) expect(wholeIndex(['a', 'b', 'c'], ['a', 'b', 'c'], 'b', index)).toBe(index);
  });
});
