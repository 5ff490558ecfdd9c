import { useQuery, useQueryClient } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { ChangeRoleDocument, MembersDocument, RemoveMemberDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Member, Project, Role } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { PersonAvatar } from '~/ui/avatar';
import { Button } from '~/ui/button';
import { ConfirmDialog } from '~/ui/confirm-dialog';
import { ago, dateTime } from '~/ui/format';
import { tellDone, tellFailure } from '~/ui/outcome';
import { Select } from '~/ui/select';
import { InviteDialog } from './invite-dialog';
import { OpenInvitations } from './open-invitations';
import { ProjectRolesDialog } from './project-roles-dialog';
import { cell, Loaded, roles, SettingsSection, Th, tableLook } from './settings-section';

const text = messages.settings.members;

interface Props {
  org: { readonly id: string; readonly name: string };
  projects: readonly Project[];
  viewerId: string;
  isAdmin: boolean;
  /** Who may do what has changed: the rest of the app reads it anew. */
  onChanged: () => Promise<void>;
}

export function MembersPage(props: Props) {
  const { org, isAdmin } = props;
  const [inviting, setInviting] = useState(false);
  const queries = useQueryClient();
  const members = useQuery({
    queryKey: ['members', org.id],
    queryFn: async ({ signal }) => (await request(MembersDocument, { orgId: org.id }, signal)).org.members,
    refetchInterval: 10_000,
  });
  return (
    <>
      <SettingsSection
        title={text.title}
        lead={text.lead}
        action={
          isAdmin ? (
            <Button look="primary" onClick={() => setInviting(true)}>
              <UserPlus size={15} aria-hidden="true" />
              {text.invite}
            </Button>
          ) : null
        }
      >
        <Loaded query={members}>
          {(list) => (
            <table className={tableLook} aria-label={text.label}>
              <thead>
                <tr>
                  <Th className="w-full">{text.columns.person}</Th>
                  <Th>{text.columns.role}</Th>
                  <Th className="max-[700px]:hidden">{text.columns.joined}</Th>
                  <Th>
                    <span className="sr-only">{text.columns.actions}</span>
                  </Th>
                </tr>
              </thead>
              <tbody>
                {list.map((member) => (
                  <Row
                    key={member.user.id}
                    {...props}
                    member={member}
                    onChanged={async () => {
                      await Promise.all([members.refetch(), props.onChanged()]);
                    }}
                  />
                ))}
              </tbody>
            </table>
          )}
        </Loaded>
      </SettingsSection>
      {isAdmin ? (
        <>
          <OpenInvitations orgId={org.id} />
          <InviteDialog
            open={inviting}
            onOpenChange={setInviting}
            orgId={org.id}
            onInvited={() => void queries.invalidateQueries({ queryKey: ['invitations', org.id] })}
          />
        </>
      ) : null}
    </>
  );
}

function Row({ org, projects, viewerId, isAdmin, member, onChanged }: Props & { member: Member }) {
  const { user } = member;
  const [removing, setRemoving] = useState(false);
  const [inProjects, setInProjects] = useState(false);
  const [sending, setSending] = useState(false);
  const now = useNow(30_000);
  const isSelf = user.id === viewerId;

  const changeRole = async (role: Role) => {
    setSending(true);
    const input = { commandId: newCommandId(), orgId: org.id, userId: user.id, role };
    try {
      await sendUntilAnswered(() => request(ChangeRoleDocument, { input }));
      tellDone(text.roleChanged(user.name, messages.roles[role]));
      await onChanged();
    } catch (cause) {
      tellFailure(text.roleFailed, cause);
    } finally {
      setSending(false);
    }
  };
  const remove = async () => {
    const input = { commandId: newCommandId(), orgId: org.id, userId: user.id };
    await sendUntilAnswered(() => request(RemoveMemberDocument, { input }));
    tellDone(isSelf ? text.left(org.name) : text.removed(user.name));
    await onChanged();
  };

  const differing = member.projectRoles.filter(({ projectId }) => projects.some(({ id }) => id === projectId)).length;
  return (
    <tr data-member={user.name} className="hover:bg-hover">
      <td className={`${cell} max-w-0`}>
        <span className="flex items-center gap-2.5">
          <PersonAvatar id={user.id} name={user.name} />
          <span className="min-w-0 truncate font-medium">{user.name}</span>
          {isSelf ? <span className="text-2xs text-ink-3">{text.you}</span> : null}
        </span>
      </td>
      <td className={cell}>
        {isAdmin ? (
          <Select
            aria-label={text.roleOf(user.name)}
            value={member.role}
            disabled={sending}
            onChange={(event) => void changeRole(event.target.value as Role)}
          >
            {roles.map((role) => (
              <option key={role} value={role}>
                {messages.roles[role]}
              </option>
            ))}
          </Select>
        ) : (
          messages.roles[member.role]
        )}
      </td>
      <td className={`${cell} whitespace-nowrap text-2xs text-ink-3 max-[700px]:hidden`}>
        <time dateTime={member.joinedAt} title={dateTime(member.joinedAt)}>
          {ago(member.joinedAt, now)}
        </time>
      </td>
      <td className={cell}>
        <span className="flex justify-end gap-2 max-[520px]:flex-col max-[520px]:items-end">
          {isAdmin && projects.length > 0 ? (
            <Button size="sm" look="ghost" aria-label={text.inProjects(user.name)} onClick={() => setInProjects(true)}>
              {text.projectRoles(differing)}
            </Button>
          ) : null}
          {isAdmin || isSelf ? (
            <Button size="sm" look="danger" onClick={() => setRemoving(true)}>
              {isSelf ? text.leave : text.remove}
            </Button>
          ) : null}
        </span>
        <ConfirmDialog
          open={removing}
          onOpenChange={setRemoving}
          title={isSelf ? text.leaveTitle(org.name) : text.removeTitle(user.name)}
          lead={isSelf ? text.leaveLead : text.removeLead}
          action={isSelf ? text.leave : text.remove}
          failed={isSelf ? text.leaveFailed : text.removeFailed}
          onConfirm={remove}
        />
        <ProjectRolesDialog
          open={inProjects}
          onOpenChange={setInProjects}
          orgId={org.id}
          member={member}
          projects={projects}
          onChanged={onChanged}
        />
      </td>
    </tr>
  );
}
