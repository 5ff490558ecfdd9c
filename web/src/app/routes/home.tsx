import { Navigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { messages } from '~/messages';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { CreateOrg } from '../create-org';
import { CreateProject } from '../create-project';
import { rememberedProject } from '../project-context';
import { Shell } from '../shell';
import { useGoToProject } from '../use-go-to-project';
import { useViewer } from '../viewer-context';

/** `/`: the Command Center of the project that was open last, or the first step when there is none. */
export function HomeRoute() {
  const { membership, projects } = useViewer();
  const [creating, setCreating] = useState(false);
  const goTo = useGoToProject();
  const org = membership?.org;
  const project = rememberedProject(projects.filter((candidate) => candidate.org.id === org?.id));
  if (project) return <Navigate to="/p/$project" params={{ project: project.slug }} replace />;
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
        <NoOrg />
      )}
    </Shell>
  );
}

function NoOrg() {
  const { chooseOrg, reload } = useViewer();
  const [creating, setCreating] = useState(false);
  return (
    <>
      <Blankslate
        title={messages.project.noOrg}
        lead={messages.project.noOrgLead}
        action={
          <Button onClick={() => setCreating(true)}>
            <Plus size={15} aria-hidden="true" />
            {messages.nav.newOrg}
          </Button>
        }
      />
      <CreateOrg
        open={creating}
        onOpenChange={setCreating}
        onCreated={async (orgId) => {
          await reload();
          chooseOrg(orgId);
        }}
      />
    </>
  );
}
