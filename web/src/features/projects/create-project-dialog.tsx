import { type FormEvent, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { CreateProjectDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Project } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { explain } from '~/ui/explain';
import { TextField } from '~/ui/field';
import { tellDone } from '~/ui/outcome';
import { isProjectKey, proposeKey } from './project-key';

const text = messages.project;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  orgId: string;
  onCreated: (project: Project) => Promise<void> | void;
}

export function CreateProjectDialog({ open, onOpenChange, ...rest }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.createTitle} lead={text.createLead}>
      <Form {...rest} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({ orgId, onCreated, onClose }: Pick<Props, 'orgId' | 'onCreated'> & { onClose: () => void }) {
  const [name, setName] = useState('');
  const [ownKey, setOwnKey] = useState<string | null>(null);
  const [checked, setChecked] = useState(false);
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const key = ownKey ?? proposeKey(name);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (name.trim() === '' || !isProjectKey(key)) return;
    setSending(true);
    setFailure(null);
    const input = { commandId: newCommandId(), orgId, key, name: name.trim() };
    try {
      const { createProject } = await sendUntilAnswered(() => request(CreateProjectDocument, { input }));
      tellDone(text.created(createProject.project.name));
      await onCreated(createProject.project);
      onClose();
    } catch (cause) {
      setFailure(explain(cause));
      setSending(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4" noValidate>
      <div className="flex gap-3">
        <TextField
          className="flex-1"
          label={text.name}
          placeholder={text.namePlaceholder}
          value={name}
          maxLength={100}
          onChange={(event) => setName(event.target.value)}
          fault={checked && name.trim() === '' ? text.nameMissing : null}
          autoFocus
        />
        <TextField
          className="w-28"
          label={text.key}
          placeholder={text.keyPlaceholder}
          value={key}
          maxLength={10}
          onChange={(event) => setOwnKey(event.target.value.toUpperCase())}
          fault={checked && name.trim() !== '' && !isProjectKey(key) ? text.keyBad : null}
        />
      </div>
      <p className="text-2xs text-ink-3">{text.keyHint}</p>
      {failure ? (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-bad text-xs">
          {text.failed}. {failure}
        </p>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {text.cancel}
        </Button>
        <Button look="primary" type="submit" disabled={sending}>
          {text.create}
        </Button>
      </div>
    </form>
  );
}
