import { expect, it, vi } from 'vitest';
import type { RunEvent, RunRow } from '~/gql/types';
import { RunLog } from './run-log';
import { RunsStore } from './runs-store';

const event = (seq: number): RunEvent => ({
  seq,
  at: '2026-01-01T00:00:00Z',
  type: 'MESSAGE',
  text: `${seq}`,
  data: {},
});

it('keeps each event once, in order, whatever comes again', () => {
  const log = new RunLog();
  log.append([event(1), event(2)], 's2');
  log.append([event(2), event(3)], 's3');
  log.append([event(3)], 's3');
  expect(log.events().map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(log.cursor).toBe('s3');
});

it('hands out the same array until something was added, and tells once a frame', () => {
  const log = new RunLog();
  const told = vi.fn();
  log.subscribe(told);
  log.append([event(1)], 's1');
  const before = log.events();
  expect(log.events()).toBe(before);
  log.append([event(2)], 's2');
  log.append([event(3)], 's3');
  expect(log.events()).not.toBe(before);
  log.flush();
  expect(told).toHaveBeenCalledTimes(1);
});

it('lists runs newest first and takes a change only when it is not older', () => {
  const run = (id: string, requestedAt: string, version: number, state: string) =>
    ({ id, requestedAt, version, state }) as RunRow;
  const store = new RunsStore();
  store.merge([run('a', '2026-01-01T00:00:00Z', 2, 'WORKING'), run('b', '2026-01-02T00:00:00Z', 1, 'QUEUED')]);
  store.merge([run('a', '2026-01-01T00:00:00Z', 1, 'QUEUED')]);
  store.merge([run('b', '2026-01-02T00:00:00Z', 3, 'FAILED')]);
  expect(store.runs().map(({ id, state }) => `${id} ${state}`)).toEqual(['b FAILED', 'a WORKING']);
});
