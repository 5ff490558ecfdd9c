// The board as this browser sees it, without a browser: `base` is what the server confirmed, `pending` are the changes a
// person made that it has not, in their order; the view is base with pending applied. An event replaces base, settles
// the change that caused it, and the rest is applied again on top. Reading one card or one column costs the same with
// 60 cards and with 10,000: listeners are per ticket and per column, and told once a frame.
import type { BoardSnapshot, Card } from '~/gql/types';
import { FrameNotifier } from './frame';
import { compareRanked } from './rank';

export interface BoardColumn {
  readonly key: string;
  readonly name: string;
  readonly wipLimit: number | null;
}

/** One item of `boardChanged`, as far as the store needs it. */
export interface BoardItem {
  readonly cursor: string;
  readonly live: boolean;
  readonly position: number | null;
  readonly commandId: string | null;
  readonly card: Card | null;
  readonly removedTicketId: string | null;
  readonly board: { readonly name: string; readonly columns: readonly BoardColumn[] } | null;
}

/** A change made here. `apply` gets the confirmed card (undefined: there is none yet) and answers what to show (undefined: nothing). */
export interface PendingChange {
  readonly commandId: string;
  readonly ticketId: string;
  readonly apply: (card: Card | undefined) => Card | undefined;
}

interface Pending extends PendingChange {
  /** The version that the server answered. The change is settled once base has reached it. */
  readonly acknowledged?: number;
  /** The ticket that the answer named: a new one has no id of its own until then. */
  readonly answeredAs?: string;
}

const EMPTY: readonly string[] = [];
export const columnsKey = 'columns';
const anythingKey = 'anything';
const cardKey = (ticketId: string) => `card:${ticketId}`;
const columnKey = (key: string) => `column:${key}`;

export class BoardStore {
  cursor = '';
  position = 0;
  boardId = '';
  name = '';
  #columns: readonly BoardColumn[] = [];
  #base = new Map<string, Card>();
  #pending: Pending[] = [];
  #view = new Map<string, Card>();
  #orders = new Map<string, readonly string[]>();
  #revision = 0;
  readonly #notifier = new FrameNotifier();

