import { Archive, ArchiveRestore, Check, Link2, X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import type { Provider, Ticket, User } from '~/gql/types';
import type { BoardColumn } from '~/live/board-store';
import { type LiveTicket, useTicketChanges } from '~/live/use-ticket-changes';
import { messages } from '~/messages';
import { IconButton } from '~/ui/button';
import { ErrorPanel, PanelBoundary } from '~/ui/error-panel';
import { useReturnFocus } from '~/ui/return-focus';
import { ScrollRegion } from '~/ui/scroll-region';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import { Activity } from './activity';
import { Composer } from './composer';
import { Description } from './description';
import { Fields } from './fields';
import { TicketTitle } from './ticket-title';
import { type TicketCommands, useTicketCommands } from './use-ticket-commands';

const text = messages.ticket;

export interface TicketSurroundings {
  readonly columns: readonly BoardColumn[];
  readonly members: readonly User[];
  readonly providers: readonly Provider[];
  readonly onMove: (columnKey: string) => void;
  readonly onOpenTicket: (key: string) => void;
}

interface Props extends TicketSurroundings {
  ticketId: string;
  onClose: () => void;
  /** What an agent can be asked to do with it; stands below the title. */
  actions: (ticket: Ticket) => ReactNode;
  /** The runs that worked on it. */
  runs: (ticket: Ticket) => ReactNode;
}

export function TicketDrawer({ ticketId, onClose, ...rest }: Props) {
  const live = useTicketChanges(ticketId);
  const onCloseAutoFocus = useReturnFocus(true);
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="scrim fixed inset-0 z-40" />
        <Radix.Content
          aria-describedby={undefined}
          data-testid="ticket-drawer"
          onCloseAutoFocus={onCloseAutoFocus}
          // The panel takes the focus itself: the first control is a copy button, which nobody came for.
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            (event.currentTarget as HTMLElement).focus();
          }}
          className="drawer-in fixed inset-y-2 right-2 z-50 flex w-[640px] max-w-[calc(100vw-16px)] flex-col overflow-hidden rounded-xl border border-line bg-surface shadow-pop outline-none"
        >
          <Head live={live} columns={rest.columns} ticketId={ticketId} />
          <PanelBoundary>
            <Body live={live} ticketId={ticketId} {...rest} />
          </PanelBoundary>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Head({ live, columns, ticketId }: { live: LiveTicket; columns: readonly BoardColumn[]; ticketId: string }) {
  const { ticket } = live;
  const [copied, setCopied] = useState(false);
  const commands = useTicketCommands(live, ticketId);
  const column = columns.find((candidate) => candidate.key === ticket?.columnKey)?.name ?? ticket?.columnKey;
  const copy = () => {
    void navigator.clipboard?.writeText(window.location.href).then(() => setCopied(true));
  };
  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-line border-b px-4">
      <Radix.Title className="min-w-0 truncate text-xs">
        <span className="font-mono text-ink-3">{ticket?.key}</span>
        {ticket ? <span className="mx-2 text-ink-3">/</span> : null}
        <span className="font-medium text-ink-2">{column}</span>
        {ticket ? null : <span className="sr-only">{messages.connection.connecting}</span>}
      </Radix.Title>
      <div className="flex-1" />
      <IconButton label={copied ? text.linkCopied : text.copyLink} onClick={copy}>
        {copied ? <Check size={15} aria-hidden="true" /> : <Link2 size={15} aria-hidden="true" />}
      </IconButton>
      {ticket && !ticket.archived ? (
        <IconButton label={text.archive} onClick={() => void commands.archive()}>
          <Archive size={15} aria-hidden="true" />
        </IconButton>
      ) : null}
      {ticket?.archived ? (
        <IconButton label={text.restore} onClick={() => void commands.restore()}>
          <ArchiveRestore size={15} aria-hidden="true" />
        </IconButton>
      ) : null}
      <Radix.Close asChild>
        <IconButton label={text.close}>
          <X size={16} aria-hidden="true" />
        </IconButton>
      </Radix.Close>
    </header>
  );
}

function Body({ live, ticketId, actions, runs, ...surroundings }: Omit<Props, 'onClose'> & { live: LiveTicket }) {
  const { ticket, load, retry } = live;
  const commands = useTicketCommands(live, ticketId);
  if (load.status === 'failed' && !ticket) {
    return <ErrorPanel title={messages.outcome.panelFailed} error={load.error} onRetry={retry} />;
  }
  if (!ticket) {
    return (
      <AfterAMoment>
        <div className="space-y-4 p-6">
          <Skeleton className="h-7 w-3/4" />
          <Skeleton className="h-28" />
          <Skeleton className="h-40" />
        </div>
      </AfterAMoment>
    );
  }
  return <Loaded ticket={ticket} commands={commands} actions={actions} runs={runs} {...surroundings} />;
}

interface LoadedProps extends TicketSurroundings {
  ticket: Ticket;
  commands: TicketCommands;
  actions: Props['actions'];
  runs: Props['runs'];
}

function Loaded({ ticket, commands, actions, runs, ...surroundings }: LoadedProps) {
  return (
    <>
      <ScrollRegion label={text.drawer(ticket.key)} className="min-h-0 flex-1 space-y-5 overflow-y-auto px-6 py-5">
        {ticket.archived ? (
          <p className="rounded-md bg-warn-soft px-3 py-2 text-warn text-xs">{text.archived}</p>
        ) : null}
        <TicketTitle ticket={ticket} onSave={commands.setTitle} />
        {actions(ticket)}
        <Fields ticket={ticket} commands={commands} {...surroundings} />
        {runs(ticket)}
        <Description ticket={ticket} onSave={commands.setDescription} />
        <Activity ticket={ticket} {...surroundings} />
      </ScrollRegion>
      <Composer key={ticket.id} onSend={commands.comment} />
    </>
  );
}
