import { type KeyboardEvent, useState } from 'react';
import type { Ticket } from '~/gql/types';
import { messages } from '~/messages';

const LONGEST = 300;

/** The title, which turns into a field when it is clicked. Enter saves, Escape leaves it as it was. */
export function TicketTitle({
  ticket,
  onSave,
}: {
  ticket: Ticket;
  onSave: (title: string, seenVersion: number) => Promise<boolean>;
}) {
  const [draft, setDraft] = useState<{ title: string; seenVersion: number } | null>(null);

  const save = () => {
    if (!draft) return;
    const title = draft.title.trim();
    setDraft(null);
    if (title !== '' && title !== ticket.title) void onSave(title, draft.seenVersion);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault();
      save();
    }
    if (event.key === 'Escape') {
      // The drawer closes on Escape too; here it only ends the editing.
      event.preventDefault();
      event.stopPropagation();
      setDraft(null);
    }
  };

  if (draft) {
    return (
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the person just asked to edit it
        autoFocus
        rows={2}
        maxLength={LONGEST}
        aria-label={messages.ticket.title}
        value={draft.title}
        onChange={(event) => setDraft({ ...draft, title: event.target.value.replaceAll('\n', ' ') })}
        onKeyDown={onKeyDown}
        onBlur={save}
        className="-mx-2 block w-[calc(100%+16px)] resize-none rounded-md border border-line-strong bg-surface px-2 py-1 font-display font-semibold text-xl"
      />
    );
  }
  return (
    <h2 className="-mx-2 font-display font-semibold text-xl tracking-[-0.01em]">
      <button
        type="button"
        title={messages.ticket.editTitle}
        className="w-full cursor-text rounded-md px-2 py-1 text-left break-words hover:bg-hover"
        onClick={() => setDraft({ title: ticket.title, seenVersion: ticket.version })}
      >
        {ticket.title}
      </button>
    </h2>
  );
}
