import { describe, expect, it } from 'vitest';
import type { Card } from '~/gql/types';
import { type BoardView, fromViewSearch, readViewSearch, sortedBy, toViewSearch } from './board-view';
import { boardLayout, laneLayout, listLayout, unfolded } from './layout';
import { listRows, ticketsOf } from './list-rows';
import { aCard } from './pretend-server';
import { type BoardSource, nothingShown, orderIn, showBoard } from './shown-board';
import { intoLanes } from './swimlanes';

const mara = { id: 'mara', name: 'Mara' };
const jonas = { id: 'jonas', name: 'Jonas' };
const cards: readonly Card[] = [
  aCard('1', 'todo', 'a', { key: 'AL-1', kind: 'EPIC', title: 'Beta', assignee: mara }),
  aCard('2', 'todo', 'b', { key: 'AL-2', kind: 'STORY', title: 'Alpha', assignee: jonas, priority: 'LOW' }),
  aCard('3', 'todo', 'c', { key: 'AL-3', title: 'Gamma', assignee: mara, priority: 'URGENT', costUsdMicros: 5 }),
  aCard('10', 'done', 'a', { key: 'AL-10', title: 'Delta', priority: 'URGENT', costUsdMicros: 9 }),
  aCard('11', 'done', 'b', { key: 'AL-11', title: 'Eta', assignee: jonas }),
];
const source: BoardSource = {
  columns: () => ['todo', 'doing', 'done'].map((key) => ({ key, name: key.toUpperCase(), wipLimit: null })),
  column: (key) => cards.filter((card) => card.columnKey === key).map((card) => card.ticketId),
  card: (ticketId) => cards.find((card) => card.ticketId === ticketId),
};
const shown = showBoard(source, null, nothingShown);
const lanes = (kind: 'assignee' | 'epic' | 'priority', parents = new Map<string, string>()) =>
  intoLanes(shown, kind, parents, source, []);
const none = () => false;

describe('the address of a view', () => {
  it('holds it and gives it back', () => {
    const view: BoardView = { shape: 'list', lanes: 'epic', sort: 'title', descending: true };
    expect(fromViewSearch(readViewSearch({ ...toViewSearch(view) }))).toEqual(view);
  });

  it('leaves out what it does not understand', () => {
    expect(readViewSearch({ view: 'pie', lanes: 'mood', sort: 'luck', desc: true })).toEqual({});
  });

  it('turns a column’s sorting up, down and off', () => {
    const rest = fromViewSearch({});
    const up = sortedBy(rest, 'title');
    const down = sortedBy(up, 'title');
    expect([up, down].map(({ sort, descending }) => [sort, descending])).toEqual([
      ['title', false],
      ['title', true],
    ]);
    expect(sortedBy(down, 'title')).toEqual(rest);
    expect(sortedBy(down, 'key')).toMatchObject({ sort: 'key', descending: false });
  });
});

describe('the list', () => {
  const sorted = (sort: BoardView['sort'], descending = false) =>
    ticketsOf(listRows(shown, { sort, descending }, none, source)).join();

  it('groups by column, in the order of the board', () => {
    expect(listRows(shown, { sort: 'rank', descending: false }, none, source)[0]).toEqual({
      kind: 'column',
      columnKey: 'todo',
      name: 'TODO',
      count: 3,
    });
    expect(sorted('rank')).toBe('1,2,3,10,11');
  });

  it.each<[BoardView['sort'], string, string]>([
    ['key', '1,2,3,10,11', '3,2,1,11,10'],
    ['title', '2,1,3,10,11', '3,1,2,11,10'],
    ['priority', '3,2,1,10,11', '1,2,3,11,10'],
    ['assignee', '2,1,3,11,10', '1,3,2,10,11'],
    ['cost', '3,1,2,10,11', '1,2,3,11,10'],
  ])('sorts each column by %s, both ways', (sort, up, down) => {
    expect(sorted(sort)).toBe(up);
    expect(sorted(sort, true)).toBe(down);
  });

  it('shows of a folded column its name and count', () => {
    const rows = listRows(shown, { sort: 'rank', descending: false }, (key) => key === 'todo', source);
    expect(ticketsOf(rows)).toEqual(['10', '11']);
    expect(rows).toHaveLength(5);
  });

  it('is walked from top to bottom, over the columns', () => {
    const layout = listLayout(['1', '2', '10']);
    expect(layout.next('2', 'todo', 'down')).toBe('10');
    expect(layout.next('1', 'todo', 'up')).toBeUndefined();
    expect(layout.next('1', 'todo', 'right')).toBeUndefined();
    expect(layout.around('1')).toBeNull();
  });
});

describe('swimlanes', () => {
  it('are one a person, by name, with those of nobody last', () => {
    const byPerson = lanes('assignee');
    expect(byPerson.map(({ id }) => id)).toEqual(['jonas', 'mara', 'rest']);
    expect(byPerson.map(({ board }) => [orderIn(board, 'todo'), orderIn(board, 'done')])).toEqual([
      [['2'], ['11']],
      [['1', '3'], []],
      [[], ['10']],
    ]);
  });

  it('are one a priority, the most urgent first', () => {
    expect(lanes('priority').map(({ id }) => id)).toEqual(['URGENT', 'LOW', 'rest']);
  });

  it('put a ticket below the epic that it is a part of, however deep, and the epic into its own', () => {
    const parents = new Map([
      ['2', '1'],
      ['10', '2'],
    ]);
    expect(lanes('epic', parents).map(({ id, board }) => [id, board.shown])).toEqual([
      ['1', 3],
      ['rest', 2],
    ]);
  });

  it('do not run in circles', () => {
    const parents = new Map([
      ['2', '3'],
      ['3', '2'],
    ]);
    expect(lanes('epic', parents).map(({ id }) => id)).toEqual(['1', 'rest']);
  });

  it('keep the lists of cells in which nothing changed', () => {
    const before = lanes('assignee');
    const after = intoLanes(shown, 'assignee', new Map(), source, before);
    after.forEach((lane, at) => {
      for (const [key, order] of lane.board.orders) expect(order).toBe(before[at]?.board.orders.get(key));
    });
  });

  it('are walked from lane to lane within a column', () => {
    const layout = laneLayout(lanes('assignee'));
    expect(layout.next('2', 'todo', 'down')).toBe('1');
    expect(layout.next('1', 'todo', 'up')).toBe('2');
    expect(layout.next('2', 'todo', 'right')).toBe('11');
    expect(layout.next('11', 'done', 'down')).toBe('10');
    expect(layout.next('3', 'todo', 'down')).toBeUndefined();
    expect(layout.around('3')?.laneId).toBe('mara');
    expect(layout.range('3')).toEqual(['1', '3']);
  });
});

it('passes over columns that are folded away', () => {
  const layout = boardLayout(unfolded(shown, (key) => key === 'done'));
  expect(layout.next('1', 'todo', 'right')).toBeUndefined();
  expect(layout.next('1', 'todo', 'down')).toBe('2');
});
