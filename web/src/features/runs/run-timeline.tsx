import { useVirtualizer } from '@tanstack/react-virtual';
import {
  ArrowDown,
  Brain,
  CircleAlert,
  FilePen,
  FileStack,
  GitCommitHorizontal,
  Hand,
  Info,
  type LucideIcon,
  MessageSquare,
  SquareTerminal,
  Wrench,
} from 'lucide-react';
import { type UIEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { RunDetail, RunEvent } from '~/gql/types';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { clock, dateTime, duration } from '~/ui/format';
import { hasEnded } from '~/ui/run-look';
import { ScrollRegion } from '~/ui/scroll-region';
import { durationOf, matches, type Step, type StepFilter, type StepKind, TimelineFold } from './timeline';

const text = messages.runs;
const NEAR_END_PX = 48;
const ROW_PX = 56;

const icons: Record<StepKind, LucideIcon> = {
  message: MessageSquare,
  thinking: Brain,
  command: SquareTerminal,
  edit: FilePen,
  tool: Wrench,
  note: Info,
  diff: GitCommitHorizontal,
  artifact: FileStack,
  asking: Hand,
  error: CircleAlert,
};

const filters: readonly { key: StepFilter; label: string }[] = [
  { key: 'everything', label: text.everything },
  { key: 'edits', label: text.edits },
  { key: 'commands', label: text.commands },
  { key: 'messages', label: text.thinking },
];

export function RunTimeline({ run, events }: { run: RunDetail; events: readonly RunEvent[] }) {
  const [fold] = useState(() => new TimelineFold());
  const [filter, setFilter] = useState<StepFilter>('everything');
  const steps = useMemo(() => fold.steps(events), [fold, events]);
  const shown = useMemo(
    () => steps.map((step, index) => ({ step, index })).filter(({ step }) => matches(step, filter)),
    [steps, filter],
  );
  const ended = hasEnded(run.state);
  const now = useNow(1_000, !ended);
  const startMs = Math.min(Date.parse(run.startedAt ?? run.requestedAt), steps[0]?.startMs ?? Number.POSITIVE_INFINITY);
  const endMs = run.endedAt ? Date.parse(run.endedAt) : now;

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <fieldset aria-label={text.filter} className="flex h-9 shrink-0 items-center gap-1 border-line border-b px-3">
        {filters.map(({ key, label }) => (
          <button
            key={key}
            type="button"
            aria-pressed={filter === key}
            onClick={() => setFilter(key)}
            className={classNames(
              'h-6 rounded-full px-2.5 text-xs',
              filter === key ? 'bg-hover font-semibold text-ink' : 'text-ink-2 hover:bg-hover',
            )}
          >
            {label}
          </button>
        ))}
        <span className="ml-auto font-mono text-2xs text-ink-3">{text.shown(shown.length, steps.length)}</span>
      </fieldset>
      {shown.length === 0 ? (
        <p className="px-5 py-8 text-center text-ink-3">
          {steps.length > 0 ? text.noneOfThese : run.state === 'QUEUED' ? text.noEventsQueued : text.noEvents}
        </p>
      ) : (
        <Steps shown={shown} steps={steps} startMs={startMs} endMs={endMs} live={!ended} />
      )}
    </div>
  );
}

interface StepsProps {
  shown: readonly { step: Step; index: number }[];
  steps: readonly Step[];
  startMs: number;
  endMs: number;
  live: boolean;
}

