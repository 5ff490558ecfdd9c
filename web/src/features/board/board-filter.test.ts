import { describe, expect, it } from 'vitest';
import type { Card } from '~/gql/types';
import {
  type BoardFilter,
  fromSearch,
  hasAgent,
  isFiltering,
  labelsOf,
  matcher,
  NOBODY,
  needsPerson,
  noFilter,
  readFilterSearch,
  toggled,
  toSearch,
} from './board-filter';

const mara = { id: 'mara', name: 'Mara Okafor' };
const jonas = { id: 'jonas', name: 'Jonas Weber' };

function card(more: Partial<Card> = {}): Card {
  return {
    ticketId: 't',
    key: 'AL-12',
    version: 1,
    title: 'Resume without a hole',
    kind: 'TASK',
    columnKey: 'todo',
    rank: 'm',
    priority: null,
    labels: ['api', 'ui'],
    assignee: mara,
    delegate: null,
    repo: null,
    branch: null,
    run: null,
    costUsdMicros: 0,
    commentCount: 0,
    ...more,
  };
}

const run = (state: NonNullable<Card['run']>['state']): Card['run'] => ({
  runId: 'r',
  state,
  mode: 'IMPLEMENT',
  provider: 'codex',
  stationsReached: 1,
  failure: null,
});

const passes = (filter: Partial<BoardFilter>, shown: Card): boolean =>
  matcher({ ...noFilter, ...filter }, 'mara')(shown);

describe('the address', () => {
  it('holds a filter and gives the same one back', () => {
    const filter: BoardFilter = {
      assignees: ['mara', NOBODY],
      labels: ['api'],
      kinds: ['STORY', 'BUG'],
      hasAgent: true,
      needsMe: true,
      text: 'two words',
    };
    expect(fromSearch(readFilterSearch({ ...toSearch(filter) }))).toEqual(filter);
    expect(toSearch(filter).label).toBe('api');
  });

  it('says nothing when nothing is filtered', () => {
    expect(toSearch(noFilter)).toEqual({});
    expect(isFiltering(fromSearch({}))).toBe(false);
  });

  it('leaves out what it does not understand', () => {
    const typed = {
      kind: ['bug', 'wish'],
      agent: 'yes',
      needs: 1,
      label: { a: 1 },
      assignee: [7, null],
      q: ['a', 'b'],
    };
    expect(readFilterSearch(typed)).toEqual({ kind: 'bug', assignee: '7', q: 'a' });
  });

  it('takes a number for the word that it was', () => {
    expect(fromSearch(readFilterSearch({ q: 42, label: 2026 }))).toMatchObject({ text: '42', labels: ['2026'] });
  });
});

describe('one choice', () => {
  it.each<[string, Partial<BoardFilter>, Card, boolean]>([
    ['this person', { assignees: ['mara'] }, card(), true],
    ['another person', { assignees: ['jonas'] }, card(), false],
    ['either person', { assignees: ['jonas', 'mara'] }, card({ assignee: jonas }), true],
    ['nobody, and somebody has it', { assignees: [NOBODY] }, card(), false],
    ['nobody', { assignees: [NOBODY] }, card({ assignee: null }), true],
    ['one of its labels', { labels: ['ui', 'docs'] }, card(), true],
    ['none of its labels', { labels: ['docs'] }, card(), false],
    ['its kind', { kinds: ['TASK'] }, card(), true],
    ['another kind', { kinds: ['EPIC', 'BUG'] }, card(), false],
    ['every word, in any case and order', { text: 'HOLE resume' }, card(), true],
    ['its key', { text: 'al-12' }, card(), true],
    ['a label’s word', { text: 'api' }, card(), true],
    ['one word too many', { text: 'resume socket' }, card(), false],
    ['blank words', { text: '  ' }, card(), true],
    ['an agent, by delegation', { hasAgent: true }, card({ delegate: { provider: 'codex' } }), true],
    ['an agent, and there is none', { hasAgent: true }, card({ run: run('SUCCEEDED') }), false],
  ])('%s', (_, filter, shown, expected) => {
    expect(passes(filter, shown)).toBe(expected);
  });

  it('narrows together with the others', () => {
    expect(passes({ labels: ['api'], kinds: ['TASK'], text: 'hole' }, card())).toBe(true);
    expect(passes({ labels: ['api'], kinds: ['BUG'], text: 'hole' }, card())).toBe(false);
  });
});

it('sees an agent that is still at work, and none that has ended', () => {
  expect(['QUEUED', 'WORKING', 'PAUSED'].every((state) => hasAgent(card({ run: run(state as 'QUEUED') })))).toBe(true);
  expect(['FAILED', 'CANCELLED'].some((state) => hasAgent(card({ run: run(state as 'FAILED') })))).toBe(false);
});

it('needs the person whose card asks or has failed, or anybody when it is nobody’s', () => {
  expect(needsPerson(card({ run: run('WAITING') }), 'mara')).toBe(true);
  expect(needsPerson(card({ run: run('FAILED') }), 'mara')).toBe(true);
  expect(needsPerson(card({ run: run('FAILED'), assignee: null }), 'mara')).toBe(true);
  expect(needsPerson(card({ run: run('WAITING') }), 'jonas')).toBe(false);
  expect(needsPerson(card({ run: run('WORKING') }), 'mara')).toBe(false);
  expect(needsPerson(card(), 'mara')).toBe(false);
});

it('lists the labels of a board once, by the alphabet', () => {
  expect(labelsOf([card(), card({ labels: ['bug', 'api'] })])).toEqual(['api', 'bug', 'ui']);
});

it('switches a choice on and off', () => {
  expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
  expect(toggled(['b'], 'a')).toEqual(['b', 'a']);
});
