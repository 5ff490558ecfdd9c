import type { ReactNode } from 'react';
import type { RunRow } from '~/gql/types';
import { messages } from '~/messages';
import { ErrorPanel } from '~/ui/error-panel';
import { Markdown } from '~/ui/markdown';
import { hasEnded } from '~/ui/run-look';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import { PlanPanel } from './plan-panel';
import { useRunBrief } from './use-run';

interface Props {
  row: RunRow;
  columnName: (key: string) => string;
  boardLink: ReactNode;
  ticketLink: (key: string) => ReactNode;
}

/** What a run made, in short: its plan to choose from, or its own summary and how much it changed. */
export function RunOutcome({ row, columnName, boardLink, ticketLink }: Props) {
  const { run, error, retry, reload } = useRunBrief(row);
  if (!run) {
    if (error) return <ErrorPanel title={messages.outcome.panelFailed} error={error} onRetry={retry} />;
    return (
      <AfterAMoment>
        <Skeleton className="h-20" />
      </AfterAMoment>
    );
  }
  return (
    <div className="space-y-3">
      {run.summary ? <Markdown text={run.summary} /> : null}
      {run.diff && run.diff.files.length > 0 ? (
        <p className="font-mono text-ink-2 text-xs">
          {messages.runs.files(run.diff.files.length)} <span className="text-ok">+{run.diff.additions}</span>{' '}
          <span className="text-bad">−{run.diff.deletions}</span>
          {run.branch ? ` · ${run.branch}` : ''}
        </p>
      ) : null}
      {run.mode === 'PLAN' && (run.plan.length > 0 || (hasEnded(run.state) && run.state === 'SUCCEEDED')) ? (
        <PlanPanel
          run={run}
          columnName={columnName}
          boardLink={boardLink}
          ticketLink={ticketLink}
          onAccepted={() => void reload()}
        />
      ) : null}
    </div>
  );
}
