// Sends commands so that a person never races against their own hand: commands on one ticket go one after the other,
// and each is judged against the version that the one before it made. A command that got no answer is sent again with
// the same id, which the server answers alike however often it comes.
import { RequestError } from '~/gql/request';
import { waitBeforeRetry } from './connection';

const PASSING: readonly string[] = ['UNREACHABLE', 'UNAVAILABLE'];
const GIVE_UP_AFTER_MS = 30_000;

interface Timing {
  readonly now: () => number;
  readonly wait: (waitMs: number) => Promise<void>;
}

const realTime: Timing = {
  now: () => Date.now(),
  wait: (waitMs) => new Promise((resolve) => setTimeout(resolve, waitMs)),
};

/** Sends until there is an answer, for at most 30 s. */
export async function sendUntilAnswered<T>(send: () => Promise<T>, timing: Timing = realTime): Promise<T> {
  const start = timing.now();
  for (let failures = 0; ; failures += 1) {
    try {
      return await send();
    } catch (cause) {
      const passing = cause instanceof RequestError && PASSING.includes(cause.code);
      if (!passing || timing.now() - start >= GIVE_UP_AFTER_MS) throw cause;
      await timing.wait(waitBeforeRetry(failures));
    }
  }
}

export class CommandQueue {
  readonly #tails = new Map<string, Promise<number | undefined>>();

  /**
   * `send` gets the version that the command before it on this ticket made, or undefined when none was on its way.
   * A refused command does not hold up the next one: that is then judged by the version it was made against.
   */
  async enqueue<T extends { version: number }>(
    ticketId: string,
    send: (versionBefore: number | undefined) => Promise<T>,
  ): Promise<T> {
    const before = this.#tails.get(ticketId) ?? Promise.resolve(undefined);
    const answer = before.then((version) => sendUntilAnswered(() => send(version)));
    const tail = answer.then(
      ({ version }) => version,
      () => undefined,
    );
    this.#tails.set(ticketId, tail);
    void tail.then(() => {
      if (this.#tails.get(ticketId) === tail) this.#tails.delete(ticketId);
    });
    return answer;
  }
}

/** One for the page: a ticket is the same ticket on the board and in its drawer. */
export const commands = new CommandQueue();
