import { describe, expect, it } from 'vitest';
import { findItems, type PaletteGroup, type PaletteItem } from './palette-items';

const item = (label: string, sign?: string): PaletteItem => ({
  id: `${sign ?? ''}${label}`,
  label,
  ...(sign ? { sign } : {}),
  run: () => {},
});
const groups: readonly PaletteGroup[] = [
  { id: 'actions', title: 'Actions', items: [item('Go to board'), item('Run agent')], atRest: 5, atMost: 5 },
  {
    id: 'tickets',
    title: 'Tickets',
    items: [
      item('The board is slow', 'AL-1'),
      item('Run logs', 'AL-10'),
      item('Board filters', 'AL-2'),
      item('Old AL-1 notes', 'AL-3'),
    ],
    atRest: 2,
    atMost: 3,
  },
];
const found = (query: string) =>
  Object.fromEntries(findItems(groups, query).map((group) => [group.id, group.items.map(({ id }) => id)]));

describe('findItems', () => {
  it('shows the first of each group while nothing is written', () => {
    expect(found('  ')).toEqual({
      actions: ['Go to board', 'Run agent'],
      tickets: ['AL-1The board is slow', 'AL-10Run logs'],
    });
  });

  it('finds every word, in any order, and leaves out groups without any', () => {
    expect(found('slow board')).toEqual({ tickets: ['AL-1The board is slow'] });
    expect(found('nothing like it')).toEqual({});
  });

  it('puts a whole key before one that begins so, and that before one that only names it', () => {
    expect(found('al-1').tickets).toEqual(['AL-1The board is slow', 'AL-10Run logs', 'AL-3Old AL-1 notes']);
  });

  it('puts the beginning of a title before its middle', () => {
    expect(found('board').tickets).toEqual(['AL-2Board filters', 'AL-1The board is slow']);
  });

  it('shows no more of a group than it may', () => {
    expect(found('a').tickets).toHaveLength(3);
  });
});
