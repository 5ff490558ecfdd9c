import { useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';
export type ThemeChoice = Theme | 'system';

const KEY = 'lime.theme';
const listeners = new Set<() => void>();

const current = (): Theme => (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light');

function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

function chosen(): ThemeChoice {
  try {
    const choice = localStorage.getItem(KEY);
    return choice === 'light' || choice === 'dark' ? choice : 'system';
  } catch {
    return 'system';
  }
}

const systemDark = () => matchMedia('(prefers-color-scheme: dark)');
const ofSystem = (): Theme => (systemDark().matches ? 'dark' : 'light');

export function chooseTheme(choice: ThemeChoice): void {
  try {
    if (choice === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
  show(choice === 'system' ? ofSystem() : choice);
}

/** public/theme.js chose before the first paint; from then on the system is followed until a person chooses. */
export function followSystemTheme(): void {
  systemDark().addEventListener('change', () => {
    if (chosen() === 'system') show(ofSystem());
  });
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useTheme = (): Theme => useSyncExternalStore(subscribe, current);

export const useThemeChoice = (): ThemeChoice => useSyncExternalStore(subscribe, chosen);