  /** Takes a fresh snapshot. Changes still on their way stay on top of it. */
  reset(snapshot: BoardSnapshot): void {
    this.cursor = snapshot.cursor;
    this.position = snapshot.position;
    this.boardId = snapshot.id;
    this.name = snapshot.name;
    this.#columns = snapshot.columns.map(({ key, name, wipLimit }) => ({ key, name, wipLimit }));
    const before = this.#view;
    this.#base = new Map(
      snapshot.columns.flatMap((column) => column.cards.map((card) => [card.ticketId, card] as const)),
    );
    this.#pending = this.#pending.filter((change) => !this.#isSettled(change));
    this.#view = new Map(this.#base);
    for (const change of this.#pending) this.#overlay(change);
    this.#orders = this.#sortAll();
    for (const ticketId of new Set([...before.keys(), ...this.#view.keys()])) {
      if (before.get(ticketId) !== this.#view.get(ticketId)) this.#mark(cardKey(ticketId));
    }
    for (const column of this.#columns) this.#mark(columnKey(column.key));
    this.#mark(columnsKey);
  }

  /** Takes one item of the stream. Items come in order; one that is older than what is held changes nothing but the cursor. */
  receive(item: BoardItem): void {
    this.cursor = item.cursor;
    if (item.position !== null && item.position > this.position) this.position = item.position;
    if (item.board) this.#replaceColumns(item.board);
    const touched = new Set<string>();
    if (item.commandId !== null) {
      for (const change of this.#pending) if (change.commandId === item.commandId) touched.add(change.ticketId);
      if (touched.size > 0) this.#pending = this.#pending.filter((change) => change.commandId !== item.commandId);
    }
    if (item.card) {
      const held = this.#base.get(item.card.ticketId);
      // An equal version is taken too: a run's badge changes without the ticket having changed.
      if (!held || item.card.version >= held.version) this.#base.set(item.card.ticketId, item.card);
      touched.add(item.card.ticketId);
      for (const change of this.#pending) if (change.answeredAs === item.card.ticketId) touched.add(change.ticketId);
    }
    if (item.removedTicketId !== null) {
      this.#base.delete(item.removedTicketId);
      this.#pending = this.#pending.filter((change) => change.ticketId !== item.removedTicketId);
      touched.add(item.removedTicketId);
    }
    for (const ticketId of touched) this.#rebase(ticketId);
  }

  /** Shows a change before the server has said anything. Of many at once, `quiet` ones wait for the `flush` after the last. */
  begin(change: PendingChange, { quiet = false }: { quiet?: boolean } = {}): void {
    this.#pending = [...this.#pending, change];
    this.#rebase(change.ticketId);
    if (!quiet) this.#notifier.flush();
  }

  /** The server took it, as `version`. The change stays on screen until that version has arrived by the stream. */
  acknowledge(commandId: string, version: number, answeredAs?: string): void {
    const change = this.#pending.find((candidate) => candidate.commandId === commandId);
    if (!change) return;
    this.#pending = this.#pending
      .map((candidate) => (candidate === change ? { ...candidate, acknowledged: version, answeredAs } : candidate))
      .filter((candidate) => !this.#isSettled(candidate));
    this.#rebase(change.ticketId);
  }

  /** The server refused it: the card goes back to where the others see it. */
  refuse(commandId: string): void {
    const change = this.#pending.find((candidate) => candidate.commandId === commandId);
    if (!change) return;
    this.#pending = this.#pending.filter((candidate) => candidate !== change);
    this.#rebase(change.ticketId);
    this.#notifier.flush();
  }

  columns(): readonly BoardColumn[] {
    return this.#columns;
  }

  column(key: string): readonly string[] {
    return this.#orders.get(key) ?? EMPTY;
  }

  card(ticketId: string): Card | undefined {
    return this.#view.get(ticketId);
  }

  /** The version that the server confirmed: what a command is judged against. */
  confirmedVersion(ticketId: string): number | undefined {
    const acknowledged = this.#pending
      .filter((change) => change.ticketId === ticketId)
      .map((change) => change.acknowledged ?? 0);
    const base = this.#base.get(ticketId)?.version;
    return base === undefined ? undefined : Math.max(base, ...acknowledged);
  }

  isPending(ticketId: string): boolean {
    return this.#pending.some((change) => change.ticketId === ticketId);
  }

  cards(): IterableIterator<Card> {
    return this.#view.values();
  }

  subscribeCard(ticketId: string, listener: () => void): () => void {
    return this.#notifier.subscribe(cardKey(ticketId), listener);
  }

  subscribeColumn(key: string, listener: () => void): () => void {
    return this.#notifier.subscribe(columnKey(key), listener);
  }

  subscribeColumns(listener: () => void): () => void {
    return this.#notifier.subscribe(columnsKey, listener);
  }

  /** For what is computed over the whole board: told once a frame in which anything changed. */
  subscribe(listener: () => void): () => void {
    return this.#notifier.subscribe(anythingKey, listener);
  }

  /** Grows with every change, so that two readings can be told apart. */
  revision(): number {
    return this.#revision;
  }

  flush(): void {
    this.#notifier.flush();
  }

  #mark(key: string): void {
    this.#revision += 1;
    this.#notifier.mark(key);
    this.#notifier.mark(anythingKey);
  }

  #isSettled(change: Pending): boolean {
    if (change.acknowledged === undefined) return false;
    const held = this.#base.get(change.answeredAs ?? change.ticketId);
    return held !== undefined && held.version >= change.acknowledged;
  }

  #overlay(change: Pending): void {
    const shown = change.apply(this.#view.get(change.ticketId));
    if (shown) this.#view.set(change.ticketId, shown);
    else this.#view.delete(change.ticketId);
  }

  #rebase(ticketId: string): void {
    this.#pending = this.#pending.filter((change) => change.ticketId !== ticketId || !this.#isSettled(change));
    const before = this.#view.get(ticketId);
    const confirmed = this.#base.get(ticketId);
    if (confirmed) this.#view.set(ticketId, confirmed);
    else this.#view.delete(ticketId);
    for (const change of this.#pending) if (change.ticketId === ticketId) this.#overlay(change);
    const after = this.#view.get(ticketId);
    this.#reorder(before, after);
    // Marked even when the card is the same object: whether it is pending is part of what its listeners show.
    this.#mark(cardKey(ticketId));
  }

  #reorder(before: Card | undefined, after: Card | undefined): void {
    const from = before && this.#shownIn(before);
    const to = after && this.#shownIn(after);
    if (before && after && from === to && before.rank === after.rank) return;
    if (before && from !== undefined) {
      const order = this.column(from).filter((ticketId) => ticketId !== before.ticketId);
      this.#orders.set(from, order);
      this.#mark(columnKey(from));
    }
    if (after && to !== undefined) {
      const order = [...this.column(to)];
      order.splice(this.#place(order, after), 0, after.ticketId);
      this.#orders.set(to, order);
      this.#mark(columnKey(to));
    }
  }

  #place(order: readonly string[], card: Card): number {
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#view.get(order[middle] ?? '');
      if (other && compareRanked(other, card) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A card whose column was removed meanwhile stands in the first one, as the server has it. */
  #shownIn(card: Card): string | undefined {
    return this.#columns.some((column) => column.key === card.columnKey) ? card.columnKey : this.#columns[0]?.key;
  }

  #sortAll(): Map<string, readonly string[]> {
    const cards = new Map<string, Card[]>(this.#columns.map((column) => [column.key, []]));
    for (const card of this.#view.values()) cards.get(this.#shownIn(card) ?? '')?.push(card);
    return new Map([...cards].map(([key, list]) => [key, list.sort(compareRanked).map((card) => card.ticketId)]));
  }

  #replaceColumns(board: NonNullable<BoardItem['board']>): void {
    this.name = board.name;
    this.#columns = board.columns.map(({ key, name, wipLimit }) => ({ key, name, wipLimit }));
    this.#orders = this.#sortAll();
    for (const column of this.#columns) this.#mark(columnKey(column.key));
    this.#mark(columnsKey);
  }
}
