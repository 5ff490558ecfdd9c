import { expect, it } from 'vitest';
import { destinations, KeySequence, WAIT_MS } from './key-sequence';

it('goes where the second key says', () => {
  for (const { key, to } of destinations) {
    const sequence = new KeySequence();
    expect(sequence.press('g', 0)).toEqual({ kind: 'waiting' });
    expect(sequence.press(key.toUpperCase(), WAIT_MS)).toEqual({ kind: 'go', to });
    expect(sequence.press(key, WAIT_MS)).toEqual({ kind: 'other' });
  }
});

it('forgets the first key after a while', () => {
  const sequence = new KeySequence();
  sequence.press('g', 0);
  expect(sequence.press('b', WAIT_MS + 1)).toEqual({ kind: 'other' });
});

it('takes a second key that leads nowhere as one, and does nothing else with it', () => {
  const sequence = new KeySequence();
  sequence.press('g', 0);
  expect(sequence.press('x', 10)).toEqual({ kind: 'nowhere' });
  expect(sequence.press('b', 20)).toEqual({ kind: 'other' });
});

it('gives each destination a key of its own', () => {
  expect(new Set(destinations.map(({ key }) => key)).size).toBe(destinations.length);
});
