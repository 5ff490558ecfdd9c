import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RequestError } from '~/gql/request';
import type { Connection } from './connection';
import { SnapshotThenStream } from './snapshot-then-stream';

const connection = { behind: () => () => {} } as unknown as Connection;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('opens the stream only after the reading, and starts over at a resync', async () => {
  const steps: string[] = [];
  let resync = () => {};
  const follow = new SnapshotThenStream({
    connection,
    read: async () => void steps.push('read'),
    open: (onResync) => {
      steps.push('open');
      resync = onResync;
      return () => void steps.push('close');
    },
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(steps).toEqual(['read', 'open']);
  expect(follow.status.state().status).toBe('ready');
  resync();
  await vi.advanceTimersByTimeAsync(0);
  expect(steps).toEqual(['read', 'open', 'close', 'read', 'open']);
});

it('shows a first failure and tries again by itself when it may pass', async () => {
  const read = vi.fn().mockRejectedValueOnce(new RequestError('UNAVAILABLE', 'starting')).mockResolvedValue(undefined);
  const follow = new SnapshotThenStream({ connection, read, open: () => () => {} });
  await vi.advanceTimersByTimeAsync(0);
  expect(follow.status.state()).toMatchObject({ status: 'failed', error: { code: 'UNAVAILABLE' } });
  await vi.advanceTimersByTimeAsync(500);
  expect(follow.status.state().status).toBe('ready');
});

it('does not ask again for what is not there', async () => {
  const read = vi.fn().mockRejectedValue(new RequestError('NOT_FOUND', 'no such board'));
  const follow = new SnapshotThenStream({ connection, read, open: () => () => {} });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(read).toHaveBeenCalledTimes(1);
  follow.retry();
  await vi.advanceTimersByTimeAsync(0);
  expect(read).toHaveBeenCalledTimes(2);
});

it('keeps what is on screen when a later reading fails', async () => {
  let resync = () => {};
  const read = vi.fn().mockResolvedValueOnce(undefined).mockRejectedValue(new RequestError('UNREACHABLE', 'gone'));
  const follow = new SnapshotThenStream({
    connection,
    read,
    open: (onResync) => {
      resync = onResync;
      return () => {};
    },
  });
  await vi.advanceTimersByTimeAsync(0);
  resync();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(read.mock.calls.length).toBeGreaterThan(2);
  expect(follow.status.state().status).toBe('ready');
  follow.close();
});

it('drops what comes after it was closed', async () => {
  let finish = () => {};
  const open = vi.fn();
  const follow = new SnapshotThenStream({
    connection,
    read: () =>
      new Promise((resolve) => {
        finish = () => resolve(undefined);
      }),
    open,
  });
  follow.close();
  finish();
  await vi.advanceTimersByTimeAsync(0);
  expect(open).not.toHaveBeenCalled();
});
