import { type FormEvent, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { CreateOrgDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { explain } from '~/ui/explain';
import { TextField } from '~/ui/field';
import { tellDone } from '~/ui/outcome';

const text = messages.orgs;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (orgId: string) => Promise<void> | void;
}

export function CreateOrgDialog({ open, onOpenChange, onCreated }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.createTitle} lead={text.createLead}>
      <Form onCreated={onCreated} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({ onCreated, onClose }: Pick<Props, 'onCreated'> & { onClose: () => void }) {
  const [name, setName] = useState('');
  const [checked, setChecked] = useState(false);
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const missing = name.trim() === '';
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (missing) return;
    setSending(true);
    setFailure(null);
    const input = { commandId: newCommandId(), name: name.trim() };
    try {
      const { createOrg } = await sendUntilAnswered(() => request(CreateOrgDocument, { input }));
      tellDone(text.created(createOrg.org.name));
      onClose();
      await onCreated(createOrg.org.id);
    } catch (cause) {
      setFailure(explain(cause));
      setSending(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4" noValidate>
      <TextField
        label={text.name}
        placeholder={text.namePlaceholder}
        value={name}
        maxLength={100}
        onChange={(event) => setName(event.target.value)}
        fault={checked && missing ? text.nameMissing : null}
        autoFocus
      />
      {failure ? (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-bad text-xs">
          {text.failed}. {failure}
        </p>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {messages.settings.cancel}
        </Button>
        <Button look="primary" type="submit" disabled={sending}>
          {text.create}
        </Button>
      </div>
    </form>
  );
}
