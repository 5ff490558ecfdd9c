// What a person can do to the cards of a board, and what they are told about it: said when it is done, with the way
// back; every ticket that was refused named with its reason; a lost race left for them to decide.
import { newCommandId } from '~/gql/command-id';
import { CreateTicketDocument } from '~/gql/generated';
import { RequestError, request } from '~/gql/request';
import type { Card, Priority, User } from '~/gql/types';
import type { BoardStore } from '~/live/board-store';
import { sendUntilAnswered } from '~/live/command-queue';
import { rankBetween } from '~/live/rank';
import { messages } from '~/messages';
import { announce } from '~/ui/announcer';
import { explain, who } from '~/ui/explain';
import { tellDone, tellFailure, tellStale } from '~/ui/outcome';
import { BoardDesk, type Failure, type Wish } from './board-desk';
import { type Change, inverseOf, type Place, placeAt } from './change';
import { sendChange } from './send-change';
import type { Direction } from './undo-stack';

const text = messages.actions;
const ONE_TOAST = 'board-action';

/** What waits for a person's decision. */
export type Notice =
  | {
      readonly kind: 'race';
      readonly ticketId: string;
      readonly key: string;
      readonly by: string;
      readonly when: string;
      readonly theirs: string;
      readonly wanted: Place;
    }
  | { readonly kind: 'failures'; readonly title: string; readonly failures: readonly Failure[] };

