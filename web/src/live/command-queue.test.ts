import { describe, expect, it, vi } from 'vitest';
import { RequestError } from '~/gql/request';
import { CommandQueue, sendUntilAnswered } from './command-queue';

const unreachable = () => new RequestError('UNREACHABLE', 'gone');

/** A clock that jumps by every wait. */
function fakeTiming() {
  let now = 0;
  return {
    now: () => now,
    wait: (waitMs: number) => {
      now += waitMs;
      return Promise.resolve();
    },
  };
}

describe('sendUntilAnswered', () => {
  it('sends again until there is an answer', async () => {
    const send = vi
      .fn()
      .mockRejectedValueOnce(unreachable())
      .mockRejectedValueOnce(unreachable())
      .mockResolvedValue('yes');
    await expect(sendUntilAnswered(send, fakeTiming())).resolves.toBe('yes');
    expect(send).toHaveBeenCalledTimes(3);
  });

  it('takes a refusal for the answer that it is', async () => {
    const send = vi.fn().mockRejectedValue(new RequestError('STALE', 'late'));
    await expect(sendUntilAnswered(send, fakeTiming())).rejects.toMatchObject({ code: 'STALE' });
    expect(send).toHaveBeenCalledTimes(1);
  });

  it('gives up after 30 s', async () => {
    const timing = fakeTiming();
    await expect(sendUntilAnswered(() => Promise.reject(unreachable()), timing)).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    expect(timing.now()).toBeGreaterThanOrEqual(30_000);
    expect(timing.now()).toBeLessThan(45_000);
  });
});

describe('CommandQueue', () => {
  it('judges a second command on a ticket by the version that the first one made', async () => {
    const queue = new CommandQueue();
    const seen: (number | undefined)[] = [];
    const send = (version: number) => (before: number | undefined) => {
      seen.push(before);
      return Promise.resolve({ version });
    };
    await Promise.all([queue.enqueue('t', send(4)), queue.enqueue('t', send(5)), queue.enqueue('other', send(9))]);
    expect(seen.sort()).toEqual([4, undefined, undefined].sort());
    await queue.enqueue('t', send(6));
    expect(seen.at(-1)).toBeUndefined();
  });

  it('lets the next command go when one was refused', async () => {
    const queue = new CommandQueue();
    const first = queue.enqueue('t', () => Promise.reject(new RequestError('REJECTED', 'no')));
    const second = queue.enqueue('t', (before) => Promise.resolve({ version: 2, before }));
    await expect(first).rejects.toMatchObject({ code: 'REJECTED' });
    await expect(second).resolves.toEqual({ version: 2, before: undefined });
  });
});
