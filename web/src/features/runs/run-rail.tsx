import { SquareTerminal } from 'lucide-react';
import type { ReactNode } from 'react';
import type { RunRow } from '~/gql/types';
import { useNow } from '~/live/use-now';
import { useRunEvents } from '~/live/use-run-events';
import type { LiveRuns } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { AgentAvatar } from '~/ui/avatar';
import { Blankslate } from '~/ui/blankslate';
import { classNames } from '~/ui/class-names';
import { ErrorPanel } from '~/ui/error-panel';
import { clock, dollars, timeOfDay } from '~/ui/format';
import { hasEnded, lookText, runLook } from '~/ui/run-look';
import { runTime, runTitle } from '~/ui/run-text';
import { Slice } from '~/ui/slice';
import { Stations } from '~/ui/stations';
import { logLines } from './log-lines';
import { AnsiText } from './run-log';

const text = messages.command;
const SHOWN = 6;
const TAIL_LINES = 12;

interface Props {
  live: LiveRuns;
  runLink: (run: RunRow, children: ReactNode, className: string) => ReactNode;
  allRuns: ReactNode;
}

/** What is on the line: the newest runs, and the last words of the one that works. */
export function RunRail({ live, runLink, allRuns }: Props) {
  const { runs, load, retry } = live;
  const alive = runs.filter((run) => runLook(run.state) === 'alive');
  const now = useNow(1_000, alive.length > 0);
  const shown = [...alive, ...runs.filter((run) => runLook(run.state) !== 'alive')].slice(0, SHOWN);
  if (load.status === 'failed') {
    return <ErrorPanel title={messages.outcome.panelFailed} error={load.error} onRetry={retry} />;
  }
  return (
    <>
      <div className="flex h-11 shrink-0 items-center gap-2 px-4">
        <h2 className="font-semibold text-sm">{text.rail}</h2>
        {alive.length > 0 ? <span className="text-2xs text-ink-3">{text.live(alive.length)}</span> : null}
        <div className="flex-1" />
        {allRuns}
      </div>
      {load.status === 'ready' && runs.length === 0 ? (
        <Blankslate compact title={text.noRuns} lead={text.noRunsLead} />
      ) : (
        <ul className="space-y-2 px-3 pb-3">
          {shown.map((run) => (
            <li key={run.id}>{runLink(run, <RailCard run={run} now={now} />, railCard)}</li>
          ))}
        </ul>
      )}
      {alive[0] ? <LiveTail run={alive[0]} /> : null}
    </>
  );
}

const railCard =
  'block rounded-[10px] border border-line bg-surface p-2.5 shadow-card transition-colors duration-(--fast) hover:border-line-strong';

function RailCard({ run, now }: { run: RunRow; now: number }) {
  const look = runLook(run.state);
  const words =
    look === 'asking'
      ? text.needsYou
      : run.failure
        ? messages.shortFailures[run.failure.reason]
        : messages.states[run.state];
  return (
    <>
      <span className="flex items-center gap-2">
        <Slice look={look} reached={run.stationsReached} />
        <span className="truncate font-medium">{runTitle(run)}</span>
      </span>
      <span className="mt-1.5 flex items-center gap-2 text-2xs text-ink-3">
        <AgentAvatar provider={run.provider} size={18} />
        <span className={classNames('truncate', run.ticket && 'font-mono')}>
          {run.ticket?.key ?? messages.modes[run.mode]}
        </span>
        <span className={classNames('truncate', lookText[look])}>{words}</span>
        <span className="ml-auto shrink-0 font-mono text-ink-2">
          {clock(runTime(run, now))} · {dollars(run.costUsdMicros)}
        </span>
      </span>
      <Stations look={look} reached={run.stationsReached} className="mt-2" />
    </>
  );
}

function LiveTail({ run }: { run: RunRow }) {
  const { events } = useRunEvents(run.id);
  const lines = logLines(events.slice(-TAIL_LINES * 2)).slice(-TAIL_LINES);
  const newest = events.at(-1);
  return (
    <section aria-label={text.liveOutput} className="border-line border-t">
      <h3 className="flex h-9 items-center gap-2 px-4 text-2xs text-ink-3">
        <SquareTerminal size={13} aria-hidden="true" />
        <span className="font-mono font-semibold text-ink">{run.ticket?.key ?? messages.modes[run.mode]}</span>
        {text.liveOutput}
        <span aria-hidden="true" className="live-dot ml-auto size-1.5 rounded-full bg-accent-line" />
      </h3>
      <div className="px-4 pb-4 font-mono text-2xs leading-[18px]">
        {lines.length === 0 ? (
          <p className="text-ink-3">{newest ? newest.text : text.waitingForOutput}</p>
        ) : (
          lines.map((line) => (
            <p key={line.key} className="truncate text-ink-2">
              <span className="mr-2 text-ink-3">{timeOfDay(line.at)}</span>
              <AnsiText text={line.text} />
            </p>
          ))
        )}
        {hasEnded(run.state) ? null : <span aria-hidden="true" className="inline-block h-3 w-1.5 bg-accent-line" />}
      </div>
    </section>
  );
}
