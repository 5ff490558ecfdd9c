import { Link } from '@tanstack/react-router';
import { RunListPage } from '~/features/runs/run-list-page';
import { useRunsChanges } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { useProject } from '../project-context';
import { RunLink } from '../run-link';

export function AgentsRoute() {
  const { project, org, slug } = useProject();
  const live = useRunsChanges(org.id, project.id);
  return (
    <RunListPage
      live={live}
      runLink={(run, children) => <RunLink runId={run.id}>{children}</RunLink>}
      whenEmpty={
        <Link
          to="/p/$project"
          params={{ project: slug }}
          hash="prompt"
          className="font-medium text-accent underline underline-offset-2"
        >
          {messages.runs.emptyAction}
        </Link>
      }
    />
  );
}
