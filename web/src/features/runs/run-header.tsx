import { CircleStop, Coins, FileDiff, GitBranch, Hash, Timer } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { CancelRunDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { RunDetail } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { AgentAvatar, providerName } from '~/ui/avatar';
import { Button } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { clock, count, dollars, exactDollars } from '~/ui/format';
import { tellFailure } from '~/ui/outcome';
import { hasEnded, lookText, runLook } from '~/ui/run-look';
import { runTime, runTitle } from '~/ui/run-text';
import { ScriptedBadge } from '~/ui/scripted-badge';
import { Slice } from '~/ui/slice';
import { type StationState, stationStates } from '~/ui/stations';

const text = messages.runs;

export function RunHeader({ run, ticketLink }: { run: RunDetail; ticketLink: ReactNode }) {
  const ended = hasEnded(run.state);
  const now = useNow(1_000, !ended);
  const look = runLook(run.state);
  return (
    <header className="shrink-0 border-line border-b px-5 pt-3 pb-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Slice look={look} reached={run.stationsReached} size={24} />
        <div className="min-w-0 flex-1 basis-64">
          <h2 className="truncate font-display font-semibold text-[17px] leading-6 tracking-[-0.01em]">
            {runTitle(run)}
          </h2>
          <p className="flex min-w-0 flex-wrap items-center gap-x-2 text-ink-2 text-xs">
            {ticketLink}
            <AgentAvatar provider={run.provider} size={18} />
            <span>
              {providerName(run.provider)} · {messages.modes[run.mode]}
            </span>
            <span className={classNames('font-medium', lookText[look])} data-testid="run-state">
              {messages.states[run.state]}
            </span>
            {run.branch ? (
              <span className="inline-flex min-w-0 items-center gap-1 font-mono text-ink-3">
                <GitBranch size={12} aria-hidden="true" className="shrink-0" />
                <span className="truncate">{run.branch}</span>
              </span>
            ) : null}
            {run.scripted ? <ScriptedBadge /> : null}
          </p>
        </div>
        <dl className="mx-3 flex flex-wrap items-center gap-x-5 gap-y-1">
          <Figure icon={<Timer size={14} aria-hidden="true" />} value={clock(runTime(run, now))} label={text.elapsed} />
          <Figure
            icon={<Coins size={14} aria-hidden="true" />}
            value={dollars(run.costUsdMicros)}
            label={run.maxCostUsdMicros === null ? text.cost : text.costOf(dollars(run.maxCostUsdMicros))}
          />
          <Figure
            icon={<Hash size={14} aria-hidden="true" />}
            value={count(run.usage.inputTokens + run.usage.outputTokens)}
            label={text.tokens}
          />
          {run.diff ? (
            <Figure
              icon={<FileDiff size={14} aria-hidden="true" />}
              value={`+${run.diff.additions} −${run.diff.deletions}`}
              label={text.files(run.diff.files.length)}
            />
          ) : null}
        </dl>
        {ended ? null : <StopButton run={run} />}
      </div>
      <StationRail run={run} />
      {run.failure?.reason === 'BUDGET' ? <BudgetLine run={run} message={run.failure.message} /> : null}
    </header>
  );
}

/** Which budget stopped the run, and what it had come to. */
function BudgetLine({ run, message }: { run: RunDetail; message: string }) {
  return (
    <p
      data-testid="budget-line"
      className="mt-2.5 flex flex-wrap items-center gap-x-2 rounded-md bg-warn-soft px-3 py-2 text-warn text-xs"
    >
      <Coins size={14} aria-hidden="true" className="shrink-0" />
      <span className="min-w-0 flex-1">{message}</span>
      <span className="font-mono">{exactDollars(run.costUsdMicros)}</span>
    </p>
  );
}

function Figure({ icon, value, label }: { icon: ReactNode; value: string; label: string }) {
  return (
    <div className="flex flex-col-reverse items-end leading-4">
      <dt className="text-2xs text-ink-3">{label}</dt>
      <dd className="inline-flex items-center gap-1.5 font-medium font-mono text-sm">
        <span className="text-ink-3">{icon}</span>
        {value}
      </dd>
    </div>
  );
}

function StopButton({ run }: { run: RunDetail }) {
  const [asked, setAsked] = useState(false);
  const stopping = asked || run.cancelRequested;
  const stop = async () => {
    setAsked(true);
    const input = { commandId: newCommandId(), runId: run.id };
    try {
      await sendUntilAnswered(() => request(CancelRunDocument, { input }));
    } catch (cause) {
      setAsked(false);
      tellFailure(text.stopFailed, cause);
    }
  };
  return (
    <Button look="danger" disabled={stopping} onClick={() => void stop()}>
      <CircleStop size={15} aria-hidden="true" />
      {stopping ? text.stopping : text.stop}
    </Button>
  );
}

const words: Record<StationState, string> = {
  done: text.stationState.done,
  live: text.stationState.live,
  asking: messages.states.WAITING,
  failed: text.stationState.failed,
  ahead: text.stationState.ahead,
};

const bars: Record<StationState, string> = {
  done: 'bg-accent-line',
  live: 'conveyor',
  asking: 'bg-warn',
  failed: 'bg-bad',
  ahead: 'bg-line',
};

function StationRail({ run }: { run: RunDetail }) {
  const states = stationStates(runLook(run.state), run.stationsReached);
  return (
    <ol className="mt-3 flex gap-1.5">
      {states.map((state, index) => {
        const name = messages.stations[index] ?? '';
        return (
          <li key={name} className="min-w-0 flex-1">
            <span aria-hidden="true" className={classNames('block h-[5px] rounded-full', bars[state])} />
            <span
              className={classNames(
                'mt-1 block truncate text-2xs',
                state === 'live' ? 'font-medium text-accent' : state === 'failed' ? 'text-bad' : 'text-ink-3',
              )}
            >
              <span className="sr-only">{text.station(name, words[state])}</span>
              <span aria-hidden="true">
                {state === 'done' ? '✓ ' : ''}
                {name}
              </span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
