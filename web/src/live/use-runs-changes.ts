import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react';
import { AgentRunsDocument, RunsChangedDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { RunRow } from '~/gql/types';
import type { Connection } from './connection';
import { useConnection } from './connection-context';
import type { LoadState } from './loadable';
import { RunsStore } from './runs-store';
import { type Session, SharedSessions } from './shared-session';
import { SnapshotThenStream } from './snapshot-then-stream';
import { openStream } from './stream';

const PAGE = 50;

class RunsSession implements Session {
  readonly store = new RunsStore();
  readonly follow: SnapshotThenStream;
  readonly #scope: { orgId: string; projectId: string };

  constructor(connection: Connection, orgId: string, projectId: string) {
    const { store } = this;
    this.#scope = { orgId, projectId };
    this.follow = new SnapshotThenStream({
      connection,
      read: (signal) => this.readPage(null, signal),
      open: (onResync, onRefused) => {
        // The list carries no cursor. So a first subscription starts "from now", and once that is live the list is
        // read again: what changed between the two is in one of them.
        let joined = store.cursor !== null;
        return openStream(connection, {
          document: RunsChangedDocument,
          variables: () => ({ projectId, after: store.cursor }),
          pick: (result) => result.runsChanged,
          onItem: (item) => {
            if (item.resync) {
              store.cursor = null;
              onResync();
              return;
            }
            store.cursor = item.cursor;
            if (item.run) store.merge([item.run]);
            if (item.live && !joined) {
              joined = true;
              this.readPage(null).catch(onResync);
            }
          },
          onRefused,
        });
      },
    });
  }

  async readPage(after: string | null, signal?: AbortSignal): Promise<void> {
    const { orgId, projectId } = this.#scope;
    const variables = { orgId, filter: { projectId }, first: PAGE, after };
    const { agentRuns } = await request(AgentRunsDocument, variables, signal);
    // Only the page at the old end says what comes after it.
    if (after !== null || this.store.runs().length <= agentRuns.nodes.length) {
      this.store.endCursor = agentRuns.pageInfo.hasNextPage ? agentRuns.pageInfo.endCursor : null;
    }
    this.store.merge(agentRuns.nodes);
  }

  close(): void {
    this.follow.close();
  }
}

const sessions = new WeakMap<Connection, SharedSessions<RunsSession>>();

export interface LiveRuns {
  readonly runs: readonly RunRow[];
  readonly load: LoadState;
  readonly retry: () => void;
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
}

export function useRunsChanges(orgId: string, projectId: string): LiveRuns {
  const connection = useConnection();
  const session = useMemo(() => {
    const shared = sessions.get(connection) ?? new SharedSessions<RunsSession>();
    sessions.set(connection, shared);
    return { shared, runs: shared.get(projectId, () => new RunsSession(connection, orgId, projectId)) };
  }, [connection, orgId, projectId]);
  useEffect(() => session.shared.use(projectId), [session, projectId]);
  const { store, follow } = session.runs;
  const load = useSyncExternalStore(follow.status.subscribe, follow.status.state);
  const runs = useSyncExternalStore(
    useMemo(() => (listener: () => void) => store.subscribe(listener), [store]),
    () => store.runs(),
  );
  const loadMore = useCallback(() => session.runs.readPage(store.endCursor), [session, store]);
  return { runs, load, retry: follow.retry, hasMore: store.endCursor !== null, loadMore };
}
