import { expect, it } from 'vitest';
import type { PlanItem } from '~/gql/types';
import { openItems, planRows, toggled } from './plan-tree';

const item = (id: string, parentId: string | null, accepted = false): PlanItem =>
  ({ id, parentId, acceptedTicket: accepted ? { id: `t-${id}` } : null }) as PlanItem;

const plan = [item('epic', null), item('task', 'story'), item('story', 'epic'), item('other', 'epic')];

it('puts parents before their children', () => {
  expect(planRows(plan).map(({ item: { id }, depth }) => `${depth} ${id}`)).toEqual([
    '0 epic',
    '1 story',
    '2 task',
    '1 other',
  ]);
});

it('shows an item whose parent is not there, or is itself, as a root, once', () => {
  expect(planRows([item('a', 'gone'), item('b', 'a')]).map(({ depth }) => depth)).toEqual([0, 1]);
});

it('takes an item with its ancestors, and leaves it with all below it', () => {
  const withTask = toggled(plan, new Set(), 'task');
  expect([...withTask].sort()).toEqual(['epic', 'story', 'task']);
  const all = new Set(plan.map(({ id }) => id));
  expect([...toggled(plan, all, 'story')].sort()).toEqual(['epic', 'other']);
  expect([...toggled(plan, all, 'epic')]).toEqual([]);
});

it('offers only what is not on the board yet', () => {
  expect(openItems([item('a', null, true), item('b', 'a')]).map(({ id }) => id)).toEqual(['b']);
});
