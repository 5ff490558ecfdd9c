import { Link, useParams } from '@tanstack/react-router';
import { RunPage } from '~/features/runs/run-page';
import { useRunsChanges } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { useProject } from '../project-context';
import { TicketKeyLink } from '../run-link';
import { useTheme } from '../theme';
import { useColumnName } from '../use-column-name';

export function RunRoute() {
  const { runId } = useParams({ from: '/p/$project/agents/$runId' });
  const { project, org, slug } = useProject();
  const { runs } = useRunsChanges(org.id, project.id);
  const columnName = useColumnName(project.id);
  const theme = useTheme();
  return (
    <div className="h-full max-[899px]:overflow-y-auto">
      <RunPage
        key={runId}
        runId={runId}
        row={runs.find((run) => run.id === runId)}
        theme={theme}
        columnName={columnName}
        ticketLink={(key) => <TicketKeyLink ticketKey={key} />}
        boardLink={
          <Link
            to="/p/$project/board"
            params={{ project: slug }}
            className="font-medium text-accent underline underline-offset-2"
          >
            {messages.plan.openBoard}
          </Link>
        }
      />
    </div>
  );
}
