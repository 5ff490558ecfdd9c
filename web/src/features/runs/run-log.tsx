import { useVirtualizer } from '@tanstack/react-virtual';
import Anser from 'anser';
import { type UIEvent, useEffect, useMemo, useRef, useState } from 'react';
import type { RunEvent } from '~/gql/types';
import { messages } from '~/messages';
import { classNames } from '~/ui/class-names';
import { timeOfDay } from '~/ui/format';
import { ScrollRegion } from '~/ui/scroll-region';
import { type LogLine, logLines } from './log-lines';

const LINE_PX = 19;
const NEAR_END_PX = 40;

const looks: Record<LogLine['look'], string> = {
  command: 'text-ink font-medium',
  output: 'text-ink-2',
  quiet: 'text-ink-3',
  error: 'text-bad',
};

/** The sixteen colours of a terminal, as far as our tokens have them; the rest stays as the line is. */
const ansi: Readonly<Record<string, string>> = {
  'ansi-red': 'text-bad',
  'ansi-bright-red': 'text-bad',
  'ansi-green': 'text-ok',
  'ansi-bright-green': 'text-ok',
  'ansi-yellow': 'text-warn',
  'ansi-bright-yellow': 'text-warn',
  'ansi-blue': 'text-info',
  'ansi-bright-blue': 'text-info',
  'ansi-cyan': 'text-info',
  'ansi-bright-cyan': 'text-info',
  'ansi-magenta': 'text-rev',
  'ansi-bright-magenta': 'text-rev',
  'ansi-bright-black': 'text-ink-3',
};

export function AnsiText({ text }: { text: string }) {
  if (!text.includes('\u001b')) return text;
  return Anser.ansiToJson(text, { use_classes: true, remove_empty: true }).map((part, index) => (
    <span
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one line that never changes
      key={index}
      className={classNames(ansi[part.fg ?? ''], part.decorations?.includes('bold') && 'font-semibold')}
    >
      {part.content}
    </span>
  ));
}

export function RunLogPane({ events, live }: { events: readonly RunEvent[]; live: boolean }) {
  const lines = useMemo(() => logLines(events), [events]);
  const scroller = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(live);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => lines[index]?.key ?? index,
    overscan: 20,
  });
  useEffect(() => {
    if (follows && live && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follows, live, lines.length, virtualizer]);
  const onScroll = (event: UIEvent<HTMLDivElement>) => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
    setFollows(scrollHeight - scrollTop - clientHeight < NEAR_END_PX);
  };
  if (lines.length === 0) return <p className="px-5 py-8 text-center text-ink-3">{messages.runs.noLog}</p>;
  return (
    <ScrollRegion
      ref={scroller}
      onScroll={onScroll}
      label={messages.runs.log}
      className="h-full overflow-auto bg-sunken py-2 font-mono text-xs"
    >
      <div className="relative min-w-max" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          return (
            <div
              key={item.key}
              className="absolute top-0 left-0 flex h-[19px] whitespace-pre px-4 leading-[19px]"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <span className="mr-4 select-none text-ink-3">{timeOfDay(line.at)}</span>
              {line.digest ? (
                <a href={`/files/${line.digest}`} download className="text-accent underline">
                  {line.text}
                </a>
              ) : (
                <span className={looks[line.look]}>
                  <AnsiText text={line.text} />
                </span>
              )}
            </div>
          );
        })}
      </div>
    </ScrollRegion>
  );
}
