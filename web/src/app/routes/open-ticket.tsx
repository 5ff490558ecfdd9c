import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { boardActions } from '~/features/board/board-actions';
import { ConnectRepositoryDialog } from '~/features/projects/connect-repository-dialog';
import { ImplementButton } from '~/features/runs/implement-button';
import { TicketRuns } from '~/features/runs/ticket-runs';
import { TicketDrawer } from '~/features/ticket/ticket-drawer';
import type { RunRow, Ticket } from '~/gql/types';
import { type LiveBoard, useBoardColumns } from '~/live/use-board-changes';
import { useProviders } from '~/live/use-providers';
import { useRunsChanges } from '~/live/use-runs-changes';
import { ErrorPanel, PanelBoundary } from '~/ui/error-panel';
import { useProject } from '../project-context';
import { RunLink } from '../run-link';
import { useTicketId } from '../use-ticket-id';
import { membersOf, useViewer } from '../viewer-context';

interface OpenProps {
  ticketKey: string;
  board: LiveBoard;
  onOpen: (key: string) => void;
  onClose: () => void;
}

/** The drawer of the ticket that the address names. */
export function OpenTicket({ ticketKey, board, onOpen, onClose }: OpenProps) {
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
