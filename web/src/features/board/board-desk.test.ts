import { beforeEach, describe, expect, it } from 'vitest';
import { RequestError } from '~/gql/request';
import { BoardDesk, type Wish } from './board-desk';
import { type Change, placeAt } from './change';
import { aCard, PretendServer } from './pretend-server';

const mara = { id: 'mara', name: 'Mara Okafor' };
const jonas = { id: 'jonas', name: 'Jonas Weber' };

let server: PretendServer;
let desk: BoardDesk;
beforeEach(() => {
  server = new PretendServer([
    ...['a', 'b', 'c', 'd', 'e'].map((id, at) => aCard(id, 'todo', `m${at}`)),
    ...['x', 'y'].map((id, at) => aCard(id, 'doing', `m${at}`)),
  ]);
  desk = new BoardDesk(server.store, server.send);
});

const move = (ticketId: string, columnKey: string, index: number): Wish => ({
  ticketId,
  change: { kind: 'move', to: placeAt(server.store, ticketId, columnKey, index) },
});
const all = (ticketIds: readonly string[], change: Change): Wish[] =>
  ticketIds.map((ticketId) => ({ ticketId, change }));
/** As the actions make it: to the end of a column, each below the one before it. */
function moveAll(ticketIds: readonly string[], columnKey: string): Wish[] {
  let order = server.store.column(columnKey);
  return ticketIds.map((ticketId) => {
    order = [...order, ticketId];
    return { ticketId, change: { kind: 'move', to: { columnKey, order } } };
  });
}
const shown = () => Object.fromEntries(server.store.columns().map(({ key }) => [key, server.store.column(key)]));

describe('an action', () => {
  it('is shown before it is answered, and agrees with the server after', async () => {
    const done = desk.perform('move', [move('a', 'doing', 1)]);
    expect(shown().doing).toEqual(['x', 'a', 'y']);
    await done;
    expect(server.orders()).toEqual(shown());
    expect(server.orders().doing).toEqual(['x', 'a', 'y']);
  });

  it('that changes nothing is not sent and cannot be undone', async () => {
    const { entry } = await desk.perform('nothing', [
      move('a', 'todo', 0),
      ...all(['b'], { kind: 'assign', user: null }),
    ]);
    expect(entry).toBeNull();
    expect(desk.canPlay('undo')).toBe(false);
    expect(server.card('a').version).toBe(1);
  });

  it('on many keeps their order at the end of the column', async () => {
    await desk.perform('move', moveAll(['b', 'd', 'e'], 'doing'));
    expect(server.orders()).toMatchObject({ todo: ['a', 'c'], doing: ['x', 'y', 'b', 'd', 'e'] });
  });

  it('names each ticket that was refused, and does the rest', async () => {
    server.refusals.set('b', new RequestError('REJECTED', 'the ticket is archived; restore it first'));
    server.refusals.set('c', new RequestError('STALE', 'late', { by: 'Mara' }));
    const { entry, failures } = await desk.perform('move', moveAll(['a', 'b', 'c', 'd'], 'doing'));
    expect(failures.map(({ key }) => key)).toEqual(['AL-b', 'AL-c']);
    expect(entry?.steps.map(({ key }) => key)).toEqual(['AL-a', 'AL-d']);
    expect(server.orders()).toMatchObject({ todo: ['b', 'c', 'e'], doing: ['x', 'y', 'a', 'd'] });
    expect(shown()).toEqual(server.orders());
  });
});

