import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode, RefObject } from 'react';
import { messages } from '~/messages';
import { IconButton } from './button';
import { classNames } from './class-names';
import { useReturnFocus } from './return-focus';

export function Dialog({
  open,
  onOpenChange,
  title,
  lead,
  wide = false,
  focus,
  children,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  lead?: string;
  wide?: boolean;
  /** What has the focus at first; without it, the first control. */
  focus?: RefObject<HTMLElement | null>;
  children: ReactNode;
}) {
  const onCloseAutoFocus = useReturnFocus(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="scrim fixed inset-0 z-40" />
        <Radix.Content
          {...(lead ? {} : { 'aria-describedby': undefined })}
          onCloseAutoFocus={onCloseAutoFocus}
          // Not by `autoFocus`: then the dialog would take that control for what had the focus before it.
          onOpenAutoFocus={(event) => {
            if (!focus?.current) return;
            event.preventDefault();
            focus.current.focus();
          }}
          className={classNames(
            'rise fixed top-[14vh] left-1/2 z-50 w-[calc(100vw-24px)] -translate-x-1/2 rounded-xl border border-line bg-raised p-5 shadow-pop',
            wide ? 'max-w-2xl' : 'max-w-md',
          )}
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
