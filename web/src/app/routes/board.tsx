import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { BoardPage } from '~/features/board/board-page';
import { useMoveTicket } from '~/features/board/use-move-ticket';
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
import { RunLink } from '../run-link';
import { useIsEmpty } from '../use-is-empty';
import { useTicketId } from '../use-ticket-id';
import { membersOf, useViewer } from '../viewer-context';

export function BoardRoute() {
  const { project, slug } = useProject();
  const { ticket: openKey } = useSearch({ from: '/p/$project/board' });
  const navigate = useNavigate();
  const board = useBoardChanges(project.id);
  const open = useCallback(
    (key: string) => void navigate({ to: '/p/$project/board', params: { project: slug }, search: { ticket: key } }),
    [navigate, slug],
  );
  const close = useCallback(
    () => void navigate({ to: '/p/$project/board', params: { project: slug }, search: {} }),
    [navigate, slug],
  );
  return (
    <>
      <BoardPage
        board={board}
        projectId={project.id}
        onOpen={open}
        aside={<OnTheLine />}
        whenEmpty={<WhenEmpty board={board} slug={slug} />}
      />
      {openKey ? <OpenTicket key={openKey} ticketKey={openKey} board={board} onOpen={open} onClose={close} /> : null}
    </>
  );
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

function WhenEmpty({ board, slug }: { board: LiveBoard; slug: string }) {
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
  const move = useMoveTicket(board.store);
  const navigate = useNavigate();
  const { store } = board;

  const onMove = (columnKey: string) =>
    void move({
      ticketId,
      columnKey,
      index: store.column(columnKey).filter((other) => other !== ticketId).length,
      seenVersion: store.confirmedVersion(ticketId),
    });
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
