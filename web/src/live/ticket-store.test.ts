import { expect, it } from 'vitest';
import type { Ticket } from '~/gql/types';
import { TicketStore } from './ticket-store';

const ticket = (version: number, more: Partial<Ticket> = {}) => ({ version, title: 'Old', ...more }) as Ticket;
const retitle = (commandId: string, title: string) => ({ commandId, apply: (shown: Ticket) => ({ ...shown, title }) });

it('shows a change at once, keeps it until its version has come, then shows what the server has', () => {
  const store = new TicketStore();
  store.receive(ticket(3));
  store.begin(retitle('c1', 'Mine'));
  expect(store.ticket()?.title).toBe('Mine');
  store.acknowledge('c1', 4);
  expect(store.confirmedVersion()).toBe(4);
  store.receive(ticket(3, { title: 'Old' }));
  expect(store.ticket()?.title).toBe('Mine');
  store.receive(ticket(5, { title: 'Theirs' }));
  expect(store.ticket()?.title).toBe('Theirs');
});

it('takes a refused change back', () => {
  const store = new TicketStore();
  store.receive(ticket(3));
  store.begin(retitle('c1', 'Mine'));
  store.refuse('c1');
  expect(store.ticket()?.title).toBe('Old');
});

it('does not go back to an older reading', () => {
  const store = new TicketStore();
  store.receive(ticket(5, { title: 'New' }));
  store.receive(ticket(4, { title: 'Old' }));
  expect(store.ticket()?.title).toBe('New');
});
