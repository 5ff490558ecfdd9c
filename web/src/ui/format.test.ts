import { expect, it } from 'vitest';
import { ago, bytes, clock, count, dollars, duration, exactDollars, initials } from './format';

it('writes times', () => {
  expect([0, 9_999, 252_000, 3_852_000].map(clock)).toEqual(['0:00', '0:09', '4:12', '1:04:12']);
  expect([12, 8_400, 125_000].map(duration)).toEqual(['12 ms', '8.4 s', '2 min 05 s']);
  const now = Date.parse('2026-01-10T12:00:00Z');
  expect(
    [
      '2026-01-10T11:59:58Z',
      '2026-01-10T11:59:30Z',
      '2026-01-10T11:48:00Z',
      '2026-01-10T08:00:00Z',
      '2026-01-08T12:00:00Z',
      '2025-01-08T12:00:00Z',
    ].map((at) => ago(at, now)),
  ).toEqual(['now', '30 s', '12 min', '4 h', '2 d', 'Jan 8, 2025']);
});

it('writes numbers', () => {
  expect([0, 1, 380_000, 12_345_678].map(dollars)).toEqual(['$0.00', '<$0.01', '$0.38', '$12.35']);
  expect([0, 1, 498_731, 500_000].map(exactDollars)).toEqual(['$0.00', '$0.000001', '$0.498731', '$0.50']);
  expect([950, 1_240, 48_000, 3_100_000].map(count)).toEqual(['950', '1.2k', '48k', '3.1M']);
  expect([12, 2_048, 5_242_880].map(bytes)).toEqual(['12 B', '2.0 KiB', '5.0 MiB']);
});

it('shortens names', () => {
  expect(['Mara Okafor', 'Mara', 'a b c', ''].map(initials)).toEqual(['MO', 'MA', 'AC', '?']);
});
