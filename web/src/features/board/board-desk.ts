// Where everything that a person does to cards is done: shown at once, sent one command a ticket, taken back with its
// reason when it is refused, and remembered so that it can be undone. No browser and no network in it: `send` is given.
import { newCommandId } from '~/gql/command-id';
import { RequestError } from '~/gql/request';
import type { Card } from '~/gql/types';
import type { BoardStore } from '~/live/board-store';
import { type Anchor, anchorOf, type Change, inverseOf, isIdle, patchOf, settingOf } from './change';
import {
  type Direction,
  type Entry,
  emptyStack,
  played,
  relinked,
  type Step,
  take,
  type UndoStack,
  withDone,
} from './undo-stack';

export interface Command {
  readonly commandId: string;
  readonly ticketId: string;
  /** The version that the person saw: a later change of the same thing makes the command stale. */
  readonly expectedVersion: number | undefined;
  readonly change: Change;
  /** For a move: beside which ticket. */
  readonly anchor: Anchor;
}

export type Send = (command: Command) => Promise<{ version: number }>;

export interface Wish {
  readonly ticketId: string;
  readonly change: Change;
  /** When it is older than what is on screen now, as at the end of a drag. */
  readonly seenVersion?: number | undefined;
}

export interface Failure {
  readonly ticketId: string;
  readonly key: string;
  readonly title: string;
  readonly change: Change;
  readonly cause: unknown;
}

export interface Outcome {
  /** What can be undone of it; null when nothing was changed. */
  readonly entry: Entry | null;
  readonly failures: readonly Failure[];
}

interface Job {
  readonly ticketId: string;
  readonly card: Card | undefined;
  readonly key: string;
  readonly changes: readonly Change[];
  readonly expectedVersion: number | undefined;
  readonly inverse: readonly Change[];
  readonly commandIds: readonly string[];
  /** The step of which this is the playing, when it is one. */
  readonly step?: Step;
}

/** Commands on different tickets that may be on their way together. */
const AT_ONCE = 6;
/** These say that a rule or a person is against it: trying later would not help. */
const FINAL: readonly string[] = ['STALE', 'REJECTED', 'DENIED', 'NOT_FOUND', 'INVALID'];

const noAnchor: Anchor = { afterId: null, beforeId: null };

