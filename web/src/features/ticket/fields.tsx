import { ChevronDown, GitBranch, Plus, X } from 'lucide-react';
import { type ComponentProps, type KeyboardEvent, type ReactNode, useState } from 'react';
import type { Priority, Ticket, TicketKind } from '~/gql/types';
import { messages } from '~/messages';
import { AgentAvatar, PersonAvatar, providerName } from '~/ui/avatar';
import { dollars } from '~/ui/format';
import { KindIcon } from '~/ui/kind-icon';
import { LabelDot } from '~/ui/labels';
import { type Choice, Picker } from '~/ui/menu';
import { PriorityMark } from '~/ui/priority';
import type { TicketSurroundings } from './ticket-drawer';
import type { TicketCommands } from './use-ticket-commands';

const text = messages.ticket;
const NONE = 'none';
const PRIORITIES: readonly Priority[] = ['URGENT', 'HIGH', 'MEDIUM', 'LOW'];
const KINDS: readonly TicketKind[] = ['EPIC', 'STORY', 'TASK', 'BUG'];

interface Props extends TicketSurroundings {
  ticket: Ticket;
  commands: TicketCommands;
}

export function Fields({ ticket, commands, columns, members, providers, onMove, onOpenTicket }: Props) {
  const priorities: Choice<Priority | typeof NONE>[] = [
    ...PRIORITIES.map((level) => ({
      value: level,
      label: (
        <>
          <PriorityMark level={level} />
          {messages.priorities[level]}
        </>
      ),
    })),
    { value: NONE, label: messages.noPriority },
  ];
  const people: Choice<string>[] = [
    ...members.map((user) => ({
      value: user.id,
      label: (
        <>
          <PersonAvatar id={user.id} name={user.name} size={18} />
          <span className="truncate">{user.name}</span>
        </>
      ),
    })),
    { value: NONE, label: text.nobody },
  ];
  const agents: Choice<string>[] = [
    ...providers.map((provider) => ({
      value: provider.id,
      label: (
        <>
          <AgentAvatar provider={provider.id} size={18} />
          {provider.name}
        </>
      ),
    })),
    { value: NONE, label: text.nobody },
  ];
  const column = columns.find((candidate) => candidate.key === ticket.columnKey);
  return (
    <dl className="grid grid-cols-1 gap-x-6 gap-y-0.5 rounded-lg border border-line bg-canvas px-4 py-2.5 min-[560px]:grid-cols-2">
      <Row label={text.status}>
        {ticket.archived ? (
          <Plain>{column?.name ?? ticket.columnKey}</Plain>
        ) : (
          <Picker
            trigger={<Value label={text.status}>{column?.name ?? ticket.columnKey}</Value>}
            value={ticket.columnKey}
            choices={columns.map(({ key, name }) => ({ value: key, label: name }))}
            onChoose={onMove}
          />
        )}
      </Row>
      <Row label={text.priority}>
        <Picker
          trigger={
            <Value label={text.priority}>
              <PriorityMark level={ticket.priority} />
              {ticket.priority ? messages.priorities[ticket.priority] : text.none}
            </Value>
          }
          value={ticket.priority ?? NONE}
          choices={priorities}
          onChoose={(value) => void commands.setPriority(value === NONE ? null : value)}
        />
      </Row>
      <Row label={text.assignee}>
        <Picker
          trigger={
            <Value label={text.assignee}>
              {ticket.assignee ? <PersonAvatar id={ticket.assignee.id} name={ticket.assignee.name} size={18} /> : null}
              <span className="truncate">{ticket.assignee?.name ?? text.nobody}</span>
            </Value>
          }
          value={ticket.assignee?.id ?? NONE}
          choices={people}
          onChoose={(id) => void commands.assign(members.find((user) => user.id === id) ?? null)}
        />
      </Row>
      <Row label={text.kind}>
        <Picker
          trigger={
            <Value label={text.kind}>
              <KindIcon kind={ticket.kind} />
              {messages.kinds[ticket.kind]}
            </Value>
          }
          value={ticket.kind}
          choices={KINDS.map((kind) => ({
            value: kind,
            label: (
              <>
                <KindIcon kind={kind} />
                {messages.kinds[kind]}
              </>
            ),
          }))}
          onChoose={(kind) => void commands.setKind(kind)}
        />
      </Row>
      <Row label={text.delegate}>
        <Picker
          trigger={
            <Value label={text.delegate}>
              {ticket.delegate ? <AgentAvatar provider={ticket.delegate.provider} size={18} /> : null}
              {ticket.delegate ? providerName(ticket.delegate.provider) : text.nobody}
            </Value>
          }
          value={ticket.delegate?.provider ?? NONE}
          choices={agents}
          onChoose={(id) => void commands.delegate(id === NONE ? null : id)}
        />
      </Row>
      <Row label={text.cost}>
        <Plain>
          <span className="font-mono">{dollars(ticket.costUsdMicros)}</span>
        </Plain>
      </Row>
      <Row label={text.labels} wide>
        <Labels labels={ticket.labels} onChange={(labels) => void commands.setLabels(labels)} />
      </Row>
      {ticket.branch ? (
        <Row label={text.branch} wide>
          <Plain>
            <GitBranch size={13} aria-hidden="true" className="shrink-0 text-ink-3" />
            <span className="truncate font-mono text-xs">{ticket.branch}</span>
          </Plain>
        </Row>
      ) : null}
      {ticket.parent ? (
        <Row label={text.parent} wide>
          <TicketLink target={ticket.parent} onOpen={onOpenTicket} />
        </Row>
      ) : null}
      {ticket.children.length > 0 ? (
        <Row label={text.children} wide>
          <ul className="min-w-0 flex-1 py-1">
            {ticket.children.map((child) => (
              <li key={child.id} className="min-w-0">
                <TicketLink target={child} onOpen={onOpenTicket} />
              </li>
            ))}
          </ul>
        </Row>
      ) : null}
    </dl>
  );
}

