import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { ChangeRoleDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Member, Project, Role } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { tellFailure } from '~/ui/outcome';
import { SelectField } from '~/ui/select';
import { roles } from './settings-section';

const text = messages.settings.members;
const SAME = '';

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  orgId: string;
  member: Member;
  projects: readonly Project[];
  onChanged: () => Promise<void>;
}

/** Where somebody's role in a project is another one than in the organisation. */
export function ProjectRolesDialog({ open, onOpenChange, orgId, member, projects, onChanged }: Props) {
  const [sending, setSending] = useState(false);
  const change = async (projectId: string, role: Role | null) => {
    setSending(true);
    const input = { commandId: newCommandId(), orgId, userId: member.user.id, projectId, role };
    try {
      await sendUntilAnswered(() => request(ChangeRoleDocument, { input }));
      await onChanged();
    } catch (cause) {
      tellFailure(text.roleFailed, cause);
    } finally {
      setSending(false);
    }
  };
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.inProjects(member.user.name)} lead={text.projectsLead}>
      <div className="max-h-[50vh] space-y-3 overflow-y-auto pr-1">
        {projects.map((project) => (
          <SelectField
            key={project.id}
            label={`${project.key} · ${project.name}`}
            disabled={sending}
            value={member.projectRoles.find(({ projectId }) => projectId === project.id)?.role ?? SAME}
            onChange={(event) =>
              void change(project.id, event.target.value === SAME ? null : (event.target.value as Role))
            }
          >
            <option value={SAME}>{text.sameAsOrg(messages.roles[member.role])}</option>
            {roles.map((role) => (
              <option key={role} value={role}>
                {messages.roles[role]}
              </option>
            ))}
          </SelectField>
        ))}
      </div>
      <div className="mt-4 flex justify-end">
        <Button onClick={() => onOpenChange(false)}>{messages.settings.done}</Button>
      </div>
    </Dialog>
  );
}
