import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react';
import { TicketChangedDocument, TicketDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Ticket } from '~/gql/types';
import type { Connection } from './connection';
import { useConnection } from './connection-context';
import type { LoadState } from './loadable';
import { type Session, SharedSessions } from './shared-session';
import { SnapshotThenStream } from './snapshot-then-stream';
import { openStream } from './stream';
import { TicketStore } from './ticket-store';

/** Changes of one moment (a bulk edit, a run's start) are read together. */
const GATHER_MS = 40;

class TicketSession implements Session {
  readonly store = new TicketStore();
  readonly follow: SnapshotThenStream;
  readonly #ticketId: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, ticketId: string) {
    const { store } = this;
    this.#ticketId = ticketId;
    this.follow = new SnapshotThenStream({
      connection,
      read: async (signal) => {
        const { ticket } = await request(TicketDocument, { id: ticketId }, signal);
        store.cursor = ticket.cursor;
        store.receive(ticket);
      },
      open: (onResync, onRefused) =>
        openStream(connection, {
          document: TicketChangedDocument,
          variables: () => ({ ticketId, after: store.cursor }),
          pick: (result) => result.ticketChanged,
          onItem: (item) => {
            store.cursor = item.cursor;
            if (item.resync) onResync();
            else if (!item.live || item.commandId !== null || item.position !== null) this.#gather();
          },
          onRefused,
        }),
    });
  }

  /** Reads the ticket once it contains what `commandId` did. */
  async refresh(commandId?: string): Promise<void> {
    const { ticket } = await request(TicketDocument, { id: this.#ticketId, afterCommand: commandId ?? null });
    this.store.receive(ticket);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.follow.close();
  }

  #gather(): void {
    clearTimeout(this.#timer);
    // A reading that fails starts the whole over, with its growing waits.
    this.#timer = setTimeout(() => void this.refresh().catch(this.follow.retry), GATHER_MS);
  }
}

const sessions = new WeakMap<Connection, SharedSessions<TicketSession>>();

export interface LiveTicket {
  readonly store: TicketStore;
  readonly ticket: Ticket | undefined;
  readonly load: LoadState;
  readonly retry: () => void;
  readonly refresh: (commandId?: string) => Promise<void>;
}

export function useTicketChanges(ticketId: string): LiveTicket {
  const connection = useConnection();
  const session = useMemo(() => {
    const shared = sessions.get(connection) ?? new SharedSessions<TicketSession>();
    sessions.set(connection, shared);
    return { shared, ticket: shared.get(ticketId, () => new TicketSession(connection, ticketId)) };
  }, [connection, ticketId]);
  useEffect(() => session.shared.use(ticketId), [session, ticketId]);
  const { store, follow } = session.ticket;
  const load = useSyncExternalStore(follow.status.subscribe, follow.status.state);
  const ticket = useSyncExternalStore(
    useMemo(() => (listener: () => void) => store.subscribe(listener), [store]),
    () => store.ticket(),
  );
  const refresh = useCallback((commandId?: string) => session.ticket.refresh(commandId), [session]);
  return { store, ticket, load, retry: follow.retry, refresh };
}