function Row({ label, children, wide = false }: { label: string; children: ReactNode; wide?: boolean }) {
  return (
    <div className={wide ? 'flex min-w-0 items-start gap-2 min-[560px]:col-span-2' : 'flex min-w-0 items-start gap-2'}>
      <dt className="w-20 shrink-0 text-ink-3 text-xs leading-8">{label}</dt>
      <dd className="flex min-h-8 min-w-0 flex-1 items-center text-sm">{children}</dd>
    </div>
  );
}

const Plain = ({ children }: { children: ReactNode }) => (
  <span className="flex min-w-0 items-center gap-2 px-2">{children}</span>
);

function Value({ label, children, ...rest }: ComponentProps<'button'> & { label: string }) {
  return (
    <button
      type="button"
      className="group flex h-8 min-w-0 items-center gap-2 rounded-md px-2 hover:bg-hover data-[state=open]:bg-hover"
      {...rest}
    >
      <span className="sr-only">{label}: </span>
      {children}
      <ChevronDown
        size={13}
        aria-hidden="true"
        className="shrink-0 text-ink-3 opacity-0 group-hover:opacity-100 group-focus-visible:opacity-100"
      />
    </button>
  );
}

function TicketLink({ target, onOpen }: { target: NonNullable<Ticket['parent']>; onOpen: (key: string) => void }) {
  return (
    <button
      type="button"
      className="flex min-h-7 max-w-full items-center gap-2 rounded-md px-2 text-left hover:bg-hover"
      onClick={() => onOpen(target.key)}
    >
      <KindIcon kind={target.kind} />
      <span className="shrink-0 font-mono text-2xs text-ink-3">{target.key}</span>
      <span className="truncate">{target.title}</span>
    </button>
  );
}

const LONGEST_LABEL = 50;

function Labels({ labels, onChange }: { labels: readonly string[]; onChange: (labels: string[]) => void }) {
  const [draft, setDraft] = useState<string | null>(null);
  const add = () => {
    const label = draft?.trim() ?? '';
    setDraft(null);
    if (label !== '' && !labels.includes(label)) onChange([...labels, label]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      add();
    }
    if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      setDraft(null);
    }
  };
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-1.5 px-2 py-1">
      {labels.map((label) => (
        <span
          key={label}
          className="inline-flex h-6 items-center rounded-full border border-line bg-surface pr-0.5 pl-2"
        >
          <LabelDot label={label} className="max-w-40" />
          <button
            type="button"
            aria-label={text.removeLabel(label)}
            title={text.removeLabel(label)}
            className="ml-0.5 inline-flex size-5 items-center justify-center rounded-full text-ink-3 hover:bg-hover hover:text-ink"
            onClick={() => onChange(labels.filter((other) => other !== label))}
          >
            <X size={11} aria-hidden="true" />
          </button>
        </span>
      ))}
      {draft === null ? (
        <button
          type="button"
          aria-label={text.addLabel}
          title={text.addLabel}
          className="inline-flex size-6 items-center justify-center rounded-full text-ink-3 hover:bg-hover hover:text-ink"
          onClick={() => setDraft('')}
        >
          <Plus size={13} aria-hidden="true" />
        </button>
      ) : (
        <input
          // biome-ignore lint/a11y/noAutofocus: the person just asked for this field
          autoFocus
          aria-label={text.addLabel}
          value={draft}
          maxLength={LONGEST_LABEL}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={onKeyDown}
          onBlur={add}
          className="h-6 w-28 rounded-full border border-line-strong bg-surface px-2 text-2xs"
        />
      )}
    </div>
  );
}
