// Ranks are strings that sort by their characters' codes. The server makes the true ones; these are provisional and only
// have to fall between two neighbours until the answer comes.
const LOWEST = 33; // '!'
const HIGHEST = 126; // '~'

/** A string strictly between `low` and `high`; null stands for the open end. `low` must sort before `high`. */
export function rankBetween(low: string | null, high: string | null): string {
  let rank = '';
  let bounded = high !== null;
  for (let index = 0; ; index += 1) {
    const floor = low !== null && index < low.length ? low.charCodeAt(index) : LOWEST - 1;
    const ceiling = bounded && high !== null && index < high.length ? high.charCodeAt(index) : HIGHEST + 1;
    const middle = Math.floor((floor + ceiling) / 2);
    if (middle > floor && middle >= LOWEST) return rank + String.fromCharCode(middle);
    // No room at this place: keep the low digit (or the least one) and look one place further.
    const digit = Math.max(floor, LOWEST);
    rank += String.fromCharCode(digit);
    if (digit < ceiling) bounded = false;
  }
}

export function compareRanked(a: { rank: string; ticketId: string }, b: { rank: string; ticketId: string }): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1;
  if (a.ticketId === b.ticketId) return 0;
  return a.ticketId < b.ticketId ? -1 : 1;
}
