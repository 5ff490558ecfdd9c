// A project's board, read once and then followed: each item of `boardChanged` goes into the BoardStore, which merges a
// card when it is newer and settles our own pending change by its command id.
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { BoardChangedDocument, BoardDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Card } from '~/gql/types';
import { type BoardColumn, BoardStore } from './board-store';
import type { Connection } from './connection';
import { useConnection } from './connection-context';
import type { LoadState } from './loadable';
import { type Session, SharedSessions } from './shared-session';
import { SnapshotThenStream } from './snapshot-then-stream';
import { openStream } from './stream';

export class BoardSession implements Session {
  readonly store = new BoardStore();
  readonly follow: SnapshotThenStream;
  readonly projectId: string;

  constructor(connection: Connection, projectId: string) {
    const { store } = this;
    this.projectId = projectId;
    this.follow = new SnapshotThenStream({
      connection,
      read: async (signal) => store.reset((await request(BoardDocument, { projectId }, signal)).board),
      open: (onResync, onRefused) =>
        openStream(connection, {
          document: BoardChangedDocument,
          variables: () => ({ projectId, boardId: store.boardId, after: store.cursor }),
          pick: (result) => result.boardChanged,
          onItem: (item) => (item.resync ? onResync() : store.receive(item)),
          onRefused,
        }),
    });
  }

  close(): void {
    this.follow.close();
  }
}

const sessions = new WeakMap<Connection, SharedSessions<BoardSession>>();

/** The boards that have been looked at and are still kept, each with its project. */
export function openBoards(connection: Connection): readonly BoardSession[] {
  return sessions.get(connection)?.open() ?? [];
}

export interface LiveBoard {
  readonly store: BoardStore;
  readonly load: LoadState;
  readonly retry: () => void;
}

export function useBoardChanges(projectId: string): LiveBoard {
  const connection = useConnection();
  const session = useMemo(() => {
    const shared = sessions.get(connection) ?? new SharedSessions<BoardSession>();
    sessions.set(connection, shared);
    return { shared, board: shared.get(projectId, () => new BoardSession(connection, projectId)) };
  }, [connection, projectId]);
  useEffect(() => session.shared.use(projectId), [session, projectId]);
  const { status, retry } = session.board.follow;
  const load = useSyncExternalStore(status.subscribe, status.state);
  return { store: session.board.store, load, retry };
}

export function useBoardColumns(store: BoardStore): readonly BoardColumn[] {
  return useSyncExternalStore(
    (listener) => store.subscribeColumns(listener),
    () => store.columns(),
  );
}

export function useColumnOrder(store: BoardStore, columnKey: string): readonly string[] {
  return useSyncExternalStore(
    useMemo(() => (listener: () => void) => store.subscribeColumn(columnKey, listener), [store, columnKey]),
    () => store.column(columnKey),
  );
}

export function useCard(store: BoardStore, ticketId: string): Card | undefined {
  return useSyncExternalStore(
    useMemo(() => (listener: () => void) => store.subscribeCard(ticketId, listener), [store, ticketId]),
    () => store.card(ticketId),
  );
}
