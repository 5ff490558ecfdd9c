import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { boardActions } from '~/features/board/board-actions';
import { type BoardFilter, type FilterSearch, fromSearch, toSearch } from '~/features/board/board-filter';
import { BoardPage } from '~/features/board/board-page';
import { ConnectRepositoryDialog } from '~/features/projects/connect-repository-dialog';
import { ImplementButton } from '~/features/runs/implement-button';
import { TicketRuns } from '~/features/runs/ticket-runs';
import { TicketDrawer } from '~/features/ticket/ticket-drawer';
import type { RunRow, Ticket } from '~/gql/types';
import { type LiveBoard, useBoardChanges, useBoardColumns } from '~/live/use-board-changes';
import { useProviders } from '~/live/use-providers';
import { useRunsChanges } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { Blankslate } from '~/ui/blankslate';
import { classNames } from '~/ui/class-names';
import { ErrorPanel, PanelBoundary } from '~/ui/error-panel';
import { runLook } from '~/ui/run-look';
import { useProject } from '../project-context';
import type { BoardSearch } from '../router';
import { RunLink } from '../run-link';
import { useIsEmpty } from '../use-is-empty';
import { useTicketId } from '../use-ticket-id';
import { membersOf, useViewer } from '../viewer-context';

export function BoardRoute() {
  const { project, org } = useProject();
  const { viewer } = useViewer();
  const { ticket: openKey, ...search } = useSearch({ from: '/p/$project/board' });
  const change = useChangeSearch();
  const board = useBoardChanges(project.id);
  const people = useMemo(() => membersOf(org), [org]);
  const filter = useSameFilter(search);
  const open = useCallback((key: string) => change({ ticket: key }), [change]);
  const close = useCallback(() => change({ ticket: undefined }), [change]);
  const onFilter = useCallback(
    (next: BoardFilter) => change({ ...emptySearch, ...toSearch(next) }, { replace: true }),
    [change],
  );
  return (
    <>
      <BoardPage
        board={board}
        projectId={project.id}
        viewerId={viewer.user.id}
        people={people}
        filter={filter}
        onFilter={onFilter}
        onOpen={open}
        aside={<OnTheLine />}
        whenEmpty={<WhenEmpty board={board} />}
      />
      {openKey ? <OpenTicket key={openKey} ticketKey={openKey} board={board} onOpen={open} onClose={close} /> : null}
    </>
  );
}

/** Changes a part of the address and leaves the rest: the filter stays while a ticket is opened. */
function useChangeSearch() {
  const { slug } = useProject();
  const navigate = useNavigate();
  return useCallback(
    (part: BoardSearch, { replace = false }: { replace?: boolean } = {}) =>
      void navigate({
        to: '/p/$project/board',
        params: { project: slug },
        search: (before) => ({ ...before, ...part }),
        replace,
      }),
    [navigate, slug],
  );
}

const emptySearch: FilterSearch = {
  assignee: undefined,
  label: undefined,
  kind: undefined,
  agent: undefined,
  needs: undefined,
  q: undefined,
};

/** The same object as long as the address says the same: what is computed from it is not computed again. */
function useSameFilter(search: FilterSearch): BoardFilter {
  const written = JSON.stringify(toSearch(fromSearch(search)));
  return useMemo(() => fromSearch(JSON.parse(written) as FilterSearch), [written]);
}

function OnTheLine() {
  const { project, org } = useProject();
  const { runs } = useRunsChanges(org.id, project.id);
  const alive = runs.filter((run) => runLook(run.state) === 'alive').length;
  return (
    <span className="inline-flex shrink-0 items-center gap-2 text-ink-2">
      <span
        aria-hidden="true"
        className={classNames(
          'size-2 rounded-full',
          alive > 0 ? 'live-dot bg-lime ring-1 ring-accent-line' : 'bg-line-strong',
        )}
      />
      {alive > 0 ? messages.board.onTheLine(alive) : messages.board.noneOnTheLine}
    </span>
  );
}

function WhenEmpty({ board }: { board: LiveBoard }) {
  const { slug } = useProject();
  const isEmpty = useIsEmpty(board.store);
  if (!isEmpty) return null;
  return (
    <div className="shrink-0 border-line border-b">
      <Blankslate
        compact
        title={messages.board.emptyTitle}
        lead={messages.board.emptyLead}
        action={
          <Link
            to="/p/$project"
            params={{ project: slug }}
            hash="prompt"
            className="font-medium text-accent underline underline-offset-2"
          >
            {messages.board.emptyAction}
          </Link>
        }
      />
    </div>
  );
}

interface OpenProps {
  ticketKey: string;
  board: LiveBoard;
  onOpen: (key: string) => void;
  onClose: () => void;
}

function OpenTicket({ ticketKey, board, onOpen, onClose }: OpenProps) {
  const { org } = useProject();
  const { ticketId, error, retry } = useTicketId(org.id, ticketKey, board);
  if (error) {
    return (
      <div className="absolute inset-y-4 right-4 z-40 w-96 rounded-xl border border-line bg-raised shadow-pop">
        <ErrorPanel title={ticketKey} error={error} onRetry={retry} />
      </div>
    );
  }
  if (!ticketId) return null;
  return <Drawer ticketId={ticketId} board={board} onOpen={onOpen} onClose={onClose} />;
}

function Drawer({ ticketId, board, onOpen, onClose }: Omit<OpenProps, 'ticketKey'> & { ticketId: string }) {
  const { project, org, slug } = useProject();
  const { reload } = useViewer();
  const [connecting, setConnecting] = useState(false);
  const columns = useBoardColumns(board.store);
  const providers = useProviders(org.id);
  const { runs } = useRunsChanges(org.id, project.id);
  const navigate = useNavigate();
  const { store } = board;

  const onMove = (columnKey: string) =>
    void boardActions(store, project.id).move(
      ticketId,
      columnKey,
      store.column(columnKey).filter((other) => other !== ticketId).length,
      store.confirmedVersion(ticketId),
    );
  // The ticket's own list is of the moment that it was read; the project's is live.
  const runsOf = (ticket: Ticket): readonly RunRow[] => {
    const live = runs.filter((run) => run.ticketId === ticket.id);
    const known = new Set(live.map((run) => run.id));
    return [...live, ...ticket.runs.filter((run) => !known.has(run.id))];
  };

  return (
    <PanelBoundary>
      <TicketDrawer
        ticketId={ticketId}
        columns={columns}
        members={membersOf(org)}
        providers={providers}
        onMove={onMove}
        onOpenTicket={onOpen}
        onClose={onClose}
        actions={(ticket) =>
          ticket.archived ? null : (
            <ImplementButton
              ticket={ticket}
              projectId={project.id}
              providers={providers}
              repositories={project.repositories.filter((repository) => repository.disconnectedAt === null)}
              onConnect={() => setConnecting(true)}
              onStarted={(run) =>
                void navigate({ to: '/p/$project/agents/$runId', params: { project: slug, runId: run.id } })
              }
            />
          )
        }
        runs={(ticket) => (
          <TicketRuns
            runs={runsOf(ticket)}
            runLink={(run, children, className) => (
              <RunLink runId={run.id} className={className}>
                {children}
              </RunLink>
            )}
          />
        )}
      />
      <ConnectRepositoryDialog
        open={connecting}
        onOpenChange={setConnecting}
        projectId={project.id}
        onConnected={async () => void (await reload())}
      />
    </PanelBoundary>
  );
}
