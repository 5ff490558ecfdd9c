import { type ReactNode, useState } from 'react';
import type { RunRow } from '~/gql/types';
import { useNow } from '~/live/use-now';
import type { LiveRuns } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { AgentAvatar, providerName } from '~/ui/avatar';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { ErrorPanel } from '~/ui/error-panel';
import { ago, clock, dateTime, dollars } from '~/ui/format';
import { tellFailure } from '~/ui/outcome';
import { hasEnded, lookText, runLook } from '~/ui/run-look';
import { runTime, runTitle } from '~/ui/run-text';
import { ScriptedBadge } from '~/ui/scripted-badge';
import { ScrollRegion } from '~/ui/scroll-region';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import { Slice } from '~/ui/slice';
import { Stations } from '~/ui/stations';

const text = messages.runs;

interface Props {
  live: LiveRuns;
  runLink: (run: RunRow, children: ReactNode) => ReactNode;
  whenEmpty: ReactNode;
}

export function RunListPage({ live, runLink, whenEmpty }: Props) {
  const { runs, load, retry, hasMore, loadMore } = live;
  const [loading, setLoading] = useState(false);
  const anyAlive = runs.some((run) => !hasEnded(run.state));
  const now = useNow(anyAlive ? 1_000 : 30_000);

  if (load.status === 'failed') {
    return <ErrorPanel title={messages.outcome.panelFailed} error={load.error} onRetry={retry} />;
  }
  if (load.status === 'loading') {
    return (
      <AfterAMoment>
        <div className="space-y-2 p-5">
          {[0, 1, 2, 3, 4].map((row) => (
            <Skeleton key={row} className="h-13" />
          ))}
        </div>
      </AfterAMoment>
    );
  }
  if (runs.length === 0) return <Blankslate title={text.emptyTitle} lead={text.emptyLead} action={whenEmpty} />;

  const more = async () => {
    setLoading(true);
    try {
      await loadMore();
    } catch (cause) {
      tellFailure(messages.outcome.panelFailed, cause);
    } finally {
      setLoading(false);
    }
  };
  return (
    <ScrollRegion label={text.list} className="h-full overflow-y-auto p-5">
      <table className="w-full border-separate border-spacing-0 overflow-hidden rounded-lg border border-line bg-surface">
        <thead className="text-left text-2xs text-ink-3">
          <tr>
            <Th>{text.columns.run}</Th>
            <Th>{text.columns.agent}</Th>
            <Th className="w-44 max-[1100px]:hidden">{text.columns.stations}</Th>
            <Th>{text.columns.state}</Th>
            <Th className="text-right">{text.columns.cost}</Th>
            <Th className="text-right max-[700px]:hidden">{text.columns.time}</Th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Row key={run.id} run={run} now={now} runLink={runLink} />
          ))}
        </tbody>
      </table>
      {hasMore ? (
        <div className="mt-3 flex justify-center">
          <Button disabled={loading} onClick={() => void more()}>
            {text.more}
          </Button>
        </div>
      ) : null}
    </ScrollRegion>
  );
}

const Th = ({ children, className }: { children: ReactNode; className?: string }) => (
  <th scope="col" className={classNames('bg-sunken px-3 py-2 font-medium', className)}>
    {children}
  </th>
);

const cell = 'border-line border-t px-3 py-2.5 align-middle';

function Row({ run, now, runLink }: { run: RunRow; now: number; runLink: Props['runLink'] }) {
  const look = runLook(run.state);
  return (
    <tr className="relative hover:bg-hover" data-run={run.id}>
      <td className={classNames(cell, 'max-w-0 w-full')}>
        <div className="flex items-center gap-3">
          <Slice look={look} reached={run.stationsReached} size={18} />
          <div className="min-w-0 flex-1">
            {runLink(
              run,
              <span className="block truncate font-medium text-ink after:absolute after:inset-0">{runTitle(run)}</span>,
            )}
            <p className="flex items-center gap-2 text-2xs text-ink-3">
              {run.ticket ? <span className="font-mono">{run.ticket.key}</span> : null}
              <span className="truncate">{text.requestedBy(run.requestedBy.name)}</span>
              {run.scripted ? <ScriptedBadge /> : null}
            </p>
          </div>
        </div>
      </td>
      <td className={classNames(cell, 'whitespace-nowrap text-ink-2')}>
        <span className="inline-flex items-center gap-2">
          <AgentAvatar provider={run.provider} size={18} />
          <span className="max-[700px]:sr-only">
            {providerName(run.provider)} · {messages.modes[run.mode]}
          </span>
        </span>
      </td>
      <td className={classNames(cell, 'max-[1100px]:hidden')}>
        <Stations look={look} reached={run.stationsReached} />
      </td>
      <td className={classNames(cell, 'whitespace-nowrap font-medium', lookText[look])}>
        {messages.states[run.state]}
        {run.failure ? (
          <span className="block font-normal text-2xs">{messages.shortFailures[run.failure.reason]}</span>
        ) : null}
      </td>
      <td className={classNames(cell, 'text-right font-mono text-xs')}>{dollars(run.costUsdMicros)}</td>
      <td className={classNames(cell, 'whitespace-nowrap text-right font-mono text-xs max-[700px]:hidden')}>
        {clock(runTime(run, now))}
        <time
          dateTime={run.requestedAt}
          title={dateTime(run.requestedAt)}
          className="block font-sans text-2xs text-ink-3"
        >
          {ago(run.requestedAt, now)}
        </time>
      </td>
    </tr>
  );
}
