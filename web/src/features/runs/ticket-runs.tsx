import type { ReactNode } from 'react';
import type { RunRow } from '~/gql/types';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { providerName } from '~/ui/avatar';
import { classNames } from '~/ui/class-names';
import { ago, clock, dollars } from '~/ui/format';
import { hasEnded, lookText, runLook } from '~/ui/run-look';
import { runTime } from '~/ui/run-text';
import { Slice } from '~/ui/slice';
import { Stations } from '~/ui/stations';

interface Props {
  runs: readonly RunRow[];
  runLink: (run: RunRow, children: ReactNode, className: string) => ReactNode;
}

/** The runs of one ticket: the one that works in full, those that ended as lines. */
export function TicketRuns({ runs, runLink }: Props) {
  const now = useNow(
    1_000,
    runs.some((run) => !hasEnded(run.state)),
  );
  if (runs.length === 0) return null;
  return (
    <section aria-label={messages.ticket.runs} className="space-y-1.5">
      {runs.map((run) => {
        const look = runLook(run.state);
        const alive = look === 'alive' || look === 'asking';
        return (
          <div key={run.id}>
            {runLink(
              run,
              <>
                <span className="flex items-center gap-2">
                  <Slice look={look} reached={run.stationsReached} size={18} />
                  <span className={classNames('font-semibold', alive ? 'text-ink' : lookText[look])}>
                    {providerName(run.provider)} · {messages.modes[run.mode]} ·{' '}
                    {messages.states[run.state].toLowerCase()}
                  </span>
                  <span className="ml-auto font-mono text-ink-2 text-xs">
                    {clock(runTime(run, now))} · {dollars(run.costUsdMicros)}
                  </span>
                  <span className="w-12 text-right text-2xs text-ink-3">{ago(run.requestedAt, now)}</span>
                </span>
                {alive ? <Stations look={look} reached={run.stationsReached} className="mt-2.5" /> : null}
                {run.failure ? (
                  <span className="mt-1 block text-2xs text-bad">{messages.failures[run.failure.reason]}</span>
                ) : null}
              </>,
              classNames(
                'block rounded-lg border px-3 py-2.5 text-sm transition-colors duration-(--fast)',
                alive ? 'border-accent-line bg-accent-soft/60' : 'border-line hover:bg-hover',
              ),
            )}
          </div>
        );
      })}
    </section>
  );
}
