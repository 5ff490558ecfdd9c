import { type FormEvent, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { SetProviderKeyDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Provider } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { explain } from '~/ui/explain';
import { TextField } from '~/ui/field';
import { tellDone } from '~/ui/outcome';

const text = messages.settings.money;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  orgId: string;
  provider: Provider;
  onSaved: () => Promise<void>;
}

export function ProviderKeyDialog({ open, onOpenChange, ...rest }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.setKeyOf(rest.provider.name)} lead={text.keyDialogLead}>
      <Form {...rest} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({
  orgId,
  provider,
  onSaved,
  onClose,
}: Pick<Props, 'orgId' | 'provider' | 'onSaved'> & { onClose: () => void }) {
  const [key, setKey] = useState('');
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() === '') {
      setFailure(text.keyMissing);
      return;
    }
    setSending(true);
    setFailure(null);
    const input = { commandId: newCommandId(), orgId, provider: provider.id, key };
    try {
      await sendUntilAnswered(() => request(SetProviderKeyDocument, { input }));
      // It is in no state of the page any more.
      setKey('');
      tellDone(text.keySaved(provider.name));
      onClose();
      await onSaved();
    } catch (cause) {
      setFailure(`${text.keyFailed}. ${explain(cause)}`);
      setSending(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      <TextField
        label={text.key}
        hint={text.keyHint}
        fault={failure}
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={key}
        onChange={(event) => setKey(event.target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {messages.settings.cancel}
        </Button>
        <Button look="primary" type="submit" disabled={sending}>
          {text.saveKey}
        </Button>
      </div>
    </form>
  );
}
