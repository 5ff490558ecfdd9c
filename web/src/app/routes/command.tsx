import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useRouterState } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { CommandPage } from '~/features/command/command-page';
import { Transcript } from '~/features/command/transcript';
import { ConnectRepositoryDialog } from '~/features/projects/connect-repository-dialog';
import { RunOutcome } from '~/features/runs/run-outcome';
import { RunRail } from '~/features/runs/run-rail';
import { ConversationsDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Card, RunRow } from '~/gql/types';
import { useBoardChanges } from '~/live/use-board-changes';
import { useProviders } from '~/live/use-providers';
import { useRunsChanges } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { ErrorPanel, PanelBoundary } from '~/ui/error-panel';
import { useProject } from '../project-context';
import { RunLink, TicketKeyLink } from '../run-link';
import { useColumnName } from '../use-column-name';
import { useIsEmpty } from '../use-is-empty';
import { useViewer } from '../viewer-context';

const SHOWN_CONVERSATIONS = 8;
const underlined = 'font-medium text-accent underline underline-offset-2';

export function CommandRoute() {
  const { project, org, slug } = useProject();
  const { reload } = useViewer();
  const queries = useQueryClient();
  const [connecting, setConnecting] = useState(false);
  const providers = useProviders(org.id);
  const live = useRunsChanges(org.id, project.id);
  const tickets = useTickets(project.id);
  const columnName = useColumnName(project.id);
  const focusPrompt = useRouterState({ select: (state) => state.location.hash === 'prompt' });

  const key = useMemo(() => ['conversations', project.id], [project.id]);
  const conversations = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) =>
      (await request(ConversationsDocument, { projectId: project.id, first: SHOWN_CONVERSATIONS }, signal))
        .conversations.nodes,
  });
  // A run that this page did not start (another window, another person) is a reason to read them again.
  const newest = live.runs[0]?.id;
  useEffect(() => {
    if (newest) void queries.invalidateQueries({ queryKey: key });
  }, [newest, queries, key]);

  const latest = useCallback((run: RunRow) => live.runs.find((row) => row.id === run.id) ?? run, [live.runs]);

  return (
    <>
      <div className="h-full max-[1099px]:overflow-y-auto">
        <CommandPage
          project={project}
          providers={providers}
          repositories={project.repositories.filter((repository) => repository.disconnectedAt === null)}
          tickets={tickets}
          onConnect={() => setConnecting(true)}
          onStarted={() => void queries.invalidateQueries({ queryKey: key })}
          focusPrompt={focusPrompt}
          transcript={
            <PanelBoundary>
              {conversations.error && !conversations.data ? (
                <ErrorPanel
                  title={messages.outcome.panelFailed}
                  error={conversations.error}
                  onRetry={() => void conversations.refetch()}
                />
              ) : conversations.data ? (
                <Transcript
                  conversations={conversations.data}
                  latest={latest}
                  outcome={(run) => (
                    <RunOutcome
                      row={run}
                      columnName={columnName}
                      ticketLink={(ticketKey) => <TicketKeyLink ticketKey={ticketKey} />}
                      boardLink={
                        <Link to="/p/$project/board" params={{ project: slug }} className={underlined}>
                          {messages.plan.openBoard}
                        </Link>
                      }
                    />
                  )}
                  runLink={(run, children, className) => (
                    <RunLink runId={run.id} className={className}>
                      {children}
                    </RunLink>
                  )}
                />
              ) : null}
            </PanelBoundary>
          }
          rail={
            <PanelBoundary>
              <RunRail
                live={live}
                runLink={(run, children, className) => (
                  <RunLink runId={run.id} className={className}>
                    {children}
                  </RunLink>
                )}
                allRuns={
                  <Link
                    to="/p/$project/agents"
                    params={{ project: slug }}
                    className="text-ink-2 text-xs hover:text-ink hover:underline"
                  >
                    {messages.command.allRuns}
                  </Link>
                }
              />
            </PanelBoundary>
          }
        />
      </div>
      <ConnectRepositoryDialog
        open={connecting}
        onOpenChange={setConnecting}
        projectId={project.id}
        onConnected={async () => void (await reload())}
      />
    </>
  );
}

const none: readonly Card[] = [];

/** The board's tickets, for choosing one; taken anew when the board's columns change. */
function useTickets(projectId: string): readonly Card[] {
  const { store, load } = useBoardChanges(projectId);
  const isEmpty = useIsEmpty(store);
  const orders = useSyncExternalStore(
    useCallback(
      (listener: () => void) => {
        const stops = store.columns().map((column) => store.subscribeColumn(column.key, listener));
        stops.push(store.subscribeColumns(listener));
        return () => {
          for (const stop of stops) stop();
        };
      },
      [store],
    ),
    // One string is enough to notice a change of what stands where; cards themselves are read below.
    () =>
      store
        .columns()
        .map((column) => store.column(column.key).length)
        .join(),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: `orders` says when to read the store again
  return useMemo(
    () => (load.status !== 'ready' || isEmpty ? none : [...store.cards()]),
    [store, load.status, isEmpty, orders],
  );
}
