import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { InvitationsDocument, RevokeInvitationDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Invitation } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { ago, dateTime } from '~/ui/format';
import { tellDone, tellFailure } from '~/ui/outcome';
import { Loaded, SettingsSection } from './settings-section';

const text = messages.settings.members;

/** Links that were handed out and not used yet. */
export function OpenInvitations({ orgId }: { orgId: string }) {
  const invitations = useQuery({
    queryKey: ['invitations', orgId],
    queryFn: async ({ signal }) => (await request(InvitationsDocument, { orgId }, signal)).org.invitations,
    refetchInterval: 10_000,
  });
  return (
    <SettingsSection title={text.pending}>
      <Loaded query={invitations}>
        {(list) =>
          list.length === 0 ? (
            <p className="text-ink-2">{text.noPending}</p>
          ) : (
            <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
              {list.map((invitation) => (
                <Row
                  key={invitation.id}
                  orgId={orgId}
                  invitation={invitation}
                  onRevoked={async () => void (await invitations.refetch())}
                />
              ))}
            </ul>
          )
        }
      </Loaded>
    </SettingsSection>
  );
}

interface RowProps {
  orgId: string;
  invitation: Invitation;
  onRevoked: () => Promise<void>;
}

function Row({ orgId, invitation, onRevoked }: RowProps) {
  const [sending, setSending] = useState(false);
  const now = useNow(30_000);
  const role = messages.roles[invitation.role];
  const made = ago(invitation.createdAt, now);
  const revoke = async () => {
    setSending(true);
    const input = { commandId: newCommandId(), orgId, invitationId: invitation.id };
    try {
      await sendUntilAnswered(() => request(RevokeInvitationDocument, { input }));
      tellDone(text.takenBack);
      await onRevoked();
    } catch (cause) {
      tellFailure(text.takeBackFailed, cause);
      setSending(false);
    }
  };
  return (
    <li data-invitation={invitation.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2">
      <span className="min-w-0 flex-1 basis-48">
        <span className="font-medium">{text.invitedAs(role)}</span>{' '}
        <span className="text-ink-2">
          {text.invitedBy(
            invitation.invitedBy.name,
            made === 'now' ? messages.outcome.just : messages.outcome.ago(made),
          )}
        </span>
      </span>
      {invitation.expired ? (
        <span className="text-2xs text-warn">{text.expired}</span>
      ) : (
        <span className="text-2xs text-ink-3">{text.expires(dateTime(invitation.expiresAt))}</span>
      )}
      <Button size="sm" disabled={sending} aria-label={text.takeBackOf(role)} onClick={() => void revoke()}>
        {text.takeBack}
      </Button>
    </li>
  );
}
