import { describe, expect, it } from 'vitest';
import { compareRanked, rankBetween } from './rank';

describe('rankBetween', () => {
  it.each([
    [null, null],
    [null, 'a'],
    ['z', null],
    ['a', 'b'],
    ['a', 'aa'],
    ['a0', 'a00V'],
    ['Zz', 'a0'],
    ['az', 'b'],
    ['~', null],
    ['~~', null],
    ['a', 'a"'],
  ])('falls between %j and %j', (low, high) => {
    const rank = rankBetween(low, high);
    if (low !== null) expect(rank > low).toBe(true);
    if (high !== null) expect(rank < high).toBe(true);
  });

  it('stays ordered through 300 inserts at alternating ends of the same gap', () => {
    let low = 'a';
    let high = 'b';
    for (let round = 0; round < 300; round += 1) {
      const rank = rankBetween(low, high);
      expect(rank > low && rank < high).toBe(true);
      if (round % 2 === 0) low = rank;
      else high = rank;
    }
  });
});

it('orders by rank as bytes do, then by ticket', () => {
  expect(compareRanked({ rank: 'Z', ticketId: 'b' }, { rank: 'a', ticketId: 'a' })).toBeLessThan(0);
  expect(compareRanked({ rank: 'a', ticketId: 'b' }, { rank: 'a', ticketId: 'a' })).toBeGreaterThan(0);
  expect(compareRanked({ rank: 'a', ticketId: 'a' }, { rank: 'a', ticketId: 'a' })).toBe(0);
});