describe('undo', () => {
  it('of a move puts it back where it was, and redo does it again', async () => {
    await desk.perform('move', [move('c', 'doing', 0)]);
    await desk.play('undo');
    expect(server.orders().todo).toEqual(['a', 'b', 'c', 'd', 'e']);
    await desk.play('redo');
    expect(server.orders()).toMatchObject({ todo: ['a', 'b', 'd', 'e'], doing: ['c', 'x', 'y'] });
    expect(shown()).toEqual(server.orders());
  });

  it.each<[string, Change]>([
    ['an assignment', { kind: 'assign', user: mara }],
    ['a priority', { kind: 'prioritise', priority: 'HIGH' }],
    ['an archiving', { kind: 'archive' }],
  ])('of %s of many restores the earlier board exactly', async (_, change) => {
    server.other('b', { kind: 'assign', user: jonas });
    server.other('b', { kind: 'prioritise', priority: 'LOW' });
    const before = server
      .snapshot()
      .columns.map(({ cards }) => cards.map(({ ticketId, assignee, priority }) => ({ ticketId, assignee, priority })));
    await desk.perform('bulk', all(['a', 'b', 'd'], change));
    await desk.play('undo');
    const after = server
      .snapshot()
      .columns.map(({ cards }) => cards.map(({ ticketId, assignee, priority }) => ({ ticketId, assignee, priority })));
    expect(after).toEqual(before);
    expect(shown()).toEqual(server.orders());
  });

  it('of a bulk move restores the earlier order exactly, and redo the later one', async () => {
    const before = server.orders();
    await desk.perform('bulk', moveAll(['a', 'b', 'x', 'd'], 'done'));
    const after = server.orders();
    expect(after.done).toEqual(['a', 'b', 'x', 'd']);
    await desk.play('undo');
    expect(server.orders()).toEqual(before);
    await desk.play('redo');
    expect(server.orders()).toEqual(after);
    await desk.play('undo');
    expect(server.orders()).toEqual(before);
  });

  it('goes back through several actions on one ticket, and forward again', async () => {
    await desk.perform('1', [move('a', 'doing', 0)]);
    await desk.perform('2', [move('a', 'done', 0)]);
    await desk.perform('3', all(['a'], { kind: 'archive' }));
    for (const _ of [3, 2, 1]) expect((await desk.play('undo'))?.failures).toEqual([]);
    expect(server.orders().todo).toEqual(['a', 'b', 'c', 'd', 'e']);
    for (const _ of [1, 2, 3]) expect((await desk.play('redo'))?.failures).toEqual([]);
    expect(server.isArchived('a')).toBe(true);
    expect(desk.canPlay('redo')).toBe(false);
  });

  it('pressed before the answer came waits for it', async () => {
    const done = desk.perform('move', [move('a', 'doing', 0)]);
    const undone = desk.play('undo');
    await done;
    expect((await undone)?.label).toBe('move');
    expect(server.orders().todo?.[0]).toBe('a');
  });

  it('does not overwrite what another person did since, and says who', async () => {
    await desk.perform('move', [move('a', 'doing', 0), move('b', 'doing', 0)]);
    server.other('a', { kind: 'move', to: { columnKey: 'done', order: ['a'] } });
    const outcome = await desk.play('undo');
    expect(outcome?.failures).toHaveLength(1);
    expect(outcome?.failures[0]).toMatchObject({ key: 'AL-a', cause: { code: 'STALE', details: { by: 'Mara' } } });
    expect(server.orders()).toMatchObject({ todo: ['b', 'c', 'd', 'e'], done: ['a'] });
    // The refused one is gone for good; the other can be done again.
    expect(desk.canPlay('undo')).toBe(false);
    await desk.play('redo');
    expect(server.orders().doing).toEqual(['b', 'x', 'y']);
    expect(server.orders().done).toEqual(['a']);
  });

  it('does not reach behind another person’s change that stands between two of ours', async () => {
    await desk.perform('1', [move('a', 'doing', 0)]);
    server.other('a', { kind: 'move', to: { columnKey: 'done', order: ['a'] } });
    await desk.perform('2', [move('a', 'todo', 0)]);
    expect((await desk.play('undo'))?.failures).toEqual([]);
    expect(server.card('a').columnKey).toBe('done');
    expect((await desk.play('undo'))?.failures).toHaveLength(1);
    expect(server.card('a').columnKey).toBe('done');
  });

  it('minds only what it changes: somebody else’s change of another thing is no hindrance', async () => {
    await desk.perform('move', [move('a', 'doing', 0)]);
    server.other('a', { kind: 'assign', user: mara });
    expect((await desk.play('undo'))?.failures).toEqual([]);
    expect(server.card('a')).toMatchObject({ columnKey: 'todo', assignee: mara });
  });

  it('that did not get through can be tried again', async () => {
    await desk.perform('move', [move('a', 'doing', 0)]);
    server.refusals.set('a', new RequestError('UNREACHABLE', 'gone'));
    expect((await desk.play('undo'))?.failures).toHaveLength(1);
    expect(shown().doing).toEqual(['a', 'x', 'y']);
    expect((await desk.play('undo'))?.failures).toEqual([]);
    expect(server.orders().todo?.[0]).toBe('a');
  });

  it('of a named action leaves the newer ones', async () => {
    const { entry } = await desk.perform('1', [move('a', 'doing', 0)]);
    await desk.perform('2', [move('b', 'doing', 0)]);
    await desk.play('undo', entry?.id);
    expect(server.orders()).toMatchObject({ todo: ['a', 'c', 'd', 'e'], doing: ['b', 'x', 'y'] });
    expect((await desk.play('undo'))?.label).toBe('2');
    expect(await desk.play('undo')).toBeNull();
  });

  it('of an adding archives it, and redo brings it back to its place', async () => {
    const card = server.card('b');
    desk.record({
      id: 'added',
      label: 'b added',
      steps: [
        {
          ticketId: 'b',
          key: card.key,
          changes: [{ kind: 'archive' }],
          from: { facet: 'archived', value: 'no' },
          version: card.version,
        },
      ],
    });
    await desk.play('undo');
    expect(server.orders().todo).toEqual(['a', 'c', 'd', 'e']);
    await desk.play('redo');
    expect(server.orders().todo).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('a new action ends what could have been done again', async () => {
    await desk.perform('1', [move('a', 'doing', 0)]);
    await desk.play('undo');
    await desk.perform('2', [move('b', 'doing', 0)]);
    expect(desk.canPlay('redo')).toBe(false);
  });
});
