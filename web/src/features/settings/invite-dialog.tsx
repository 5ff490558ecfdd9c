import { type FormEvent, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { InviteMemberDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Role } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { explain } from '~/ui/explain';
import { SelectField } from '~/ui/select';
import { ShownOnce } from '~/ui/shown-once';
import { roles } from './settings-section';

const text = messages.settings.members;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  orgId: string;
  onInvited: () => void;
}

export function InviteDialog({ open, onOpenChange, ...rest }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.inviteTitle} lead={text.inviteLead}>
      <Form {...rest} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({ orgId, onInvited, onClose }: Pick<Props, 'orgId' | 'onInvited'> & { onClose: () => void }) {
  const [role, setRole] = useState<Role>('DEV');
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [link, setLink] = useState<string | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setSending(true);
    setFailure(null);
    const input = { commandId: newCommandId(), orgId, role };
    try {
      const { inviteMember } = await sendUntilAnswered(() => request(InviteMemberDocument, { input }));
      setLink(inviteMember.invitationLink);
      onInvited();
    } catch (cause) {
      setFailure(explain(cause));
      setSending(false);
    }
  };
  if (link) {
    return (
      <div className="space-y-4">
        <ShownOnce label={text.link} value={link} hint={text.linkHint} />
        <div className="flex justify-end">
          <Button look="primary" onClick={onClose}>
            {messages.settings.done}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      <SelectField label={text.role} value={role} onChange={(event) => setRole(event.target.value as Role)}>
        {roles.map((each) => (
          <option key={each} value={each}>
            {`${messages.roles[each]}: ${messages.settings.roleHints[each]}`}
          </option>
        ))}
      </SelectField>
      {failure ? (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-bad text-xs">
          {text.inviteFailed}. {failure}
        </p>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {messages.settings.cancel}
        </Button>
        <Button look="primary" type="submit" disabled={sending}>
          {text.makeLink}
        </Button>
      </div>
    </form>
  );
}
