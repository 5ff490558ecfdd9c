import { useSyncExternalStore } from 'react';

let current = '';
const listeners = new Set<() => void>();

/** Says it to those who listen to the page. The same words twice are said twice. */
export function announce(text: string): void {
  // A trailing no-break space makes the repeated text a new one for the reader.
  current = text === current ? `${text}\u00a0` : text;
  for (const listener of listeners) listener();
}

export function Announcer() {
  const text = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
  return (
    <div role="status" aria-live="assertive" className="sr-only" data-testid="announcer">
      {text}
    </div>
  );
}
