// Which key presses are the page's own. A letter belongs to the field that has the focus, to the menu or dialog that is
// open, or, when a person has turned single keys off (speech input types them by accident), to nobody.
import { useSyncExternalStore } from 'react';

const KEY = 'lime.single-keys';
const OWN = '[role=dialog], [role=alertdialog], [role=menu], [role=listbox]';
const listeners = new Set<() => void>();

export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type)));

/** Inside of something that stands over the page, and has keys of its own. */
const isOverPage = (target: EventTarget | null): boolean => target instanceof Element && target.closest(OWN) !== null;

export function singleKeysOn(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}

export function setSingleKeys(on: boolean): void {
  try {
    if (on) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, 'off');
  } catch {
    // Storage is off: they stay on.
  }
  for (const listener of listeners) listener();
}

export const useSingleKeys = (): boolean =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, singleKeysOn);

/** A key without Ctrl, Meta or Alt that nothing else wants. */
export const isFreeKey = (event: KeyboardEvent): boolean =>
  !event.defaultPrevented &&
  !(event.ctrlKey || event.metaKey || event.altKey) &&
  !event.isComposing &&
  !isTyping(event.target) &&
  !isOverPage(event.target);

/** A letter or a sign that stands for an action. */
export const isPageKey = (event: KeyboardEvent): boolean => isFreeKey(event) && singleKeysOn();

/** Ctrl or Cmd with a key, wherever the focus is but in something over the page. */
export const isPageCommand = (event: KeyboardEvent): boolean =>
  !event.defaultPrevented && (event.ctrlKey || event.metaKey) && !event.altKey && !isOverPage(event.target);
