import { Tabs } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import type { RunDetail, RunEvent, RunRow } from '~/gql/types';
import { useRunEvents } from '~/live/use-run-events';
import { messages } from '~/messages';
import { ErrorPanel, PanelBoundary } from '~/ui/error-panel';
import { bytes, count, dollars } from '~/ui/format';
import { Markdown } from '~/ui/markdown';
import { hasEnded } from '~/ui/run-look';
import { ScrollRegion } from '~/ui/scroll-region';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import { PlanPanel } from './plan-panel';
import { RunChanges } from './run-changes';
import { RunHeader } from './run-header';
import { RunLogPane } from './run-log';
import { RunTimeline } from './run-timeline';
import { useRun } from './use-run';

const text = messages.runs;

interface Props {
  runId: string;
  /** What the live list of runs says of it. */
  row: RunRow | undefined;
  theme: 'light' | 'dark';
  columnName: (key: string) => string;
  boardLink: ReactNode;
  ticketLink: (key: string) => ReactNode;
}

export function RunPage({ runId, row, ...rest }: Props) {
  const { events, load, retry: retryEvents } = useRunEvents(runId);
  const { run, error, retry, reload } = useRun(runId, row, events);
  if (!run) {
    if (error) return <ErrorPanel title={messages.outcome.panelFailed} error={error} onRetry={retry} />;
    return (
      <AfterAMoment>
        <div className="space-y-4 p-5">
          <Skeleton className="h-10 w-1/2" />
          <Skeleton className="h-4" />
          <Skeleton className="h-80" />
        </div>
      </AfterAMoment>
    );
  }
  return (
    <div className="flex h-full flex-col max-[899px]:h-auto max-[899px]:min-h-full">
      <RunHeader run={run} ticketLink={run.ticket ? rest.ticketLink(run.ticket.key) : null} />
      {run.failure ? (
        <p role="alert" className="shrink-0 border-line border-b bg-bad-soft px-5 py-2 text-bad text-xs">
          <strong className="font-semibold">{messages.failures[run.failure.reason]}</strong> {run.failure.message}
        </p>
      ) : null}
      <div className="flex min-h-0 flex-1 max-[899px]:flex-col">
        <div className="flex min-h-0 flex-[5] flex-col border-line border-r max-[899px]:h-[55vh] max-[899px]:flex-none max-[899px]:border-r-0 max-[899px]:border-b">
          <PanelBoundary>
            {load.status === 'failed' ? (
              <ErrorPanel title={messages.outcome.panelFailed} error={load.error} onRetry={retryEvents} />
            ) : (
              <RunTimeline run={run} events={events} />
            )}
          </PanelBoundary>
        </div>
        <div className="flex min-h-0 min-w-0 flex-[8] flex-col max-[899px]:h-[80vh] max-[899px]:flex-none">
          <RunTabs run={run} events={events} onAccepted={() => void reload()} {...rest} />
        </div>
      </div>
    </div>
  );
}

const trigger =
  'relative -mb-px flex h-9 items-center gap-1.5 border-transparent border-b-2 px-0.5 text-ink-2 text-xs hover:text-ink data-[state=active]:border-accent-line data-[state=active]:font-semibold data-[state=active]:text-ink';
const panel = 'min-h-0 flex-1 overflow-hidden outline-none data-[state=inactive]:hidden';

interface TabsProps extends Pick<Props, 'theme' | 'columnName' | 'boardLink' | 'ticketLink'> {
  run: RunDetail;
  events: readonly RunEvent[];
  onAccepted: () => void;
}

