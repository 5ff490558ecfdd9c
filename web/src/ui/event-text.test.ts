import { expect, it } from 'vitest';
import { eventText } from './event-text';

const names = { column: (key: string) => key.toUpperCase(), user: (id: string) => `user ${id}` };

it('says what happened in words', () => {
  expect(eventText('TicketMoved', { from: 'todo', to: 'qa' }, names)).toBe('moved this from TODO to QA');
  expect(eventText('TicketMoved', { from: 'qa', to: 'qa' }, names)).toBe('moved this within QA');
  expect(eventText('TicketAssigned', { assignee: null }, names)).toBe('removed the assignee');
  expect(eventText('TicketPrioritised', { priority: 'high' }, names)).toBe('set the priority to high');
  expect(eventText('RunEnded', { outcome: { result: 'failed' } }, names)).toBe('ended the run: failed');
});

it('names an event that it does not know, and survives a payload that it does not expect', () => {
  expect(eventText('TicketTeleported', {}, names)).toBe('ticket teleported');
  expect(eventText('TicketMoved', null, names)).toBe('moved this within ');
  expect(eventText('TicketLabelled', { labels: 'x' }, names)).toBe('removed the labels');
});

it('has a sentence for every event of the domain', () => {
  const sources = import.meta.glob<string>('../../../domain/src/*/event.rs', {
    query: '?raw',
    import: 'default',
    eager: true,
  });
  const declared = Object.values(sources).flatMap((source) => {
    const block = /^events! \{([\s\S]*?)^\}/m.exec(source)?.[1] ?? '';
    return [...block.matchAll(/(\w+) = \d+/g)].map((match) => match[1] ?? '');
  });
  expect(declared.length).toBeGreaterThan(20);
  const unnamed = declared.filter((action) => {
    const spelled = action.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
    return eventText(action, {}, names) === spelled;
  });
  expect(unnamed).toEqual([]);
});
