import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { AcceptInvitationDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { explain } from '~/ui/explain';
import { tellDone } from '~/ui/outcome';
import { forgetInvitation } from '../invitation';
import { InvitationFrame, JoinFailure } from '../join';
import { useViewer } from '../viewer-context';

/** An invitation's link opened by somebody who is signed in: they join as who they are. */
export function JoinRoute() {
  return <InvitationFrame>{(token) => <Accept token={token} />}</InvitationFrame>;
}

function Accept({ token }: { token: string }) {
  const { viewer, reload, chooseOrg } = useViewer();
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const navigate = useNavigate();
  const accept = async () => {
    setSending(true);
    setFailure(null);
    const input = { commandId: newCommandId(), token };
    try {
      const { acceptInvitation } = await sendUntilAnswered(() => request(AcceptInvitationDocument, { input }));
      forgetInvitation();
      await reload();
      chooseOrg(acceptInvitation.org.id);
      tellDone(messages.join.joined(acceptInvitation.org.name));
      await navigate({ to: '/' });
    } catch (cause) {
      setFailure(explain(cause));
      setSending(false);
    }
  };
  return (
    <div className="space-y-4">
      <p className="text-ink-2">{messages.join.as(viewer.user.name)}</p>
      <JoinFailure failure={failure} />
      <Button look="primary" className="w-full" disabled={sending} onClick={() => void accept()}>
        {messages.join.join}
      </Button>
    </div>
  );
}
