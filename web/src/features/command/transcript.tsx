import { ArrowUpRight } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Conversation, RunRow } from '~/gql/types';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { ActorAvatar } from '~/ui/actor';
import { AgentAvatar, providerName } from '~/ui/avatar';
import { classNames } from '~/ui/class-names';
import { ago, clock, dateTime, dollars } from '~/ui/format';
import { hasEnded, lookText, runLook } from '~/ui/run-look';
import { runTime } from '~/ui/run-text';
import { ScriptedBadge } from '~/ui/scripted-badge';

const text = messages.command;

interface Props {
  conversations: readonly Conversation[];
  /** The run as the live list has it, which is newer than the conversation's. */
  latest: (run: RunRow) => RunRow;
  /** What the run made: a plan to choose from, a summary. */
  outcome: (run: RunRow) => ReactNode;
  runLink: (run: RunRow, children: ReactNode, className: string) => ReactNode;
}

/** What was asked and what came of it, the newest conversation first. */
export function Transcript({ conversations, latest, outcome, runLink }: Props) {
  const anyAlive = conversations.some(({ runs }) => runs.some((run) => !hasEnded(latest(run).state)));
  const now = useNow(anyAlive ? 1_000 : 30_000);
  const isEmpty = conversations.every((conversation) => conversation.runs.length === 0);
  if (isEmpty) return <p className="text-center text-ink-3 text-xs">{text.noHistory}</p>;
  return (
    <ol className="space-y-8" aria-label={text.history}>
      {conversations.map((conversation) => (
        <li key={conversation.id} className="space-y-5">
          {conversation.runs.map((run) => (
            <Turn key={run.id} run={latest(run)} now={now} outcome={outcome} runLink={runLink} />
          ))}
        </li>
      ))}
    </ol>
  );
}

function Turn({ run, now, outcome, runLink }: { run: RunRow; now: number } & Pick<Props, 'outcome' | 'runLink'>) {
  const look = runLook(run.state);
  return (
    <div className="space-y-3">
      <div className="flex gap-2.5">
        <ActorAvatar actor={run.requestedBy} fallback={null} />
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-baseline gap-x-2 text-xs">
            <span className="font-semibold text-sm">{run.requestedBy.name}</span>
            <span className="text-ink-2">
              {run.mode === 'PLAN' ? text.plan : text.work}
              {run.ticket ? ` · ${run.ticket.key}` : ''}
            </span>
            <time dateTime={run.requestedAt} title={dateTime(run.requestedAt)} className="text-ink-3">
              {ago(run.requestedAt, now)}
            </time>
          </p>
          <p className="mt-0.5 whitespace-pre-line break-words text-base">{run.prompt || run.ticket?.title}</p>
        </div>
      </div>
      <div className="flex gap-2.5">
        <AgentAvatar provider={run.provider} />
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-center gap-x-2 text-xs">
            <span className="font-semibold text-sm">{providerName(run.provider)}</span>
            <span className={classNames('font-medium', lookText[look])}>{messages.states[run.state]}</span>
            <span className="font-mono text-ink-3">
              {clock(runTime(run, now))} · {dollars(run.costUsdMicros)}
            </span>
            {run.scripted ? <ScriptedBadge /> : null}
            {runLink(
              run,
              <>
                {text.openRun}
                <ArrowUpRight size={13} aria-hidden="true" />
              </>,
              'ml-auto inline-flex items-center gap-1 text-accent hover:underline',
            )}
          </p>
          {run.failure ? (
            <p className="mt-1 text-bad">
              {messages.failures[run.failure.reason]} {run.failure.message}
            </p>
          ) : null}
          {hasEnded(run.state) || run.mode === 'PLAN' ? <div className="mt-2">{outcome(run)}</div> : null}
        </div>
      </div>
    </div>
  );
}
