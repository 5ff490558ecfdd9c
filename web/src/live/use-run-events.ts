import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { RunEventsChangedDocument, RunEventsDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { RunEvent } from '~/gql/types';
import type { Connection } from './connection';
import { useConnection } from './connection-context';
import type { LoadState } from './loadable';
import { RunLog } from './run-log';
import { type Session, SharedSessions } from './shared-session';
import { SnapshotThenStream } from './snapshot-then-stream';
import { openStream } from './stream';

const PAGE = 500;

class RunSession implements Session {
  readonly log = new RunLog();
  readonly follow: SnapshotThenStream;

  constructor(connection: Connection, runId: string) {
    const { log } = this;
    this.follow = new SnapshotThenStream({
      connection,
      read: async (signal) => {
        for (let more = true; more; ) {
          const { runEvents } = await request(RunEventsDocument, { runId, after: log.cursor, first: PAGE }, signal);
          log.append(runEvents.events, runEvents.cursor);
          more = runEvents.hasMore;
        }
      },
      open: (onResync, onRefused) =>
        openStream(connection, {
          document: RunEventsChangedDocument,
          variables: () => ({ runId, after: log.cursor }),
          pick: (result) => result.runEvents,
          onItem: (item) => {
            if (item.resync) {
              log.clear();
              onResync();
            } else {
              log.append(item.event ? [item.event] : [], item.cursor);
            }
          },
          onRefused,
        }),
    });
  }

  close(): void {
    this.follow.close();
  }
}

const sessions = new WeakMap<Connection, SharedSessions<RunSession>>();

export interface LiveRun {
  readonly events: readonly RunEvent[];
  readonly load: LoadState;
  readonly retry: () => void;
}

export function useRunEvents(runId: string): LiveRun {
  const connection = useConnection();
  const session = useMemo(() => {
    const shared = sessions.get(connection) ?? new SharedSessions<RunSession>();
    sessions.set(connection, shared);
    return { shared, run: shared.get(runId, () => new RunSession(connection, runId)) };
  }, [connection, runId]);
  useEffect(() => session.shared.use(runId), [session, runId]);
  const { log, follow } = session.run;
  const load = useSyncExternalStore(follow.status.subscribe, follow.status.state);
  const events = useSyncExternalStore(
    useMemo(() => (listener: () => void) => log.subscribe(listener), [log]),
    () => log.events(),
  );
  return { events, load, retry: follow.retry };
}
