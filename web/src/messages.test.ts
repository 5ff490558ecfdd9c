import { expect, it } from 'vitest';
import { messages } from './messages';

const sources = Object.entries(
  import.meta.glob<string>('./**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }),
)
  .filter(([path]) => !/messages\.ts$|\.test\.|generated/.test(path))
  .map(([, source]) => source)
  .join('\n');

/** Tables that are looked up by a value of the server, not by a name in our code. */
const TABLES = [
  'roles',
  'kinds',
  'priorities',
  'modes',
  'states',
  'failures',
  'shortFailures',
  'providers',
  'stations',
  'events',
  'codes',
  'targets',
  'placeholder',
  'explain',
  'banner',
  'columns',
  'stationState',
  'destinations',
  'themes',
  'lanesBy',
  'densities',
  'roleHints',
  'scopeNames',
  'keyColumns',
  'budgetColumns',
  'budgetStates',
  'budgetScopes',
];

function keysOf(value: object, path: string): string[] {
  return Object.entries(value).flatMap(([key, child]) => {
    if (TABLES.includes(key)) return [];
    return typeof child === 'object' && child !== null ? keysOf(child, `${path}.${key}`) : [`${path}.${key}`];
  });
}

it('says nothing that no screen says', () => {
  const unused = keysOf(messages, 'messages').filter((path) => {
    const key = path.split('.').at(-1) ?? '';
    return !new RegExp(`\\.${key}\\b`).test(sources);
  });
  expect(unused).toEqual([]);
});

it('holds the only words: no text stands between the tags of a screen', () => {
  const spoken = [...sources.matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)*)\s*<\//g)].map((match) => match[1]);
  expect(spoken).toEqual([]);
});
