import type { Card } from '~/gql/types';

const SHOWN = 20;

/** Tickets whose key begins with, or whose key or title contains, every word of `query`; best first. */
export function findTickets(tickets: readonly Card[], query: string): readonly Card[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const scored: { card: Card; score: number }[] = [];
  for (const card of tickets) {
    if (card.key === '') continue;
    const key = card.key.toLowerCase();
    const all = `${key} ${card.title.toLowerCase()}`;
    if (!words.every((word) => all.includes(word))) continue;
    const [first] = words;
    scored.push({ card, score: first === undefined ? 0 : key === first ? 3 : key.startsWith(first) ? 2 : 1 });
  }
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, SHOWN)
    .map(({ card }) => card);
}
