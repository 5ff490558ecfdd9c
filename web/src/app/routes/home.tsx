import { Navigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { messages } from '~/messages';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { CreateProject } from '../create-project';
import { rememberedProject } from '../project-context';
import { Shell } from '../shell';
import { useGoToProject } from '../use-go-to-project';
import { useViewer } from '../viewer-context';

/** `/`: the Command Center of the project that was open last, or the first step when there is none. */
export function HomeRoute() {
  const { viewer, projects } = useViewer();
  const [creating, setCreating] = useState(false);
  const goTo = useGoToProject();
  const project = rememberedProject(projects);
  if (project) return <Navigate to="/p/$project" params={{ project: project.slug }} replace />;
  const org = viewer.orgs[0]?.org;
  return (
    <Shell>
      {org ? (
        <>
          <Blankslate
            title={messages.project.firstTitle}
            lead={messages.project.firstLead}
            action={
              <Button look="primary" onClick={() => setCreating(true)}>
                <Plus size={15} aria-hidden="true" />
                {messages.nav.newProject}
              </Button>
            }
          />
          <CreateProject open={creating} onOpenChange={setCreating} orgId={org.id} onCreated={goTo} />
        </>
      ) : (
        <Blankslate title={messages.project.noOrg} lead={messages.project.noOrgLead} />
      )}
    </Shell>
  );
}
