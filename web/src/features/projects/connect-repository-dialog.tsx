import { type FormEvent, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { ConnectRepositoryDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Repository } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { explain } from '~/ui/explain';
import { TextField } from '~/ui/field';
import { tellDone } from '~/ui/outcome';

const text = messages.project;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  projectId: string;
  onConnected: (repository: Repository) => Promise<void> | void;
}

export function ConnectRepositoryDialog({ open, onOpenChange, ...rest }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.connectTitle} lead={text.connectLead}>
      <Form {...rest} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({ projectId, onConnected, onClose }: Pick<Props, 'projectId' | 'onConnected'> & { onClose: () => void }) {
  const [cloneUrl, setCloneUrl] = useState('');
  const [checked, setChecked] = useState(false);
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const isAddress = /^https?:\/\/[^\s/]+\/\S+$/.test(cloneUrl.trim());

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (!isAddress) return;
    setSending(true);
    setFailure(null);
    const input = { commandId: newCommandId(), projectId, provider: 'GIT' as const, cloneUrl: cloneUrl.trim() };
    try {
      const { connectRepository } = await sendUntilAnswered(() => request(ConnectRepositoryDocument, { input }));
      tellDone(text.connected(connectRepository.repoConnection.name));
      await onConnected(connectRepository.repoConnection);
      onClose();
    } catch (cause) {
      setFailure(explain(cause));
      setSending(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4" noValidate>
      <TextField
        label={text.cloneUrl}
        placeholder={text.cloneUrlPlaceholder}
        value={cloneUrl}
        maxLength={2_000}
        spellCheck={false}
        onChange={(event) => setCloneUrl(event.target.value)}
        hint={text.cloneUrlHint}
        fault={checked && !isAddress ? text.cloneUrlBad : null}
        autoFocus
      />
      {failure ? (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-bad text-xs">
          {text.connectFailed}. {failure}
        </p>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {text.cancel}
        </Button>
        <Button look="primary" type="submit" disabled={sending}>
          {text.connect}
        </Button>
      </div>
    </form>
  );
}
