import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { messages } from '~/messages';
import { IconButton } from './button';

export function Dialog({
  open,
  onOpenChange,
  title,
  lead,
  children,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  lead?: string;
  children: ReactNode;
}) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="scrim fixed inset-0 z-40" />
        <Radix.Content
          {...(lead ? {} : { 'aria-describedby': undefined })}
          className="rise fixed top-[14vh] left-1/2 z-50 w-[calc(100vw-24px)] max-w-md -translate-x-1/2 rounded-xl border border-line bg-raised p-5 shadow-pop"
        >
          <div className="flex items-start justify-between gap-4">
            <Radix.Title className="font-display font-semibold text-lg">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label={messages.ticket.close} className="-mt-1 -mr-1">
                <X size={16} aria-hidden="true" />
              </IconButton>
            </Radix.Close>
          </div>
          {lead ? <Radix.Description className="mt-1 text-ink-2">{lead}</Radix.Description> : null}
          <div className="mt-4">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
