import { useCallback, useLayoutEffect, useRef } from 'react';

/**
 * For a dialog that no button of its own opens: what had the focus before gets it back. Answers the handler for Radix's
 * `onCloseAutoFocus`, which would otherwise look for the button and leave the focus to the top of the page.
 */
export function useReturnFocus(open: boolean): (event: Event) => void {
  const before = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (open) before.current = document.activeElement;
  }, [open]);
  return useCallback((event: Event) => {
    event.preventDefault();
    if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus();
  }, []);
}
