import { beforeEach, expect, it, vi } from 'vitest';
import { BoardSelection } from './board-selection';

const order = ['a', 'b', 'c', 'd', 'e'];
let selection: BoardSelection;
const chosen = () => [...selection.chosen()].sort().join('');
beforeEach(() => {
  selection = new BoardSelection();
});

it('switches a card on and off', () => {
  selection.toggle('b');
  selection.toggle('d');
  expect(chosen()).toBe('bd');
  selection.toggle('b');
  expect(chosen()).toBe('d');
  expect(selection.has('d')).toBe(true);
});

it('draws a range from the card that was chosen last, longer and shorter', () => {
  selection.toggle('b');
  selection.extend(order, 'd');
  expect(chosen()).toBe('bcd');
  selection.extend(order, 'c');
  expect(chosen()).toBe('bc');
  selection.extend(order, 'a');
  expect(chosen()).toBe('ab');
});

it('starts a range at the card that had the focus', () => {
  selection.extend(order, 'c', 'b');
  expect(chosen()).toBe('bc');
  selection.extend(order, 'd', 'c');
  expect(chosen()).toBe('bcd');
});

it('keeps what was chosen beside the range', () => {
  selection.toggle('e');
  selection.toggle('a');
  selection.extend(order, 'c');
  expect(chosen()).toBe('abce');
  selection.extend(order, 'a');
  expect(chosen()).toBe('ae');
});

it('takes a card of another column by itself, and ranges from there', () => {
  selection.toggle('b');
  selection.extend(['x', 'y', 'z'], 'y');
  expect(chosen()).toBe('by');
  selection.extend(['x', 'y', 'z'], 'z');
  expect(chosen()).toBe('byz');
});

it('lets go of what is no longer shown', () => {
  selection.add(['a', 'b', 'c']);
  selection.retain((ticketId) => ticketId !== 'b');
  expect(chosen()).toBe('ac');
});

it('tells the cards that changed, and no other', () => {
  const a = vi.fn();
  const b = vi.fn();
  selection.subscribe('a', a);
  selection.subscribe('b', b);
  selection.toggle('a');
  expect([a.mock.calls.length, b.mock.calls.length]).toEqual([1, 0]);
  selection.clear();
  expect([a.mock.calls.length, b.mock.calls.length]).toEqual([2, 0]);
  expect(selection.chosen().size).toBe(0);
});
