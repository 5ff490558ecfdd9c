import { lazy, Suspense, useMemo } from 'react';
import type { RunDetail, RunEvent } from '~/gql/types';
import { messages } from '~/messages';
import { hasEnded } from '~/ui/run-look';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import { diffData } from './run-event-data';

const DiffPane = lazy(() => import('./diff/diff-pane'));
const text = messages.runs;

/** The diff that counts (from git, at the end); before that the one that the agent tells as it goes. */
export function currentDiff(run: RunDetail, events: readonly RunEvent[]): string {
  if (run.diff?.unified) return run.diff.unified;
  for (let index = events.length - 1; index >= 0; index -= 1) {
    const event = events[index];
    if (event?.type !== 'DIFF') continue;
    const diff = diffData(event);
    if (diff.scope === 'turn' || diff.scope === 'branch') return diff.unified;
  }
  return '';
}

export function RunChanges({
  run,
  events,
  theme,
}: {
  run: RunDetail;
  events: readonly RunEvent[];
  theme: 'light' | 'dark';
}) {
  const unified = useMemo(() => currentDiff(run, events), [run, events]);
  if (unified === '') {
    return (
      <p className="px-5 py-8 text-center text-ink-3">{hasEnded(run.state) ? text.noChangesEnded : text.noChanges}</p>
    );
  }
  return (
    <div className="flex h-full flex-col">
      {run.diff?.truncated ? (
        <p className="shrink-0 border-line border-b bg-warn-soft px-4 py-2 text-warn text-xs">{text.truncated}</p>
      ) : null}
      <div className="min-h-0 flex-1">
        <Suspense
          fallback={
            <AfterAMoment>
              <div className="space-y-2 p-4">
                <Skeleton className="h-8" />
                <Skeleton className="h-64" />
              </div>
            </AfterAMoment>
          }
        >
          <DiffPane unified={unified} theme={theme} />
        </Suspense>
      </div>
    </div>
  );
}
