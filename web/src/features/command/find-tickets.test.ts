import { expect, it } from 'vitest';
import type { Card } from '~/gql/types';
import { findTickets } from './find-tickets';

const card = (key: string, title: string) => ({ key, title }) as Card;
const tickets = [
  card('AL-12', 'Rate limit'),
  card('AL-1', 'Stream 12 logs'),
  card('AL-120', 'Other'),
  card('', 'being added'),
];

it('finds by key first, then by words, and never a ticket without a key', () => {
  expect(findTickets(tickets, 'al-12').map(({ key }) => key)).toEqual(['AL-12', 'AL-120']);
  expect(findTickets(tickets, 'logs stream').map(({ key }) => key)).toEqual(['AL-1']);
  expect(findTickets(tickets, '')).toHaveLength(3);
  expect(findTickets(tickets, 'nothing')).toEqual([]);
});
