import type { RunRow } from '~/gql/types';
import { messages } from '~/messages';

const LONGEST_TITLE = 120;

/** What a run is called: its ticket, else the first line of what was asked. */
export function runTitle(run: Pick<RunRow, 'ticket' | 'prompt'>): string {
  if (run.ticket) return run.ticket.title;
  const [line = ''] = run.prompt.trim().split('\n');
  return line.slice(0, LONGEST_TITLE) || messages.runs.untitled;
}

/** How long it has been, or was, at work; from the asking when no worker has taken it yet. In ms. */
export function runTime(run: Pick<RunRow, 'requestedAt' | 'startedAt' | 'endedAt'>, nowMs: number): number {
  const end = run.endedAt ? Date.parse(run.endedAt) : nowMs;
  return Math.max(0, end - Date.parse(run.startedAt ?? run.requestedAt));
}
