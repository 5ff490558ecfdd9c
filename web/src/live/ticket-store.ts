// One ticket as its drawer shows it: what the server said, with the changes made here on top until it has said those too.
import type { Ticket } from '~/gql/types';
import { FrameNotifier } from './frame';

const changed = 'ticket';

interface Pending {
  readonly commandId: string;
  readonly apply: (ticket: Ticket) => Ticket;
  readonly acknowledged?: number;
}

export class TicketStore {
  cursor = '';
  #base: Ticket | undefined;
  #pending: readonly Pending[] = [];
  #view: Ticket | undefined;
  readonly #notifier = new FrameNotifier();

  receive(ticket: Ticket): void {
    if (this.#base && ticket.version < this.#base.version) return;
    this.#base = ticket;
    this.#rebase();
  }

  begin(change: { commandId: string; apply: (ticket: Ticket) => Ticket }): void {
    this.#pending = [...this.#pending, change];
    this.#rebase();
    this.#notifier.flush();
  }

  acknowledge(commandId: string, version: number): void {
    this.#pending = this.#pending.map((change) =>
      change.commandId === commandId ? { ...change, acknowledged: version } : change,
    );
    this.#rebase();
  }

  refuse(commandId: string): void {
    this.#pending = this.#pending.filter((change) => change.commandId !== commandId);
    this.#rebase();
    this.#notifier.flush();
  }

  ticket(): Ticket | undefined {
    return this.#view;
  }

  confirmedVersion(): number | undefined {
    return this.#base && Math.max(this.#base.version, ...this.#pending.map((change) => change.acknowledged ?? 0));
  }

  subscribe(listener: () => void): () => void {
    return this.#notifier.subscribe(changed, listener);
  }

  flush(): void {
    this.#notifier.flush();
  }

  #rebase(): void {
    const base = this.#base;
    if (!base) return;
    this.#pending = this.#pending.filter((change) => (change.acknowledged ?? Number.POSITIVE_INFINITY) > base.version);
    this.#view = this.#pending.reduce((ticket, change) => change.apply(ticket), base);
    this.#notifier.mark(changed);
  }
}
