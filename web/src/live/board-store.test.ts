import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { BoardSnapshot, Card } from '~/gql/types';
import { type BoardItem, BoardStore } from './board-store';
import { rankBetween } from './rank';

function card(ticketId: string, columnKey: string, rank: string, version = 1, more: Partial<Card> = {}): Card {
  return {
    ticketId,
    key: `AL-${ticketId}`,
    version,
    title: `Ticket ${ticketId}`,
    kind: 'TASK',
    columnKey,
    rank,
    priority: null,
    labels: [],
    assignee: null,
    delegate: null,
    repo: null,
    branch: null,
    run: null,
    costUsdMicros: 0,
    commentCount: 0,
    ...more,
  };
}

const columnNames = ['todo', 'doing', 'done'];

function snapshot(cards: readonly Card[], cursor = 'c0', position = 10): BoardSnapshot {
  return {
    id: 'board',
    projectId: 'project',
    name: 'Main',
    cursor,
    position,
    columns: columnNames.map((key) => ({
      key,
      name: key.toUpperCase(),
      wipLimit: null,
      cards: cards.filter((candidate) => candidate.columnKey === key),
    })),
  };
}

function item(more: Partial<BoardItem>): BoardItem {
  return {
    cursor: 'c',
    live: true,
    position: null,
    commandId: null,
    card: null,
    removedTicketId: null,
    board: null,
    ...more,
  };
}

const move = (commandId: string, ticketId: string, columnKey: string, rank: string) => ({
  commandId,
  ticketId,
  apply: (shown: Card | undefined) => shown && { ...shown, columnKey, rank },
});

