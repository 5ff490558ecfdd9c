// What was done on a board and can be undone, and what was undone and can be done again: two stacks of entries. An entry
// is one action of a person, with a step for each ticket that it changed.
import { type Change, type Setting, settingOf } from './change';

export interface Step {
  readonly ticketId: string;
  readonly key: string;
  /** What takes the ticket back, in this order. */
  readonly changes: readonly Change[];
  /** What the ticket has to be like for that. */
  readonly from: Setting;
  /** The version that made it so: a later change of the same thing by somebody else is not overwritten. */
  readonly version: number;
}

export interface Entry {
  readonly id: string;
  /** What was done, in words. */
  readonly label: string;
  readonly steps: readonly Step[];
}

export interface UndoStack {
  readonly done: readonly Entry[];
  readonly undone: readonly Entry[];
}

/** Older actions than these are forgotten. */
const KEPT = 100;

export const emptyStack: UndoStack = { done: [], undone: [] };

/** A new action ends what could have been done again. */
export const withDone = (stack: UndoStack, entry: Entry): UndoStack =>
  entry.steps.length === 0 ? stack : { done: [...stack.done, entry].slice(-KEPT), undone: [] };

export type Direction = 'undo' | 'redo';

const sideOf = (direction: Direction): keyof UndoStack => (direction === 'undo' ? 'done' : 'undone');

/** Takes the newest entry, or the one that is named, off its stack. */
export function take(
  stack: UndoStack,
  direction: Direction,
  id?: string,
): { entry: Entry | undefined; rest: UndoStack } {
  const side = sideOf(direction);
  const entry = id === undefined ? stack[side].at(-1) : stack[side].find((candidate) => candidate.id === id);
  return { entry, rest: { ...stack, [side]: stack[side].filter((candidate) => candidate !== entry) } };
}

/** After an entry was taken and played: what worked can be turned round again, what may work later stays where it was. */
export function played(
  stack: UndoStack,
  direction: Direction,
  entry: Entry,
  turned: readonly Step[],
  kept: readonly Step[],
): UndoStack {
  const here = sideOf(direction);
  const there = sideOf(direction === 'undo' ? 'redo' : 'undo');
  const add = (entries: readonly Entry[], steps: readonly Step[]) =>
    steps.length > 0 ? [...entries, { ...entry, steps }].slice(-KEPT) : entries;
  return { ...stack, [here]: add(stack[here], kept), [there]: add(stack[there], turned) };
}

/**
 * A ticket is again as an older step left it, by our own doing and as `version`. That step may then be undone too: what
 * changed the ticket in between has been taken back.
 */
export function relinked(stack: UndoStack, ticketId: string, changes: readonly Change[], version: number): UndoStack {
  const settings = changes.map(settingOf);
  const link = (step: Step): Step =>
    step.ticketId === ticketId &&
    settings.some(({ facet, value }) => facet === step.from.facet && value === step.from.value)
      ? { ...step, version }
      : step;
  const linkAll = (entries: readonly Entry[]) =>
    entries.map((entry) =>
      entry.steps.some((step) => step.ticketId === ticketId) ? { ...entry, steps: entry.steps.map(link) } : entry,
    );
  return { done: linkAll(stack.done), undone: linkAll(stack.undone) };
}
