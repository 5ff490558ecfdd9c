import type { RunState } from '~/gql/types';

/** What a run's state looks like everywhere: alive (lime), asking (amber), done (teal), failed (red), over or waiting (grey). */
export type RunLook = 'alive' | 'asking' | 'done' | 'failed' | 'idle';

const LOOKS: Record<RunState, RunLook> = {
  QUEUED: 'idle',
  STARTING: 'alive',
  WORKING: 'alive',
  WAITING: 'asking',
  PAUSED: 'asking',
  CHECKING: 'alive',
  SUCCEEDED: 'done',
  FAILED: 'failed',
  CANCELLED: 'idle',
};

const ENDED: readonly RunState[] = ['SUCCEEDED', 'FAILED', 'CANCELLED'];

export const runLook = (state: RunState): RunLook => LOOKS[state];
export const hasEnded = (state: RunState): boolean => ENDED.includes(state);

export const lookText: Record<RunLook, string> = {
  alive: 'text-accent',
  asking: 'text-warn',
  done: 'text-ok',
  failed: 'text-bad',
  idle: 'text-ink-2',
};
