// What a board shows of its cards: the filter as it stands in the address, and the one question it answers. Choices of
// one kind widen each other (this label or that one), kinds of choices narrow (this label and this person).
import type { Card, TicketKind } from '~/gql/types';
import { hasEnded, runLook } from '~/ui/run-look';

export interface BoardFilter {
  /** Ids of people; `nobody` for cards without one. */
  readonly assignees: readonly string[];
  readonly labels: readonly string[];
  readonly kinds: readonly TicketKind[];
  readonly hasAgent: boolean;
  readonly needsMe: boolean;
  /** Every word of it stands in the key, the title or a label. */
  readonly text: string;
}

/** The filter's part of the address. One choice stands as a word, several as a list. */
export interface FilterSearch {
  assignee?: string | readonly string[] | undefined;
  label?: string | readonly string[] | undefined;
  kind?: string | readonly string[] | undefined;
  agent?: true | undefined;
  needs?: true | undefined;
  q?: string | undefined;
}

export const NOBODY = 'nobody';
export const KINDS: readonly TicketKind[] = ['EPIC', 'STORY', 'TASK', 'BUG'];

export const noFilter: BoardFilter = {
  assignees: [],
  labels: [],
  kinds: [],
  hasAgent: false,
  needsMe: false,
  text: '',
};

const words = (value: unknown): readonly string[] => {
  const all = Array.isArray(value) ? value : [value];
  return [...new Set(all.filter((one) => typeof one === 'string' || typeof one === 'number').map(String))];
};

/** Reads what somebody may have typed by hand: what is not understood is left out. */
export function readFilterSearch(search: Readonly<Record<string, unknown>>): FilterSearch {
  const filter: BoardFilter = {
    assignees: words(search.assignee),
    labels: words(search.label),
    kinds: KINDS.filter((kind) => words(search.kind).some((word) => word.toUpperCase() === kind)),
    hasAgent: search.agent === true,
    needsMe: search.needs === true,
    text: words(search.q)[0] ?? '',
  };
  return toSearch(filter);
}

const oneOrMany = (values: readonly string[]): string | readonly string[] | undefined =>
  values.length > 1 ? values : values[0];

export function toSearch(filter: BoardFilter): FilterSearch {
  const search: FilterSearch = {
    assignee: oneOrMany(filter.assignees),
    label: oneOrMany(filter.labels),
    kind: oneOrMany(filter.kinds.map((kind) => kind.toLowerCase())),
    agent: filter.hasAgent || undefined,
    needs: filter.needsMe || undefined,
    q: filter.text || undefined,
  };
  // Keys without a value would stand in the address as the word "undefined".
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined));
}

export function fromSearch(search: FilterSearch): BoardFilter {
  return {
    assignees: words(search.assignee),
    labels: words(search.label),
    kinds: KINDS.filter((kind) => words(search.kind).includes(kind.toLowerCase())),
    hasAgent: search.agent === true,
    needsMe: search.needs === true,
    text: search.q ?? '',
  };
}

export const isFiltering = (filter: BoardFilter): boolean =>
  filter.assignees.length > 0 ||
  filter.labels.length > 0 ||
  filter.kinds.length > 0 ||
  filter.hasAgent ||
  filter.needsMe ||
  filter.text.trim() !== '';

export const toggled = <T extends string>(values: readonly T[], value: T): readonly T[] =>
  values.includes(value) ? values.filter((other) => other !== value) : [...values, value];

/** An agent holds it, or is at work on it. */
export const hasAgent = (card: Card): boolean =>
  card.delegate !== null || (card.run !== null && !hasEnded(card.run.state));

/** Its run asks a person something, or failed, and the card is this person's or nobody's. */
export function needsPerson(card: Card, viewerId: string): boolean {
  if (!card.run || (card.assignee !== null && card.assignee.id !== viewerId)) return false;
  const look = runLook(card.run.state);
  return look === 'asking' || look === 'failed';
}

/** The filter as one question; made once, asked for each card. */
export function matcher(filter: BoardFilter, viewerId: string): (card: Card) => boolean {
  const assignees = new Set(filter.assignees);
  const labels = new Set(filter.labels);
  const kinds = new Set(filter.kinds);
  const sought = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return (card) =>
    (assignees.size === 0 || assignees.has(card.assignee?.id ?? NOBODY)) &&
    (labels.size === 0 || card.labels.some((label) => labels.has(label))) &&
    (kinds.size === 0 || kinds.has(card.kind)) &&
    (!filter.hasAgent || hasAgent(card)) &&
    (!filter.needsMe || needsPerson(card, viewerId)) &&
    (sought.length === 0 || contains(card, sought));
}

function contains(card: Card, sought: readonly string[]): boolean {
  const all = `${card.key} ${card.title} ${card.labels.join(' ')}`.toLowerCase();
  return sought.every((word) => all.includes(word));
}

/** Every label of the board, by the alphabet. */
export function labelsOf(cards: Iterable<Card>): readonly string[] {
  const labels = new Set<string>();
  for (const card of cards) for (const label of card.labels) labels.add(label);
  return [...labels].sort((a, b) => a.localeCompare(b));
}
