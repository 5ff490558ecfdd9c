import { Pencil } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';
import type { Ticket } from '~/gql/types';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Markdown } from '~/ui/markdown';

const text = messages.ticket;

export function Description({
  ticket,
  onSave,
}: {
  ticket: Ticket;
  onSave: (descriptionMd: string, seenVersion: number | undefined) => Promise<boolean>;
}) {
  const [draft, setDraft] = useState<{ text: string; seenVersion: number | undefined } | null>(null);
  const edit = () => setDraft({ text: ticket.descriptionMd, seenVersion: ticket.version });

  const save = async () => {
    if (!draft) return;
    // What was refused stays in the box, on top of the version that won: saving again is then a choice.
    if (draft.text === ticket.descriptionMd || (await onSave(draft.text, draft.seenVersion))) setDraft(null);
    else setDraft({ ...draft, seenVersion: undefined });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      void save();
    }
    if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      setDraft(null);
    }
  };

  return (
    <section aria-labelledby="ticket-description">
      <div className="flex h-7 items-center justify-between">
        <h3 id="ticket-description" className="font-semibold text-ink-2 text-xs">
          {text.description}
        </h3>
        {draft ? null : (
          <Button look="ghost" size="sm" onClick={edit} aria-label={`${text.editDescription}: ${text.description}`}>
            <Pencil size={12} aria-hidden="true" />
            {ticket.descriptionMd ? text.editDescription : text.addDescription}
          </Button>
        )}
      </div>
      {draft ? (
        <div>
          <textarea
            // biome-ignore lint/a11y/noAutofocus: the person just asked to edit it
            autoFocus
            rows={12}
            aria-label={text.description}
            value={draft.text}
            onChange={(event) => setDraft({ ...draft, text: event.target.value })}
            onKeyDown={onKeyDown}
            className="mt-1 block w-full resize-y rounded-md border border-line-strong bg-surface px-3 py-2 font-mono text-xs leading-5"
          />
          <p className="mt-1 text-2xs text-ink-3">{text.descriptionHint}</p>
          <div className="mt-2 flex gap-2">
            <Button look="solid" size="sm" onClick={() => void save()}>
              {text.save}
            </Button>
            <Button look="ghost" size="sm" onClick={() => setDraft(null)}>
              {text.cancel}
            </Button>
          </div>
        </div>
      ) : ticket.descriptionMd ? (
        <Markdown text={ticket.descriptionMd} />
      ) : (
        <p className="text-ink-3">{text.noDescription}</p>
      )}
    </section>
  );
}
