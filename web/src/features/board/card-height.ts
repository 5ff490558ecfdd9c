import type { Card } from '~/gql/types';
import type { Density } from '~/ui/density';

const CHARACTERS_A_LINE = 34;
/** Padding, border, the key's row and the gap below it. */
const HEAD = 46;
const TITLE_LINE = 19;
const META = 24;
const BRANCH = 22;
const RUN = 33;

/** About how high a card will be, in px: the better the guess, the stiller the scroll bar. It is measured once rendered. */
export function estimateHeight(card: Card | undefined, density: Density): number {
  if (!card || density === 'compact') return HEAD + TITLE_LINE;
  const lines = card.title.length > CHARACTERS_A_LINE ? 2 : 1;
  const hasMeta = card.labels.length > 0 || card.commentCount > 0;
  const hasBranch = card.branch !== null || card.repo !== null;
  return HEAD + lines * TITLE_LINE + (hasMeta ? META : 0) + (hasBranch ? BRANCH : 0) + (card.run ? RUN : 0);
}
