import { type FormEvent, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { SetBudgetDocument, TicketIdByKeyDocument } from '~/gql/generated';
import { RequestError, request } from '~/gql/request';
import type { Budget, BudgetScope, Project } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { explain } from '~/ui/explain';
import { TextField } from '~/ui/field';
import { tellDone } from '~/ui/outcome';
import { SelectField } from '~/ui/select';
import { budgetName, microsOf, typedOf } from './money';

const text = messages.settings.money;
const scopes = Object.keys(text.scopeNames) as BudgetScope[];

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  orgId: string;
  projects: readonly Project[];
  /** The budget to change; none for a new one. */
  known: Budget | null;
  onSaved: () => Promise<void>;
}

export function BudgetDialog({ open, onOpenChange, ...rest }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={text.budgetTitle} lead={text.budgetLead}>
      <Form {...rest} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

interface Fault {
  readonly field: 'ticket' | 'limit' | 'all';
  readonly words: string;
}

function Form({
  orgId,
  projects,
  known,
  onSaved,
  onClose,
}: Omit<Props, 'open' | 'onOpenChange'> & { onClose: () => void }) {
  const [scope, setScope] = useState<BudgetScope>(known?.scope ?? 'ORG');
  const [projectId, setProjectId] = useState(known?.projectId ?? projects[0]?.id ?? '');
  const [ticketKey, setTicketKey] = useState('');
  const [limit, setLimit] = useState(known ? typedOf(known.limitUsdMicros) : '');
  const [sending, setSending] = useState(false);
  const [fault, setFault] = useState<Fault | null>(null);
  const faultOf = (field: Fault['field']) => (fault?.field === field ? fault.words : null);

  const ticketId = async (): Promise<string | null> => {
    if (known?.ticketId) return known.ticketId;
    const found = await request(TicketIdByKeyDocument, { orgId, key: ticketKey.trim().toUpperCase() });
    return found.ticketByKey.id;
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const limitUsdMicros = microsOf(limit);
    if (limitUsdMicros === null) {
      setFault({ field: 'limit', words: text.limitWrong });
      return;
    }
    setSending(true);
    setFault(null);
    try {
      const input = {
        commandId: newCommandId(),
        orgId,
        scope,
        projectId: scope === 'PROJECT' ? projectId : null,
        ticketId: scope === 'TICKET' ? await ticketId() : null,
        limitUsdMicros,
      };
      await sendUntilAnswered(() => request(SetBudgetDocument, { input }));
      tellDone(text.budgetSaved);
      onClose();
      await onSaved();
    } catch (cause) {
      const unknown = scope === 'TICKET' && cause instanceof RequestError && cause.code === 'NOT_FOUND';
      const words = `${text.budgetFailed}. ${explain(cause)}`;
      setFault(unknown ? { field: 'ticket', words: text.noTicket } : { field: 'all', words });
      setSending(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4">
      {known ? (
        <p className="font-medium">{budgetName(known, projects)}</p>
      ) : (
        <SelectField label={text.scope} value={scope} onChange={(event) => setScope(event.target.value as BudgetScope)}>
          {scopes
            .filter((each) => each !== 'PROJECT' || projects.length > 0)
            .map((each) => (
              <option key={each} value={each}>
                {text.scopeNames[each]}
              </option>
            ))}
        </SelectField>
      )}
      {!known && scope === 'PROJECT' ? (
        <SelectField label={text.project} value={projectId} onChange={(event) => setProjectId(event.target.value)}>
          {projects.map((project) => (
            <option key={project.id} value={project.id}>
              {project.name}
            </option>
          ))}
        </SelectField>
      ) : null}
      {!known && scope === 'TICKET' ? (
        <TextField
          label={text.ticketKey}
          hint={text.ticketKeyHint}
          fault={faultOf('ticket')}
          value={ticketKey}
          onChange={(event) => setTicketKey(event.target.value)}
        />
      ) : null}
      <TextField
        label={text.limit}
        hint={text.limitHint}
        fault={faultOf('limit')}
        inputMode="decimal"
        value={limit}
        onChange={(event) => setLimit(event.target.value)}
      />
      {fault?.field === 'all' ? (
        <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-bad text-xs">
          {fault.words}
        </p>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {messages.settings.cancel}
        </Button>
        <Button look="primary" type="submit" disabled={sending}>
          {text.saveBudget}
        </Button>
      </div>
    </form>
  );
}
