import { Link, Outlet, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { messages } from '~/messages';
import { Announcer } from '~/ui/announcer';
import { Blankslate } from '~/ui/blankslate';
import { PanelBoundary } from '~/ui/error-panel';
import { ProjectContext, rememberProject } from './project-context';
import { Shell } from './shell';
import { useTheme } from './theme';
import { useViewer } from './viewer-context';

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
  const { projects } = useViewer();
  const project = projects.find((candidate) => candidate.slug === slug);
  useEffect(() => {
    if (project) rememberProject(project.slug);
  }, [project]);
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
      <Shell project={project}>
        <PanelBoundary>
          <Outlet />
        </PanelBoundary>
      </Shell>
    </ProjectContext>
  );
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
