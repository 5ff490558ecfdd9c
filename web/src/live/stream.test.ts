import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TypedDocumentString } from '~/gql/generated';
import type { Connection, ConnectionState } from './connection';
import { waitBeforeRetry } from './connection';
import { openStream } from './stream';

interface Item {
  cursor: string;
  live: boolean;
}

/** Stands in for the socket: records what is subscribed and lets a test speak for the server. */
function fakeConnection() {
  const subscribed: { payload: { variables: { after: string | null } }; sink: Sink; left: boolean }[] = [];
  type Sink = {
    next: (result: { data?: { item: Item }; errors?: unknown[] }) => void;
    error: (cause: unknown) => void;
    complete: () => void;
  };
  let state: ConnectionState = { phase: 'live', since: 0 };
  const listeners = new Set<() => void>();
  let behind = 0;
  const connection = {
    state: () => state,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    behind: () => {
      behind += 1;
      let counted = true;
      return () => {
        if (counted) behind -= 1;
        counted = false;
      };
    },
    client: {
      subscribe: (payload: { variables: { after: string | null } }, sink: Sink) => {
        const entry = { payload, sink, left: false };
        subscribed.push(entry);
        return () => {
          entry.left = true;
        };
      },
    },
  };
  return {
    connection: connection as unknown as Connection,
    subscribed,
    behind: () => behind,
    become: (phase: ConnectionState['phase']) => {
      state = { phase, since: 0 };
      for (const listener of listeners) listener();
    },
  };
}

describe('openStream', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function open() {
    const fake = fakeConnection();
    let cursor: string | null = 'c0';
    const refused = vi.fn();
    const items: string[] = [];
    const close = openStream(fake.connection, {
      document: new TypedDocumentString<{ item: Item }, { after: string | null }>('subscription { item }'),
      variables: () => ({ after: cursor }),
      pick: (result) => result.item,
      onItem: (item) => {
        cursor = item.cursor;
        items.push(item.cursor);
      },
      onRefused: refused,
    });
    return { ...fake, close, refused, items };
  }

  it('carries the cursor of the moment into every subscription, also one made below it', () => {
    const { subscribed } = open();
    expect(subscribed[0]?.payload.variables).toEqual({ after: 'c0' });
    subscribed[0]?.sink.next({ data: { item: { cursor: 'c1', live: false } } });
    expect(JSON.parse(JSON.stringify(subscribed[0]?.payload)).variables).toEqual({ after: 'c1' });
  });

  it('is behind until an item says that it is live, and again when the socket was cut', () => {
    const stream = open();
    expect(stream.behind()).toBe(1);
    stream.subscribed[0]?.sink.next({ data: { item: { cursor: 'c1', live: true } } });
    expect(stream.behind()).toBe(0);
    stream.become('lost');
    expect(stream.behind()).toBe(1);
    stream.become('catching-up');
    stream.subscribed[0]?.sink.next({ data: { item: { cursor: 'c2', live: true } } });
    expect(stream.behind()).toBe(0);
  });

  it('subscribes again from its cursor when the server ends it', () => {
    const { subscribed } = open();
    subscribed[0]?.sink.next({ data: { item: { cursor: 'c5', live: true } } });
    subscribed[0]?.sink.complete();
    vi.advanceTimersByTime(1_000);
    expect(subscribed).toHaveLength(2);
    expect(subscribed[1]?.payload.variables).toEqual({ after: 'c5' });
  });

  it('tries again after an error that may pass, and stops at a refusal', () => {
    const { subscribed, refused, behind } = open();
    subscribed[0]?.sink.error([{ message: 'later', extensions: { code: 'UNAVAILABLE' } }]);
    vi.advanceTimersByTime(1_000);
    expect(subscribed).toHaveLength(2);
    subscribed[1]?.sink.error([{ message: 'no such run', extensions: { code: 'NOT_FOUND' } }]);
    vi.advanceTimersByTime(60_000);
    expect(subscribed).toHaveLength(2);
    expect(refused).toHaveBeenCalledWith(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(behind()).toBe(0);
  });

  it('stays closed once closed, and when the session is over', () => {
    const first = open();
    first.close();
    first.subscribed[0]?.sink.complete();
    vi.advanceTimersByTime(60_000);
    expect(first.subscribed).toHaveLength(1);
    expect(first.subscribed[0]?.left).toBe(true);
    expect(first.behind()).toBe(0);
    const second = open();
    second.become('ended');
    second.subscribed[0]?.sink.error({ code: 4401 });
    vi.advanceTimersByTime(60_000);
    expect(second.subscribed).toHaveLength(1);
  });
});

it('waits 250 ms, doubling to 8 s, within 30 %', () => {
  expect(waitBeforeRetry(0, 0.5)).toBe(250);
  expect(waitBeforeRetry(3, 0.5)).toBe(2_000);
  expect(waitBeforeRetry(20, 0.5)).toBe(8_000);
  expect(waitBeforeRetry(20, 0)).toBe(5_600);
  expect(waitBeforeRetry(20, 1)).toBe(10_400);
});
