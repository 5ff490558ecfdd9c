import { describe, expect, it } from 'vitest';
import type { RunEvent, RunEventType } from '~/gql/types';
import { logLines } from './log-lines';
import { durationOf, matches, TimelineFold } from './timeline';

let seq = 0;
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const event = (second: number, type: RunEventType, text: string, data: unknown = {}): RunEvent => {
  seq += 1;
  return { seq, at: at(second), type, text, data };
};

describe('TimelineFold', () => {
  it('makes one step of a call: its start, its output, its end', () => {
    const events = [
      event(0, 'TOOL', 'cargo test', { call: 'c', tool: 'command', status: 'started' }),
      event(1, 'LOG', 'running', { source: 'command', call: 'c', text: 'running 3 tests\n3 passed, 1 failed\n' }),
      event(4, 'TOOL', 'cargo test', { call: 'c', tool: 'command', status: 'failed', exit_code: 101 }),
    ];
    const fold = new TimelineFold();
    expect(fold.steps(events.slice(0, 1))[0]).toMatchObject({ kind: 'command', running: true, failed: false });
    const [step, ...rest] = fold.steps(events);
    expect(rest).toEqual([]);
    expect(step).toMatchObject({
      title: 'cargo test',
      running: false,
      failed: true,
      durationMs: 4_000,
      detail: '3 passed, 1 failed',
    });
  });

  it('leaves out what is counted elsewhere or told again', () => {
    const steps = new TimelineFold().steps([
      event(0, 'USAGE', '48k tokens'),
      event(1, 'DIFF', '2 files', { scope: 'turn', text: 'diff' }),
      event(2, 'LOG', 'x', { source: 'command', text: 'x' }),
      event(3, 'DIFF', 'On the branch', { scope: 'branch', files: [{ path: 'a', additions: 3, deletions: 1 }] }),
    ]);
    expect(steps.map(({ kind, title, detail }) => [kind, title, detail])).toEqual([['diff', 'a', '+3 −1']]);
  });

  it('reads on from where it stopped, and anew when the events are others', () => {
    const fold = new TimelineFold();
    const events = [event(0, 'MESSAGE', 'one'), event(1, 'MESSAGE', 'two')];
    const first = fold.steps(events.slice(0, 1));
    expect(first).toHaveLength(1);
    expect(fold.steps(events)).toHaveLength(2);
    expect(first).toHaveLength(1);
    expect(fold.steps([event(0, 'MESSAGE', 'other')]).map(({ title }) => title)).toEqual(['other']);
  });

  it('takes data of any shape', () => {
    const steps = new TimelineFold().steps([
      event(0, 'TOOL', 'a', null),
      event(1, 'DIFF', 'b', 'text'),
      event(2, 'LOG', 'c', []),
      event(3, 'ERROR', 'd', { text: 5 }),
    ]);
    expect(steps.map(({ kind }) => kind)).toEqual(['tool', 'diff', 'note', 'error']);
  });

  it('says how long a step took: measured, until the next, or until now', () => {
    const steps = new TimelineFold().steps([
      event(0, 'TOOL', 'a', { call: 'a', tool: 'edit', status: 'succeeded', duration_ms: 52 }),
      event(2, 'MESSAGE', 'b'),
      event(5, 'MESSAGE', 'c'),
    ]);
    const end = Date.parse(at(9));
    expect([0, 1, 2].map((index) => durationOf(steps, index, end))).toEqual([52, 3_000, 4_000]);
  });

  it('names what a tool of ours was called about', () => {
    const input = { text: '{"kind":"task","title":"Compare \\"both\\" sides","description":"cut off in the mid' };
    const [step] = new TimelineFold().steps([
      event(0, 'TOOL', 'create_ticket', { call: 'a', tool: 'create_ticket', status: 'started', input }),
      event(1, 'TOOL', 'create_ticket', {
        call: 'a',
        tool: 'create_ticket',
        status: 'succeeded',
        output: { text: 'T1 is in the plan.' },
      }),
    ]);
    expect(step).toMatchObject({ title: 'create_ticket: Compare "both" sides', detail: 'T1 is in the plan.' });
  });

  it('takes whatever an agent or a worker of another version writes', () => {
    const broken = ['{"title": "\\q"}', '{"title": "a\nb"}', '{"title": "__proto__"}', '{"title"'];
    const odd = [null, 7, 'text', [null], { files: [null, 'a', { path: 7 }] }, { input: [], output: null, call: {} }];
    const tools = broken.map((text) => event(0, 'TOOL', 'create_ticket', { status: 'started', input: { text } }));
    const steps = new TimelineFold().steps(tools);
    expect(steps.map(({ title }) => title)).toEqual([
      'create_ticket',
      'create_ticket',
      'create_ticket: __proto__',
      'create_ticket',
    ]);
    for (const type of [
      'MESSAGE',
      'LOG',
      'TOOL',
      'DIFF',
      'ARTIFACT',
      'APPROVAL',
      'QUESTION',
      'ERROR',
      'USAGE',
    ] as const) {
      const events = odd.map((data) => event(0, type, 'what is read', data));
      expect(() => [new TimelineFold().steps(events), logLines(events)]).not.toThrow();
    }
  });

  it('filters by what a step is', () => {
    const [edit, message] = new TimelineFold().steps([
      event(0, 'TOOL', 'a.rs', { call: 'a', tool: 'edit', status: 'succeeded' }),
      event(1, 'MESSAGE', 'hm'),
    ]);
    expect(edit && matches(edit, 'edits')).toBe(true);
    expect(message && matches(message, 'edits')).toBe(false);
    expect(message && matches(message, 'messages')).toBe(true);
  });
});

it('lists a command once, its output by line, and the last drawing of a line only', () => {
  const lines = logLines([
    event(0, 'TOOL', 'make', { call: 'm', tool: 'command', status: 'started' }),
    event(1, 'LOG', '', { source: 'command', call: 'm', text: '10%\r100%\nbuilt\n' }),
    event(2, 'TOOL', 'make', { call: 'm', tool: 'command', status: 'succeeded', output: { text: 'again' } }),
    event(3, 'LOG', 'long', { source: 'agent', text: 'long', omitted_bytes: 2_048, attachment: { digest: 'abc' } }),
    event(4, 'ERROR', 'out of budget', { text: 'out of budget' }),
  ]);
  expect(lines.map(({ text, look }) => [text, look])).toEqual([
    ['$ make', 'command'],
    ['100%', 'output'],
    ['built', 'output'],
    ['long', 'quiet'],
    ['… 2.0 KiB left out here', 'quiet'],
    ['out of budget', 'error'],
  ]);
  expect(lines[4]?.digest).toBe('abc');
  expect(new Set(lines.map(({ key }) => key)).size).toBe(lines.length);
});
