// A server for tests of the desk: it numbers what it takes, judges staleness by what was changed, and tells the store as
// the stream would. Another person's changes go through `other`.
import { RequestError } from '~/gql/request';
import type { BoardSnapshot, Card } from '~/gql/types';
import { BoardStore } from '~/live/board-store';
import { compareRanked, rankBetween } from '~/live/rank';
import type { Command } from './board-desk';
import { type Anchor, type Change, settingOf } from './change';

interface Held {
  card: Card;
  archived: boolean;
  readonly changedAt: Map<string, { version: number; by: string }>;
}

export function aCard(ticketId: string, columnKey: string, rank: string, more: Partial<Card> = {}): Card {
  return {
    ticketId,
    key: `AL-${ticketId}`,
    version: 1,
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

export class PretendServer {
  readonly store = new BoardStore();
  readonly #tickets = new Map<string, Held>();
  #position = 0;
  /** Refuses the next command on this ticket with this. */
  readonly refusals = new Map<string, RequestError>();

  constructor(cards: readonly Card[]) {
    for (const card of cards) this.#tickets.set(card.ticketId, { card, archived: false, changedAt: new Map() });
    this.store.reset(this.snapshot());
    this.store.flush();
  }

  send = async ({ commandId, ticketId, expectedVersion, change, anchor }: Command) => {
    await Promise.resolve();
    const refusal = this.refusals.get(ticketId);
    if (refusal) {
      this.refusals.delete(ticketId);
      throw refusal;
    }
    const last = this.#held(ticketId).changedAt.get(settingOf(change).facet);
    if (last && expectedVersion !== undefined && last.version > expectedVersion) {
      throw new RequestError('STALE', 'late', { by: last.by, version: last.version });
    }
    return { version: this.#apply(ticketId, change, anchor, 'me', commandId) };
  };

  /** What another person does. */
  other(ticketId: string, change: Change, anchor: Anchor = { afterId: null, beforeId: null }): void {
    this.#apply(ticketId, change, anchor, 'Mara', null);
  }

  /** Column key → ticket ids, as the server has it. */
  orders(): Record<string, string[]> {
    return Object.fromEntries(
      this.snapshot().columns.map((column) => [column.key, column.cards.map((card) => card.ticketId)]),
    );
  }

  card(ticketId: string): Card {
    return this.#held(ticketId).card;
  }

  isArchived(ticketId: string): boolean {
    return this.#held(ticketId).archived;
  }

  snapshot(): BoardSnapshot {
    const cards = [...this.#tickets.values()].filter((held) => !held.archived).map((held) => held.card);
    return {
      id: 'board',
      projectId: 'project',
      name: 'Main',
      cursor: 'c',
      position: this.#position,
      columns: ['todo', 'doing', 'done'].map((key) => ({
        key,
        name: key.toUpperCase(),
        wipLimit: null,
        cards: cards.filter((card) => card.columnKey === key).sort(compareRanked),
      })),
    };
  }

  #held(ticketId: string): Held {
    const held = this.#tickets.get(ticketId);
    if (!held) throw new RequestError('NOT_FOUND', 'no such ticket');
    return held;
  }

  #apply(ticketId: string, change: Change, anchor: Anchor, by: string, commandId: string | null): number {
    const held = this.#held(ticketId);
    const version = held.card.version + 1;
    held.card = { ...held.card, ...this.#fields(held.card, change, anchor), version };
    if (change.kind === 'archive' || change.kind === 'restore') held.archived = change.kind === 'archive';
    held.changedAt.set(settingOf(change).facet, { version, by });
    if (change.kind === 'restore') held.changedAt.set('place', { version, by });
    this.#position += 1;
    this.store.receive({
      cursor: `c${this.#position}`,
      live: true,
      position: this.#position,
      commandId,
      card: held.archived ? null : held.card,
      removedTicketId: held.archived ? ticketId : null,
      board: null,
    });
    return version;
  }

  #fields(card: Card, change: Change, { afterId, beforeId }: Anchor): Partial<Card> {
    switch (change.kind) {
      case 'move':
        return {
          columnKey: change.to.columnKey,
          rank: this.#rank(change.to.columnKey, card.ticketId, afterId, beforeId),
        };
      case 'restore':
        return { rank: this.#rank(card.columnKey, card.ticketId, null, null) };
      case 'assign':
        return { assignee: change.user };
      case 'prioritise':
        return { priority: change.priority };
      case 'archive':
        return {};
    }
  }

  #rank(columnKey: string, ticketId: string, afterId: string | null, beforeId: string | null): string {
    const order = this.orders()[columnKey]?.filter((other) => other !== ticketId) ?? [];
    const beside = order.indexOf(afterId ?? beforeId ?? '');
    // A ticket that is not in the column says nothing: then it is the end.
    const at = beside < 0 ? order.length : afterId ? beside + 1 : beside;
    const rankOf = (other: string | undefined) => (other ? this.card(other).rank : null);
    return rankBetween(rankOf(order[at - 1]), rankOf(order[at]));
  }
}
