import { expect, it } from 'vitest';
import { isProjectKey, proposeKey } from './project-key';

it.each([
  ['Billing rewrite', 'BR'],
  ['Mobile', 'MO'],
  ['3D printing room', 'PR'],
  ['Équipe Été', 'EE'],
  ['one two three four five', 'OTTF'],
  ['', ''],
])('proposes for %j the key %j', (name, key) => {
  expect(proposeKey(name)).toBe(key);
});

it.each([
  ['AL', true],
  ['A1', true],
  ['A', false],
  ['1A', false],
  ['al', false],
  ['ABCDEFGHIJK', false],
])('takes %j: %s', (key, fits) => {
  expect(isProjectKey(key)).toBe(fits);
});
