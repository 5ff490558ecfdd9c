import { useState } from 'react';
import { messages } from '~/messages';
import { Button } from './button';
import { Dialog } from './dialog';
import { explain } from './explain';

/** Asks before what cannot be taken back. Stays open, with the reason, when it was not done. */
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  lead,
  action,
  failed,
  onConfirm,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  lead: string;
  action: string;
  failed: string;
  onConfirm: () => Promise<void>;
}) {
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const confirm = async () => {
    setSending(true);
    setFailure(null);
    try {
      await onConfirm();
      onOpenChange(false);
    } catch (cause) {
      setFailure(explain(cause));
    } finally {
      setSending(false);
    }
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        setFailure(null);
        onOpenChange(next);
      }}
      title={title}
      lead={lead}
    >
      {failure ? (
        <p role="alert" className="mb-4 rounded-md bg-bad-soft px-3 py-2 text-bad text-xs">
          {failed}. {failure}
        </p>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={() => onOpenChange(false)}>
          {messages.settings.cancel}
        </Button>
        <Button look="danger" disabled={sending} onClick={() => void confirm()}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