function Steps({ shown, steps, startMs, endMs, live }: StepsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(live);
  const virtualizer = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => shown[index]?.step.seq ?? index,
    overscan: 8,
  });
  const toEnd = useCallback(() => {
    virtualizer.scrollToIndex(shown.length - 1, { align: 'end' });
  }, [virtualizer, shown.length]);
  useEffect(() => {
    if (follows && live) toEnd();
  }, [follows, live, toEnd]);
  const onScroll = (event: UIEvent<HTMLDivElement>) => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
    setFollows(scrollHeight - scrollTop - clientHeight < NEAR_END_PX);
  };

  return (
    <div className="relative min-h-0 flex-1">
      <ScrollRegion
        ref={scroller}
        onScroll={onScroll}
        label={text.timeline}
        className="h-full overflow-y-auto"
        data-testid="timeline"
      >
        <ol className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map((item) => {
            const entry = shown[item.index];
            if (!entry) return null;
            return (
              <li
                key={item.key}
                ref={virtualizer.measureElement}
                data-index={item.index}
                data-seq={entry.step.seq}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <StepRow
                  step={entry.step}
                  durationMs={durationOf(steps, entry.index, endMs)}
                  startMs={startMs}
                  endMs={endMs}
                />
              </li>
            );
          })}
        </ol>
      </ScrollRegion>
      {live && !follows ? (
        <Button size="sm" className="absolute right-4 bottom-3 shadow-pop" onClick={toEnd}>
          <ArrowDown size={13} aria-hidden="true" />
          {text.jumpToEnd}
        </Button>
      ) : null}
    </div>
  );
}

interface RowProps {
  step: Step;
  durationMs: number;
  startMs: number;
  endMs: number;
}

const LEAST_BAR_PERCENT = 1.5;

function StepRow({ step, durationMs, startMs, endMs }: RowProps) {
  const Icon = icons[step.kind];
  const total = Math.max(1, endMs - startMs);
  const left = Math.min(100 - LEAST_BAR_PERCENT, Math.max(0, ((step.startMs - startMs) / total) * 100));
  const width = Math.min(100 - left, Math.max(LEAST_BAR_PERCENT, (durationMs / total) * 100));
  const prose = step.kind === 'message' || step.kind === 'thinking' || step.kind === 'error';
  return (
    <div
      className={classNames(
        'relative flex gap-3 px-4 py-2',
        step.kind === 'asking' && 'bg-warn-soft',
        step.running && 'bg-accent-soft/50',
      )}
    >
      <span aria-hidden="true" className="absolute top-0 bottom-0 left-[27px] w-px bg-line" />
      <span
        aria-hidden="true"
        className={classNames(
          'relative mt-0.5 flex size-6 shrink-0 items-center justify-center rounded-full border bg-surface',
          step.failed
            ? 'border-bad text-bad'
            : step.running
              ? 'border-accent-line text-accent'
              : step.kind === 'asking'
                ? 'border-warn text-warn'
                : 'border-line-strong text-ink-3',
        )}
      >
        <Icon size={12} />
      </span>
      <div className="min-w-0 flex-1">
        <p
          className={classNames(
            'break-words',
            prose ? 'line-clamp-4 whitespace-pre-line' : 'line-clamp-2',
            step.mono ? 'font-mono text-xs leading-5' : 'text-sm',
            step.kind === 'thinking' || step.kind === 'note' ? 'text-ink-2' : 'text-ink',
            step.kind === 'error' && 'text-bad',
          )}
        >
          {step.title}
        </p>
        {step.detail ? (
          <p className={classNames('truncate text-2xs', step.failed ? 'text-bad' : 'text-ink-3')}>{step.detail}</p>
        ) : null}
        <span aria-hidden="true" className="mt-1.5 block h-[3px] rounded-full bg-line">
          <span
            className={classNames(
              'block h-full rounded-full',
              step.failed ? 'bg-bad' : step.running ? 'conveyor' : 'bg-ink-3',
            )}
            style={{ marginLeft: `${left}%`, width: `${width}%` }}
          />
        </span>
      </div>
      <div className="shrink-0 text-right font-mono text-2xs leading-4">
        <time
          dateTime={new Date(step.startMs).toISOString()}
          title={dateTime(new Date(step.startMs).toISOString())}
          className="block text-ink-2"
        >
          {clock(step.startMs - startMs)}
        </time>
        <span className="block text-ink-3">{duration(durationMs)}</span>
      </div>
    </div>
  );
}