export class BoardActions {
  readonly desk: BoardDesk;
  readonly #projectId: string;
  #notices: readonly Notice[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(store: BoardStore, projectId: string) {
    this.desk = new BoardDesk(store, sendChange);
    this.#projectId = projectId;
  }

  notice = (): Notice | undefined => this.#notices[0];

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  dismiss = (): void => this.#setNotices(this.#notices.slice(1));

  /** To the place `index` of a column, counted without the ticket itself. */
  move(ticketId: string, columnKey: string, index: number, seenVersion?: number): Promise<void> {
    return this.#moveTo(ticketId, placeAt(this.desk.store, ticketId, columnKey, index), seenVersion);
  }

  /** To a place in another lane: there it is somebody else's, or of another priority. */
  async moveAcross(
    ticketId: string,
    columnKey: string,
    index: number,
    lane: Change,
    seenVersion?: number,
  ): Promise<void> {
    const to = placeAt(this.desk.store, ticketId, columnKey, index);
    const key = this.desk.store.card(ticketId)?.key ?? '';
    const wishes = [
      { ticketId, change: lane },
      { ticketId, change: { kind: 'move', to } as const, seenVersion },
    ];
    await this.#perform(text.moved(key, this.#columnName(columnKey)), wishes);
  }

  /** Against what somebody else did meanwhile, having seen it. */
  moveAnyway(ticketId: string, wanted: Place): Promise<void> {
    return this.#moveTo(ticketId, wanted);
  }

  /** To the end of a column, in the order given. Those that are there already stay where they are. */
  moveAll(ticketIds: readonly string[], columnKey: string): Promise<void> {
    const { store } = this.desk;
    const moving = ticketIds.filter((ticketId) => store.card(ticketId)?.columnKey !== columnKey);
    let order = store.column(columnKey);
    const wishes = moving.map((ticketId): Wish => {
      order = [...order, ticketId];
      return { ticketId, change: { kind: 'move', to: { columnKey, order } } };
    });
    return this.#perform(
      this.#named(moving, (what) => text.moved(what, this.#columnName(columnKey))),
      wishes,
    );
  }

  assign(ticketIds: readonly string[], user: User | null): Promise<void> {
    const say = (what: string) => (user ? text.assigned(what, user.name) : text.unassigned(what));
    return this.#performAll(ticketIds, { kind: 'assign', user }, say);
  }

  prioritise(ticketIds: readonly string[], priority: Priority | null): Promise<void> {
    const level = (priority ? messages.priorities[priority] : messages.noPriority).toLowerCase();
    return this.#performAll(ticketIds, { kind: 'prioritise', priority }, (what) => text.prioritised(what, level));
  }

  archive(ticketIds: readonly string[]): Promise<void> {
    return this.#performAll(ticketIds, { kind: 'archive' }, text.archived);
  }

  /** Adds a ticket at the end of a column; until the server has named it, a card without a key stands in its place. Answers whether it was added. */
  async add(columnKey: string, title: string): Promise<boolean> {
    const { store } = this.desk;
    const commandId = newCommandId();
    const last = store.column(columnKey).at(-1);
    const rank = rankBetween((last && store.card(last)?.rank) ?? null, null);
    const placeholder = placeholderCard(commandId, columnKey, title, rank);
    store.begin({ commandId, ticketId: commandId, apply: () => placeholder });
    try {
      const input = { commandId, projectId: this.#projectId, boardId: store.boardId, title, columnKey };
      const { createTicket } = await sendUntilAnswered(() => request(CreateTicketDocument, { input }));
      const { version, ticket } = createTicket;
      store.acknowledge(commandId, version, ticket.id);
      const card = { ...placeholder, ticketId: ticket.id, key: ticket.key, version };
      const [restore] = inverseOf({ kind: 'archive' }, card, store);
      const id = newCommandId();
      const label = text.added(ticket.key);
      if (restore) {
        const from = { facet: 'archived', value: 'no' } as const;
        const step = { ticketId: ticket.id, key: ticket.key, changes: [{ kind: 'archive' } as const], from, version };
        this.desk.record({ id, label, steps: [step] });
      }
      this.#tellDone(label, id);
      return true;
    } catch (cause) {
      store.refuse(commandId);
      tellFailure(messages.ticket.createFailed, cause);
      return false;
    }
  }

  play = async (direction: Direction, id?: string): Promise<void> => {
    const outcome = await this.desk.play(direction, id);
    if (!outcome) {
      announce(direction === 'undo' ? text.nothingToUndo : text.nothingToRedo);
      return;
    }
    const { label, entry, failures } = outcome;
    if (entry) {
      const back = direction === 'undo' ? 'redo' : 'undo';
      tellDone(direction === 'undo' ? text.undone(label) : text.redone(label), {
        id: ONE_TOAST,
        action: { label: back === 'redo' ? text.redo : text.undo, onClick: () => void this.play(back, entry.id) },
      });
    }
    const title = direction === 'undo' ? text.notUndone(label) : text.notRedone(label);
    if (failures.length > 0) this.#tellRefused(title, failures);
  };

  #performAll(ticketIds: readonly string[], change: Change, say: (what: string) => string): Promise<void> {
    return this.#perform(
      this.#named(ticketIds, say),
      ticketIds.map((ticketId) => ({ ticketId, change })),
    );
  }

  async #moveTo(ticketId: string, to: Place, seenVersion?: number): Promise<void> {
    const { store } = this.desk;
    const card = store.card(ticketId);
    if (!card) return;
    const within = card.columnKey === to.columnKey;
    const column = this.#columnName(to.columnKey);
    const label = within ? text.movedWithin(card.key, column) : text.moved(card.key, column);
    const { entry, failures } = await this.desk.perform(label, [
      { ticketId, change: { kind: 'move', to }, seenVersion },
    ]);
    if (entry) this.#tellDone(label, entry.id);
    const [failure] = failures;
    if (!failure) return;
    if (!isStale(failure.cause)) {
      tellFailure(messages.outcome.notMoved(failure.key), failure.cause);
      return;
    }
    await untilSeen(store, ticketId, failure.cause.details.version);
    const { by, when } = who(failure.cause);
    const now = store.card(ticketId);
    if (!now) tellStale(messages.outcome.staleField(by, failure.key, when), messages.outcome.staleDetail);
    else if (now.columnKey === to.columnKey && !within) tellStale(text.sameWish(by, failure.key, column, when), '');
    else this.#add({ kind: 'race', ticketId, key: failure.key, by, when, theirs: now.columnKey, wanted: to });
  }

  async #perform(label: string, wishes: readonly Wish[]): Promise<void> {
    const { entry, failures } = await this.desk.perform(label, wishes);
    if (entry) {
      const count = entry.steps.length;
      this.#tellDone(failures.length > 0 ? text.partly(label, count, wishes.length) : label, entry.id);
    }
    if (failures.length > 0) this.#tellRefused(text.notDone(label), failures);
  }

  #tellDone(label: string, entryId: string): void {
    tellDone(label, {
      id: ONE_TOAST,
      action: { label: text.undo, onClick: () => void this.play('undo', entryId) },
    });
  }

  /** One is told in passing; of several each is named, until they have been read. */
  #tellRefused(title: string, failures: readonly Failure[]): void {
    const [only] = failures;
    if (failures.length > 1 || !only) this.#add({ kind: 'failures', title, failures });
    else if (isStale(only.cause)) tellStale(title, reasonOf(only));
    else tellFailure(title, only.cause);
  }

  #named(ticketIds: readonly string[], say: (what: string) => string): string {
    const [only] = ticketIds;
    const key = ticketIds.length === 1 && only ? this.desk.store.card(only)?.key : undefined;
    return say(key ?? text.tickets(ticketIds.length));
  }

  #columnName(key: string): string {
    return this.desk.store.columns().find((column) => column.key === key)?.name ?? key;
  }

  #add(notice: Notice): void {
    this.#setNotices([...this.#notices, notice]);
  }

  #setNotices(notices: readonly Notice[]): void {
    this.#notices = notices;
    for (const listener of this.#listeners) listener();
  }
}

const isStale = (cause: unknown): cause is RequestError => cause instanceof RequestError && cause.code === 'STALE';

/** Why a ticket was refused: for a lost race, who was faster and when. */
export function reasonOf({ key, cause }: Failure): string {
  if (!isStale(cause)) return explain(cause);
  const { by, when } = who(cause);
  return messages.outcome.staleField(by, key, when);
}

const STREAM_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 50;

/** Waits until the stream has brought the version that won, so that it can be said where the card is now. */
async function untilSeen(store: BoardStore, ticketId: string, version: number | undefined): Promise<void> {
  for (let waited = 0; version !== undefined && waited < STREAM_WITHIN_MS; waited += LOOK_EVERY_MS) {
    if ((store.confirmedVersion(ticketId) ?? 0) >= version) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function placeholderCard(ticketId: string, columnKey: string, title: string, rank: string): Card {
  return {
    ticketId,
    key: '',
    version: 0,
    title,
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
  };
}

/** One for each board that is open: what was done to it can be undone from wherever it is shown. */
const open = new WeakMap<BoardStore, BoardActions>();

export function boardActions(store: BoardStore, projectId: string): BoardActions {
  const held = open.get(store) ?? new BoardActions(store, projectId);
  open.set(store, held);
  return held;
}
