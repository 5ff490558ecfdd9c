// What the page that is open adds to the command palette: it registers what it can do while it is on screen.
import { useEffect, useSyncExternalStore } from 'react';

export interface PageCommand {
  readonly id: string;
  readonly label: string;
  readonly keys?: readonly string[];
  readonly run: () => void;
}

let registered: readonly (readonly PageCommand[])[] = [];
let all: readonly PageCommand[] = [];
const listeners = new Set<() => void>();

function become(next: readonly (readonly PageCommand[])[]): void {
  registered = next;
  all = next.flat();
  for (const listener of listeners) listener();
}

/** `commands` must stay the same list while it says the same. */
export function useOfferCommands(commands: readonly PageCommand[]): void {
  useEffect(() => {
    become([...registered, commands]);
    return () => become(registered.filter((other) => other !== commands));
  }, [commands]);
}

export const usePageCommands = (): readonly PageCommand[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => all,
  );
