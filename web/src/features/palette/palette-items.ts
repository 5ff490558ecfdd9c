// What the command palette finds: everything whose words contain all words of the query, group by group, best first.
import type { ReactNode } from 'react';

export interface PaletteItem {
  readonly id: string;
  readonly label: string;
  /** Stands before the label and is searched too: a ticket's key. */
  readonly sign?: string;
  readonly icon?: ReactNode;
  readonly keys?: readonly string[];
  readonly run: () => void;
}

export interface PaletteGroup {
  readonly id: string;
  readonly title: string;
  readonly items: readonly PaletteItem[];
  /** How many are shown while nothing is written, and how many of those found. */
  readonly atRest: number;
  readonly atMost: number;
}

const START_OF_SIGN = 4;
const WHOLE_SIGN = 8;
const START_OF_LABEL = 2;
const START_OF_WORD = 1;

/** 0 when it does not match; the larger the better. */
export function score(item: Pick<PaletteItem, 'label' | 'sign'>, words: readonly string[]): number {
  const sign = item.sign?.toLowerCase() ?? '';
  const label = item.label.toLowerCase();
  let points = 1;
  for (const word of words) {
    if (!label.includes(word) && !sign.includes(word)) return 0;
    if (sign === word) points += WHOLE_SIGN;
    else if (sign.startsWith(word)) points += START_OF_SIGN;
    else if (label.startsWith(word)) points += START_OF_LABEL;
    else if (label.includes(` ${word}`)) points += START_OF_WORD;
  }
  return points;
}

/** The groups that have something to show, cut to what is shown of them. */
export function findItems(groups: readonly PaletteGroup[], query: string): readonly PaletteGroup[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = groups.map((group) => {
    if (words.length === 0) return { ...group, items: group.items.slice(0, group.atRest) };
    const scored = group.items.map((item) => ({ item, points: score(item, words) })).filter(({ points }) => points > 0);
    // Sorting keeps the order of equals: that is the order in which the group came.
    scored.sort((a, b) => b.points - a.points);
    return { ...group, items: scored.slice(0, group.atMost).map(({ item }) => item) };
  });
  return found.filter((group) => group.items.length > 0);
}