describe('BoardStore', () => {
  let store: BoardStore;
  beforeEach(() => {
    store = new BoardStore();
    store.reset(snapshot([card('a', 'todo', 'a1'), card('b', 'todo', 'a2'), card('c', 'doing', 'a1')]));
    store.flush();
  });

  it('orders a column by rank, ties by ticket id', () => {
    store.reset(snapshot([card('z', 'todo', 'm'), card('y', 'todo', 'm'), card('x', 'todo', 'k')]));
    expect(store.column('todo')).toEqual(['x', 'y', 'z']);
  });

  it('shows a move at once and keeps the confirmed version', () => {
    store.begin(move('m1', 'a', 'doing', 'a2'));
    expect(store.column('todo')).toEqual(['b']);
    expect(store.column('doing')).toEqual(['c', 'a']);
    expect(store.isPending('a')).toBe(true);
    expect(store.confirmedVersion('a')).toBe(1);
  });

  it('settles the move by its command id and takes the place that the server gave', () => {
    store.begin(move('m1', 'a', 'doing', 'a2'));
    store.receive(item({ cursor: 'c1', position: 11, commandId: 'm1', card: card('a', 'doing', 'a0', 2) }));
    expect(store.column('doing')).toEqual(['a', 'c']);
    expect(store.isPending('a')).toBe(false);
    expect(store.cursor).toBe('c1');
    expect(store.position).toBe(11);
  });

  it('settles by command id even when the card that comes with it is older than what is held', () => {
    store.receive(item({ card: card('a', 'done', 'a5', 4) }));
    store.begin(move('m1', 'a', 'doing', 'a2'));
    store.receive(item({ commandId: 'm1', card: card('a', 'doing', 'a2', 3) }));
    expect(store.card('a')).toMatchObject({ columnKey: 'done', version: 4 });
    expect(store.isPending('a')).toBe(false);
  });

  it('puts a refused move back to where the others see it', () => {
    store.begin(move('m1', 'a', 'doing', 'a2'));
    store.receive(item({ commandId: 'other', card: card('a', 'done', 'a1', 2) }));
    expect(store.card('a')?.columnKey).toBe('doing');
    store.refuse('m1');
    expect(store.card('a')?.columnKey).toBe('done');
    expect(store.column('todo')).toEqual(['b']);
  });

  it('applies the changes that are left again on top of a newer card', () => {
    store.begin(move('m1', 'a', 'doing', 'a2'));
    store.begin({ commandId: 'm2', ticketId: 'a', apply: (shown) => shown && { ...shown, title: 'Mine' } });
    store.receive(item({ commandId: 'm1', card: card('a', 'doing', 'a2', 2, { commentCount: 3 }) }));
    expect(store.card('a')).toMatchObject({ title: 'Mine', columnKey: 'doing', commentCount: 3 });
  });

  it('keeps an acknowledged move on screen until its version has come', () => {
    store.begin(move('m1', 'a', 'doing', 'a2'));
    store.acknowledge('m1', 2);
    expect(store.card('a')?.columnKey).toBe('doing');
    expect(store.confirmedVersion('a')).toBe(2);
    store.receive(item({ commandId: null, card: card('a', 'doing', 'a2', 2) }));
    expect(store.isPending('a')).toBe(false);
    expect(store.card('a')?.columnKey).toBe('doing');
  });

  it('settles a change that changed nothing: its version is the one that is held', () => {
    store.begin(move('m1', 'a', 'todo', 'a1'));
    store.acknowledge('m1', 1);
    expect(store.isPending('a')).toBe(false);
  });

  it('ignores a card that is older, and takes one of the same version (a run moved on)', () => {
    store.receive(item({ card: card('a', 'todo', 'a1', 3, { title: 'New' }) }));
    store.receive(item({ card: card('a', 'todo', 'a1', 2, { title: 'Old' }) }));
    expect(store.card('a')?.title).toBe('New');
    store.receive(item({ card: card('a', 'todo', 'a1', 3, { title: 'New', costUsdMicros: 5 }) }));
    expect(store.card('a')?.costUsdMicros).toBe(5);
  });

  it('takes a removed ticket off the board, with what was pending on it', () => {
    store.begin(move('m1', 'a', 'doing', 'a2'));
    store.receive(item({ removedTicketId: 'a' }));
    expect(store.card('a')).toBeUndefined();
    expect(store.column('doing')).toEqual(['c']);
    expect(store.isPending('a')).toBe(false);
  });

  it('shows a new ticket in the place of its stand-in, never both', () => {
    const standIn = card('n1', 'todo', 'a9', 0, { key: '' });
    store.begin({ commandId: 'n1', ticketId: 'n1', apply: () => standIn });
    expect(store.column('todo')).toEqual(['a', 'b', 'n1']);
    store.receive(item({ commandId: 'n1', card: card('d', 'todo', 'a3', 1) }));
    expect(store.column('todo')).toEqual(['a', 'b', 'd']);
  });

  it('drops the stand-in too when a snapshot brings the ticket that the answer named', () => {
    const standIn = card('n1', 'todo', 'a9', 0, { key: '' });
    store.begin({ commandId: 'n1', ticketId: 'n1', apply: () => standIn });
    store.acknowledge('n1', 1, 'd');
    expect(store.column('todo')).toContain('n1');
    store.reset(snapshot([card('d', 'todo', 'a3', 1)]));
    expect(store.column('todo')).toEqual(['d']);
  });

  it('keeps what is still on its way on top of a new snapshot', () => {
    store.begin(move('m1', 'a', 'doing', 'a9'));
    store.reset(snapshot([card('a', 'todo', 'a1', 1), card('c', 'doing', 'a1', 5)], 'c7', 70));
    expect(store.column('doing')).toEqual(['c', 'a']);
    expect(store.cursor).toBe('c7');
  });

  it('shows a card whose column is gone in the first one', () => {
    store.receive(
      item({
        board: {
          name: 'Main',
          columns: [
            { key: 'todo', name: 'TODO', wipLimit: 3 },
            { key: 'done', name: 'DONE', wipLimit: null },
          ],
        },
      }),
    );
    expect(store.columns().map((column) => column.key)).toEqual(['todo', 'done']);
    expect(store.column('todo')).toContain('c');
    store.receive(item({ card: card('c', 'doing', 'a0', 2) }));
    expect(store.column('todo')[0]).toBe('c');
  });

  it('tells only whom it concerns, and once for many changes', () => {
    const told = { a: vi.fn(), c: vi.fn(), todo: vi.fn(), done: vi.fn() };
    store.subscribeCard('a', told.a);
    store.subscribeCard('c', told.c);
    store.subscribeColumn('todo', told.todo);
    store.subscribeColumn('done', told.done);
    for (let version = 2; version < 50; version += 1) {
      store.receive(item({ card: card('a', 'todo', 'a1', version, { title: `Title ${version}` }) }));
    }
    store.flush();
    expect(told.a).toHaveBeenCalledTimes(1);
    expect(told.c).not.toHaveBeenCalled();
    expect(told.todo).not.toHaveBeenCalled();
    store.receive(item({ card: card('a', 'done', 'a1', 60) }));
    store.flush();
    expect(told.todo).toHaveBeenCalledTimes(1);
    expect(told.done).toHaveBeenCalledTimes(1);
  });

  it('hands out the same array of a column until its order changes', () => {
    const before = store.column('todo');
    store.receive(item({ card: card('a', 'todo', 'a1', 2, { title: 'Other' }) }));
    expect(store.column('todo')).toBe(before);
  });

  it('ends as a fresh reading would, whatever the order of events, answers and refusals', () => {
    const random = mulberry(7);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const truth = new Map(['a', 'b', 'c', 'd', 'e'].map((id, index) => [id, card(id, 'todo', `k${index}`)]));
    const live = new BoardStore();
    live.reset(snapshot([...truth.values()]));
    let commands = 0;
    const late: (() => void)[] = [];
    for (let round = 0; round < 400; round += 1) {
      const ticketId = pick([...truth.keys()]);
      const target = pick(columnNames);
      const order = [...truth.values()]
        .filter((other) => other.columnKey === target)
        .map((other) => other.rank)
        .sort();
      const at = Math.floor(random() * (order.length + 1));
      const rank = rankBetween(order[at - 1] ?? null, order[at] ?? null);
      commands += 1;
      const commandId = `m${commands}`;
      live.begin(move(commandId, ticketId, target, rank));
      if (random() < 0.3) {
        late.push(() => live.refuse(commandId));
      } else {
        const held = truth.get(ticketId) as Card;
        const next = { ...held, columnKey: target, rank, version: held.version + 1 };
        truth.set(ticketId, next);
        const events = [
          () => live.receive(item({ commandId, card: next })),
          () => live.acknowledge(commandId, next.version),
        ];
        late.push(...(random() < 0.5 ? events : events.reverse()));
      }
      while (late.length > 0 && random() < 0.6) late.shift()?.();
    }
    for (const step of late) step();
    const fresh = new BoardStore();
    fresh.reset(snapshot([...truth.values()]));
    for (const key of columnNames) expect(live.column(key)).toEqual(fresh.column(key));
    for (const id of truth.keys()) expect(live.card(id)).toEqual(truth.get(id));
  });
});

/** Pseudo-random numbers that are the same in every run. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
