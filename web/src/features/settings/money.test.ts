import { expect, it } from 'vitest';
import { microsOf, typedOf } from './money';

it('reads what people type as micro-dollars, and nothing else', () => {
  expect(['20', '0.5', '$1.50', ' $ 3 ', '0', '0.000001'].map(microsOf)).toEqual([
    20_000_000, 500_000, 1_500_000, 3_000_000, 0, 1,
  ]);
  expect(['', '-1', '1,5', '1.', '.5', '1e3', '0.0000001', 'abc', '12345678901'].map(microsOf)).toEqual(
    Array.from({ length: 9 }, () => null),
  );
});

it('writes what it reads', () => {
  for (const micros of [0, 1, 500_000, 1_230_000, 20_000_000, 123_456_789]) {
    expect(microsOf(typedOf(micros))).toBe(micros);
  }
  expect([500_000, 20_000_000, 1_234_500].map(typedOf)).toEqual(['0.50', '20.00', '1.2345']);
});