function RunTabs({ run, events, theme, columnName, boardLink, ticketLink, onAccepted }: TabsProps) {
  const isPlan = run.mode === 'PLAN';
  const [tab, setTab] = useState(isPlan ? 'plan' : 'changes');
  return (
    <Tabs.Root value={tab} onValueChange={setTab} className="flex min-h-0 flex-1 flex-col">
      <Tabs.List className="flex shrink-0 gap-5 border-line border-b px-4">
        {isPlan ? (
          <Tabs.Trigger value="plan" className={trigger}>
            {text.plan} <Tally value={run.plan.length} />
          </Tabs.Trigger>
        ) : null}
        <Tabs.Trigger value="changes" className={trigger}>
          {text.changes} <Tally value={run.diff?.files.length ?? 0} />
        </Tabs.Trigger>
        <Tabs.Trigger value="log" className={trigger}>
          {text.log}
        </Tabs.Trigger>
        <Tabs.Trigger value="usage" className={trigger}>
          {text.usage}
        </Tabs.Trigger>
        <Tabs.Trigger value="artifacts" className={trigger}>
          {text.artifacts} <Tally value={run.artifacts.length} />
        </Tabs.Trigger>
      </Tabs.List>
      {isPlan ? (
        <Tabs.Content value="plan" className={panel} tabIndex={-1}>
          <Scrolled label={text.plan}>
            {run.summary ? <Summary run={run} /> : null}
            <PlanPanel
              run={run}
              columnName={columnName}
              boardLink={boardLink}
              ticketLink={ticketLink}
              onAccepted={onAccepted}
            />
          </Scrolled>
        </Tabs.Content>
      ) : null}
      <Tabs.Content value="changes" className={panel} tabIndex={-1}>
        <PanelBoundary>
          <RunChanges run={run} events={events} theme={theme} />
        </PanelBoundary>
      </Tabs.Content>
      <Tabs.Content value="log" className={panel} tabIndex={-1}>
        <PanelBoundary>
          <RunLogPane events={events} live={!hasEnded(run.state)} />
        </PanelBoundary>
      </Tabs.Content>
      <Tabs.Content value="usage" className={panel} tabIndex={-1}>
        <Scrolled label={text.usage}>
          <UsageTable run={run} />
          {isPlan || !run.summary ? null : <Summary run={run} />}
          {run.prompt ? (
            <section className="mt-5">
              <h3 className="mb-1 font-semibold text-ink-2 text-xs">{text.prompt}</h3>
              <Markdown text={run.prompt} />
            </section>
          ) : null}
        </Scrolled>
      </Tabs.Content>
      <Tabs.Content value="artifacts" className={panel} tabIndex={-1}>
        <Scrolled label={text.artifacts}>
          <Artifacts run={run} />
        </Scrolled>
      </Tabs.Content>
    </Tabs.Root>
  );
}

const Tally = ({ value }: { value: number }) =>
  value > 0 ? <span className="font-normal text-ink-3 tabular-nums">{value}</span> : null;

function Scrolled({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ScrollRegion label={label} className="h-full overflow-y-auto p-4">
      {children}
    </ScrollRegion>
  );
}

function Summary({ run }: { run: RunDetail }) {
  return (
    <section className="mb-4">
      <h3 className="mb-1 font-semibold text-ink-2 text-xs">{text.summary}</h3>
      <Markdown text={run.summary ?? ''} />
    </section>
  );
}

function UsageTable({ run }: { run: RunDetail }) {
  const rows: readonly (readonly [string, string])[] = [
    [text.cost, dollars(run.costUsdMicros)],
    [text.tokens, text.tokensIn(count(run.usage.inputTokens))],
    ['', text.tokensCached(count(run.usage.cachedInputTokens))],
    ['', text.tokensOut(count(run.usage.outputTokens))],
  ];
  return (
    <table className="w-full max-w-sm text-sm">
      <tbody>
        {rows.map(([label, value]) => (
          <tr key={value} className="border-line border-b">
            <th scope="row" className="py-1.5 text-left font-normal text-ink-2 first-letter:uppercase">
              {label}
            </th>
            <td className="py-1.5 text-right font-mono">{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Artifacts({ run }: { run: RunDetail }) {
  if (run.artifacts.length === 0) return <p className="py-4 text-center text-ink-3">{text.noArtifacts}</p>;
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line">
      {run.artifacts.map((artifact) => (
        <li key={artifact.id} className="flex items-center gap-3 bg-surface px-3 py-2">
          <a
            href={`/files/${artifact.digest}`}
            download={artifact.name}
            className="min-w-0 flex-1 truncate font-mono text-accent text-xs hover:underline"
          >
            {artifact.name}
          </a>
          <span className="text-2xs text-ink-3">{artifact.mime}</span>
          <span className="font-mono text-2xs text-ink-2">{bytes(artifact.sizeBytes)}</span>
          <span className="font-mono text-2xs text-ink-3" title={artifact.digest}>
            {artifact.digest.slice(0, 12)}
          </span>
        </li>
      ))}
    </ul>
  );
}
