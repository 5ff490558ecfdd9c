import { Link, Outlet, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { useRunsChanges } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { Announcer } from '~/ui/announcer';
import { Blankslate } from '~/ui/blankslate';
import { PanelBoundary } from '~/ui/error-panel';
import { ProjectContext, rememberProject } from './project-context';
import { Shell } from './shell';
import { useTheme } from './theme';
import { type ProjectInOrg, useViewer } from './viewer-context';

// The page is on screen before anything can happen that it would have to say.
const Toaster = lazy(async () => ({ default: (await import('~/ui/toaster')).Toaster }));

export function RootLayout() {
  const theme = useTheme();
  return (
    <div className="h-full">
      <Outlet />
      <Announcer />
      {/* In a box of its own: sonner renders a section, which a grid or flex parent would lay out. */}
      <div>
        <Suspense fallback={null}>
          <Toaster theme={theme} />
        </Suspense>
      </div>
    </div>
  );
}

export function ProjectLayout() {
  const { project: slug } = useParams({ from: '/p/$project' });
  const { projects, chooseOrg } = useViewer();
  const project = projects.find((candidate) => candidate.slug === slug);
  useEffect(() => {
    if (!project) return;
    rememberProject(project.slug);
    chooseOrg(project.org.id);
  }, [project, chooseOrg]);
  if (!project) {
    return (
      <Shell>
        <Blankslate title={messages.nav.noProject} action={<Link to="/">{messages.nav.home}</Link>} />
      </Shell>
    );
  }
  return (
    // Another project is another page: nothing of the one before may linger in its panels.
    <ProjectContext value={project} key={project.project.id}>
      <WhileMember project={project} />
      <Shell project={project}>
        <PanelBoundary>
          <Outlet />
        </PanelBoundary>
      </Shell>
    </ProjectContext>
  );
}

/** When what is followed live is not found any more, the person was taken out: then the list of projects is read anew. */
function WhileMember({ project }: { project: ProjectInOrg }) {
  const { reload } = useViewer();
  const { load } = useRunsChanges(project.org.id, project.project.id);
  const isOut = load.status === 'failed' && load.error.code === 'NOT_FOUND';
  useEffect(() => {
    if (isOut) void reload();
  }, [isOut, reload]);
  return null;
}

export function NotFound() {
  return (
    <Shell>
      <Blankslate
        title={messages.nav.notFound}
        action={
          <Link to="/" className="text-accent underline">
            {messages.nav.home}
          </Link>
        }
      />
    </Shell>
  );
}