export class BoardDesk {
  readonly store: BoardStore;
  readonly #send: Send;
  #stack: UndoStack = emptyStack;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(store: BoardStore, send: Send) {
    this.store = store;
    this.#send = send;
  }

  /** One action of a person on one ticket or many. Wishes that would change nothing are left out. */
  perform(label: string, wishes: readonly Wish[]): Promise<Outcome> {
    const jobs: Job[] = [];
    for (const { ticketId, change, seenVersion } of wishes) {
      const card = this.store.card(ticketId);
      if (!card || card.key === '' || isIdle(change, card, this.store)) continue;
      jobs.push(this.#begin(ticketId, [change], seenVersion ?? this.store.confirmedVersion(ticketId)));
    }
    this.store.flush();
    return this.#inTurn(false, async () => {
      const { done, failed } = await this.#sendAll(jobs);
      const entry: Entry = { id: newCommandId(), label, steps: done.map(({ turned }) => turned) };
      this.#stack = withDone(this.#stack, entry);
      return { entry: done.length > 0 ? entry : null, failures: failed.map(({ failure }) => failure) };
    });
  }

  /** Remembers an action that was done elsewhere, as the adding of a ticket is. */
  record(entry: Entry): void {
    this.#stack = withDone(this.#stack, entry);
  }

  /** Takes back the newest action, or the named one; or does again what was taken back. Null when there is none. */
  play(direction: Direction, id?: string): Promise<(Outcome & { readonly label: string }) | null> {
    return this.#inTurn(true, async () => {
      const { entry, rest } = take(this.#stack, direction, id);
      if (!entry) return null;
      this.#stack = rest;
      // Steps stand in the order in which they were made, and are taken back from the last one: each then finds its
      // neighbours as it left them.
      const jobs = [...entry.steps]
        .reverse()
        .map((step) => ({ ...this.#begin(step.ticketId, step.changes, step.version), key: step.key, step }));
      this.store.flush();
      const { done, failed } = await this.#sendAll(jobs);
      const kept = failed.filter(({ failure }) => !isFinal(failure.cause)).flatMap(({ job }) => job.step ?? []);
      this.#stack = played(
        this.#stack,
        direction,
        entry,
        done.map(({ turned }) => turned),
        kept.reverse(),
      );
      for (const { job, turned } of done) {
        this.#stack = relinked(this.#stack, job.ticketId, job.changes, turned.version);
      }
      return {
        label: entry.label,
        entry: done.length > 0 ? entry : null,
        failures: failed.map(({ failure }) => failure),
      };
    });
  }

  canPlay(direction: Direction): boolean {
    return (direction === 'undo' ? this.#stack.done : this.#stack.undone).length > 0;
  }

  /** Actions go on beside each other; an undo waits for what was begun before it, or there would be nothing to undo yet. */
  #inTurn<T>(wait: boolean, run: () => Promise<T>): Promise<T> {
    const before = this.#busy;
    const result = wait ? before.then(run) : run();
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#busy = Promise.all([before, settled]);
    return result;
  }

  #begin(ticketId: string, changes: readonly Change[], expectedVersion: number | undefined): Job {
    const { store } = this;
    const card = store.card(ticketId);
    const [first] = changes;
    const shown = card ?? (first?.kind === 'restore' ? first.card : undefined);
    const inverse = first && shown ? inverseOf(first, shown, store) : [];
    const commandIds = changes.map((change) => {
      const commandId = newCommandId();
      store.begin({ commandId, ticketId, apply: patchOf(change, ticketId, store) }, { quiet: true });
      return commandId;
    });
    return { ticketId, card: shown, key: shown?.key ?? '', changes, expectedVersion, inverse, commandIds };
  }

  /** Moves go one after the other: each is placed beside the one before it. */
  async #sendAll(jobs: readonly Job[]) {
    const done: { job: Job; turned: Step }[] = [];
    const failed: { job: Job; failure: Failure }[] = [];
    const results = new Map<Job, { turned: Step } | { failure: Failure }>();
    const waiting = [...jobs];
    const isOrdered = jobs.some((job) => job.changes.some((change) => change.kind === 'move'));
    const work = async () => {
      for (let job = waiting.shift(); job; job = waiting.shift()) results.set(job, await this.#sendJob(job));
    };
    await Promise.all(Array.from({ length: isOrdered ? 1 : AT_ONCE }, work));
    for (const job of jobs) {
      const result = results.get(job);
      if (result && 'turned' in result) done.push({ job, turned: result.turned });
      else if (result) failed.push({ job, failure: result.failure });
    }
    return { done, failed };
  }

  async #sendJob(job: Job): Promise<{ turned: Step } | { failure: Failure }> {
    const { store } = this;
    const { ticketId, key } = job;
    let version = job.expectedVersion;
    for (const [at, change] of job.changes.entries()) {
      const commandId = job.commandIds[at] ?? '';
      // Looked up now, not when it was shown: what stood beside it may have been refused meanwhile.
      const anchor = change.kind === 'move' ? anchorOf(change.to, ticketId, store) : noAnchor;
      try {
        const answer = await this.#send({ commandId, ticketId, expectedVersion: version, change, anchor });
        version = answer.version;
        store.acknowledge(commandId, version);
      } catch (cause) {
        for (const rest of job.commandIds.slice(at)) store.refuse(rest);
        // A ticket that was restored, and only not put into its old place, is restored.
        if (at > 0) break;
        return { failure: { ticketId, key, title: job.card?.title ?? '', change, cause } };
      }
    }
    const last = job.changes.at(-1);
    const from = last && settingOf(job.changes[0]?.kind === 'restore' ? job.changes[0] : last);
    if (!from) throw new Error('a job without a change');
    return { turned: { ticketId, key, changes: job.inverse, from, version: version ?? 0 } };
  }
}

const isFinal = (cause: unknown): boolean => cause instanceof RequestError && FINAL.includes(cause.code);
