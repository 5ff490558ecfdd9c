// How close things stand, as this person likes it in this browser.
import { useSyncExternalStore } from 'react';

export type Density = 'comfortable' | 'compact';

const KEY = 'lime.density';
const listeners = new Set<() => void>();

export function density(): Density {
  try {
    return localStorage.getItem(KEY) === 'compact' ? 'compact' : 'comfortable';
  } catch {
    return 'comfortable';
  }
}

export function chooseDensity(choice: Density): void {
  try {
    if (choice === 'compact') localStorage.setItem(KEY, choice);
    else localStorage.removeItem(KEY);
  } catch {
    // Storage is off: it stays comfortable.
  }
  for (const listener of listeners) listener();
}

export const useDensity = (): Density =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, density);
