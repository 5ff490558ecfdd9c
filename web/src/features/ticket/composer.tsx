import { type KeyboardEvent, useState } from 'react';
import { messages } from '~/messages';
import { Button } from '~/ui/button';

const text = messages.ticket;

export function Composer({ onSend }: { onSend: (bodyMd: string) => Promise<boolean> }) {
  const [body, setBody] = useState('');
  const [sending, setSending] = useState(false);

  const send = async () => {
    const written = body.trim();
    if (written === '' || sending) return;
    setSending(true);
    const sent = await onSend(written);
    setSending(false);
    if (sent) setBody('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    void send();
  };

  return (
    <div className="flex shrink-0 items-end gap-2 border-line border-t p-3">
      <textarea
        rows={body.includes('\n') || body.length > 70 ? 4 : 1}
        aria-label={text.composer}
        placeholder={text.composer}
        value={body}
        readOnly={sending}
        onChange={(event) => setBody(event.target.value)}
        onKeyDown={onKeyDown}
        className="block min-h-9 flex-1 resize-none rounded-lg border border-line-strong bg-canvas px-3 py-2 text-sm placeholder:text-ink-3"
      />
      <Button
        look="solid"
        className="h-9"
        title={text.sendHint}
        disabled={sending || body.trim() === ''}
        onClick={() => void send()}
      >
        {text.send}
      </Button>
    </div>
  );
}
