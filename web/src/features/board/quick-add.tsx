import { type KeyboardEvent, useRef, useState } from 'react';
import { messages } from '~/messages';

const LONGEST_TITLE = 300;

/** One title after the other: Enter adds and stays, Escape closes. */
export function QuickAdd({
  columnName,
  onAdd,
  onClose,
}: {
  columnName: string;
  onAdd: (title: string) => Promise<boolean>;
  onClose: () => void;
}) {
  const [title, setTitle] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.preventDefault();
      onClose();
    }
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
    event.preventDefault();
    const written = title.trim();
    if (written === '') return;
    setTitle('');
    void onAdd(written).then((added) => {
      // What was refused comes back into the box, unless something else is being written there by now.
      if (!added) setTitle((current) => (current === '' ? written : current));
    });
  };

  return (
    <div className="shrink-0 px-2 pb-2">
      <div className="rounded-lg border border-accent-line bg-surface p-2 shadow-card">
        <textarea
          ref={field}
          // biome-ignore lint/a11y/noAutofocus: the person just asked for this box
          autoFocus
          rows={2}
          maxLength={LONGEST_TITLE}
          aria-label={`${messages.board.quickAdd}, ${columnName}`}
          placeholder={messages.board.quickAdd}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          onKeyDown={onKeyDown}
          onBlur={() => {
            if (title.trim() === '') onClose();
          }}
          className="block w-full resize-none bg-transparent text-sm outline-none placeholder:text-ink-3"
        />
        <p className="mt-1 text-2xs text-ink-3">{messages.board.quickAddHint}</p>
      </div>
    </div>
  );
}
