import { type FormEvent, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { CreateTokenDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Role, TokenScope } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { explain } from '~/ui/explain';
import { TextField } from '~/ui/field';
import { SelectField } from '~/ui/select';
import { ShownOnce } from '~/ui/shown-once';
import { roles } from './settings-section';

const text = messages.settings.tokens;
const scopes = ['READ', 'TICKETS', 'RUNS'] as const satisfies readonly TokenScope[];
const DAYS = [7, 30, 90, 365] as const;
const DAY_MS = 24 * 3_600_000;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: () => void;
}

export function CreateTokenDialog({ open, onOpenChange, onCreated }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.createTitle}>
      <Form onCreated={onCreated} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({ onCreated, onClose }: Pick<Props, 'onCreated'> & { onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role | ''>('');
  const [scope, setScope] = useState<TokenScope | ''>('');
  const [days, setDays] = useState<number>(90);
  const [checked, setChecked] = useState(false);
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const missing = name.trim() === '';

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (missing) return;
    setSending(true);
    setFailure(null);
    const input = {
      commandId: newCommandId(),
      name: name.trim(),
      role: role || null,
      scopes: scope ? [scope] : [],
      expiresAt: new Date(Date.now() + days * DAY_MS).toISOString(),
    };
    try {
      const { createToken } = await sendUntilAnswered(() => request(CreateTokenDocument, { input }));
      setSecret(createToken.secret);
      onCreated();
    } catch (cause) {
      setFailure(explain(cause));
      setSending(false);
    }
  };
  if (secret) {
    return (
      <div className="space-y-4">
        <ShownOnce label={text.secret} value={secret} hint={text.secretHint} />
        <div className="flex justify-end">
          <Button look="primary" onClick={onClose}>
            {messages.settings.done}
          </Button>
        </div>
      </div>
    );
  }
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
      <SelectField label={text.role} value={role} onChange={(event) => setRole(event.target.value as Role | '')}>
        <option value="">{text.anyRole}</option>
        {roles.map((each) => (
          <option key={each} value={each}>
            {messages.roles[each]}
          </option>
        ))}
      </SelectField>
      <SelectField
        label={text.scopes}
        value={scope}
        onChange={(event) => setScope(event.target.value as TokenScope | '')}
      >
        <option value="">{text.everything}</option>
        {scopes.map((each) => (
          <option key={each} value={each}>
            {text.scopeNames[each]}
          </option>
        ))}
      </SelectField>
      <SelectField label={text.expiry} value={days} onChange={(event) => setDays(Number(event.target.value))}>
        {DAYS.map((each) => (
          <option key={each} value={each}>
            {text.days(each)}
          </option>
        ))}
      </SelectField>
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
          {text.make}
        </Button>
      </div>
    </form>
  );
}
