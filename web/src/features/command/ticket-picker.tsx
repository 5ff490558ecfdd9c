import { X } from 'lucide-react';
import { type KeyboardEvent, useId, useMemo, useRef, useState } from 'react';
import type { Card } from '~/gql/types';
import { messages } from '~/messages';
import { classNames } from '~/ui/class-names';
import { KindIcon } from '~/ui/kind-icon';
import { findTickets } from './find-tickets';

const text = messages.command;

interface Props {
  tickets: readonly Card[];
  value: string | null;
  onChoose: (ticketId: string | null) => void;
}

/** A field that finds a ticket by its key or its words. */
export function TicketPicker({ tickets, value, onChoose }: Props) {
  const listId = useId();
  const field = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState('');
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const found = useMemo(() => findTickets(tickets, query), [tickets, query]);
  const chosen = tickets.find((card) => card.ticketId === value);

  const choose = (card: Card | undefined) => {
    if (!card) return;
    onChoose(card.ticketId);
    setOpen(false);
    setQuery('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setOpen(true);
      const offset = event.key === 'ArrowDown' ? 1 : -1;
      setActive((active + offset + Math.max(1, found.length)) % Math.max(1, found.length));
    } else if (event.key === 'Enter' && open && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      choose(found[active]);
    } else if (event.key === 'Escape' && open) {
      event.preventDefault();
      setOpen(false);
    }
  };

  if (chosen) {
    return (
      <div className="flex items-center gap-2.5 border-line border-b px-4.5 py-2.5" data-testid="chosen-ticket">
        <KindIcon kind={chosen.kind} />
        <span className="shrink-0 font-mono text-ink-3 text-xs">{chosen.key}</span>
        <span className="min-w-0 flex-1 truncate font-medium">{chosen.title}</span>
        <button
          type="button"
          aria-label={text.chooseTicket}
          title={text.chooseTicket}
          className="inline-flex size-6 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
          onClick={() => onChoose(null)}
        >
          <X size={14} aria-hidden="true" />
        </button>
      </div>
    );
  }
  return (
    <div className="relative border-line border-b px-4.5 py-2">
      <input
        ref={field}
        role="combobox"
        aria-expanded={open}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={open && found[active] ? `${listId}-${active}` : undefined}
        aria-label={text.chooseTicket}
        placeholder={tickets.length === 0 ? text.noTickets : text.findTicket}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setActive(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
        className="h-8 w-full bg-transparent text-sm outline-none placeholder:text-ink-3"
      />
      {open && tickets.length > 0 ? (
        <div
          id={listId}
          role="listbox"
          aria-label={text.chooseTicket}
          className="absolute inset-x-2 top-full z-20 mt-1 max-h-72 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-pop"
        >
          {found.length === 0 ? <p className="px-3 py-2 text-ink-3">{text.noTicket}</p> : null}
          {found.map((card, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field's keys choose (see onKeyDown)
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field; the active option is named there
            <div
              key={card.ticketId}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              // Before the blur of the field, which would close the list under the click.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(card)}
              onMouseMove={() => setActive(index)}
              className={classNames(
                'flex h-8 cursor-pointer items-center gap-2.5 rounded-md px-2.5',
                index === active && 'bg-hover',
              )}
            >
              <KindIcon kind={card.kind} />
              <span className="w-16 shrink-0 font-mono text-ink-3 text-xs">{card.key}</span>
              <span className="truncate">{card.title}</span>
            </div>
          ))}
        </div>
      ) : null}
    </div>
  );
}
