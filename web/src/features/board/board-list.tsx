import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, ChevronDown, ChevronRight } from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';
import type { Card } from '~/gql/types';
import type { BoardStore } from '~/live/board-store';
import { useCard } from '~/live/use-board-changes';
import { messages } from '~/messages';
import { AgentAvatar, EmptyAvatar, PersonAvatar, providerName } from '~/ui/avatar';
import { classNames } from '~/ui/class-names';
import { useDensity } from '~/ui/density';
import { dollars } from '~/ui/format';
import { KindIcon } from '~/ui/kind-icon';
import { LabelDot } from '~/ui/labels';
import { PriorityMark } from '~/ui/priority';
import { lookText, runLook } from '~/ui/run-look';
import type { CardActions } from './board-card';
import { useBoardHand, useIsFocusStop, useWanted } from './board-hand';
import { useIsChosen } from './board-selection';
import type { BoardView, SortKind } from './board-view';
import { CardMenu } from './card-menu';
import type { ListRow } from './list-rows';

const text = messages.view;
const OVERSCAN = 12;
const ROW_PX = { comfortable: 36, compact: 32 };
const SHOWN_LABELS = 3;

/** The same tracks in the head and in every row. On a phone the last three go. */
const tracks =
  'grid grid-cols-[18px_68px_minmax(0,1fr)_28px_28px] items-center gap-2 px-4 min-[900px]:grid-cols-[20px_84px_minmax(0,1fr)_180px_72px_140px_32px] min-[900px]:gap-3';
const wide = 'max-[899px]:hidden';

interface Props {
  store: BoardStore;
  rows: readonly ListRow[];
  view: BoardView;
  onSort: (sort: SortKind) => void;
  isCollapsed: (columnKey: string) => boolean;
  onToggle: (columnKey: string) => void;
  actions: CardActions;
}

export function BoardList({ store, rows, view, onSort, isCollapsed, onToggle, actions }: Props) {
  const hand = useBoardHand();
  const scroller = useRef<HTMLDivElement>(null);
  const rowPx = ROW_PX[useDensity()];
  const indexOf = (ticketId: string) => rows.findIndex((row) => row.kind === 'ticket' && row.ticketId === ticketId);
  const wanted = useWanted((ticketId) => (ticketId !== null && indexOf(ticketId) >= 0 ? ticketId : null));
  const firstTicket = rows.findIndex((row) => row.kind === 'ticket');
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => {
      const row = rows[index];
      return row?.kind === 'ticket' ? row.ticketId : (row?.columnKey ?? index);
    },
    overscan: OVERSCAN,
    rangeExtractor: (range) => {
      // The row with the focus, or that is to have it, stays rendered however far the list is scrolled.
      const kept = [wanted, hand.focused()].map((ticketId) => (ticketId ? indexOf(ticketId) : -1));
      return [...new Set([...defaultRangeExtractor(range), ...kept.filter((index) => index >= 0)])].sort(
        (a, b) => a - b,
      );
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rows' height is measured anew when the density changes
  useEffect(() => virtualizer.measure(), [rowPx, virtualizer]);
  useEffect(() => {
    const index = wanted ? rows.findIndex((row) => row.kind === 'ticket' && row.ticketId === wanted) : -1;
    if (index >= 0) virtualizer.scrollToIndex(index, { align: 'auto' });
  }, [wanted, rows, virtualizer]);

  const head = (sort: SortKind, label: string, className?: string) => (
    <Head label={label} sort={sort} view={view} onSort={onSort} className={className} />
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table cannot hold rows that are placed one by one
    <div
      role="grid"
      aria-label={text.list}
      aria-rowcount={rows.length + 1}
      aria-multiselectable="true"
      className="flex min-h-0 flex-1 flex-col"
      data-testid="list"
    >
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: its buttons take the focus */}
      <div role="row" aria-rowindex={1} className={classNames(tracks, 'h-9 shrink-0 border-line border-b text-2xs')}>
        {head('priority', text.columns.priority)}
        {head('key', text.columns.key)}
        {head('title', text.columns.title)}
        <HeadCell className={wide}>{text.columns.labels}</HeadCell>
        {head('cost', text.columns.cost, wide)}
        {head('assignee', text.columns.assignee)}
        <HeadCell>
          <span className="sr-only">{text.columns.actions}</span>
        </HeadCell>
      </div>
      <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto">
        <div className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const style = { height: rowPx, transform: `translateY(${item.start}px)` };
            return row.kind === 'ticket' ? (
              <TicketRow
                key={item.key}
                store={store}
                ticketId={row.ticketId}
                index={item.index}
                isFirst={item.index === firstTicket}
                top={item.start}
                height={rowPx}
                actions={actions}
              />
            ) : (
              // biome-ignore lint/a11y/useSemanticElements: as above
              // biome-ignore lint/a11y/useFocusableInteractive: its button takes the focus
              <div
                key={item.key}
                role="row"
                aria-rowindex={item.index + 2}
                className="absolute inset-x-0 top-0 flex items-center bg-sunken px-4"
                style={style}
              >
                {/* biome-ignore lint/a11y/useSemanticElements: as above */}
                {/* biome-ignore lint/a11y/useFocusableInteractive: as above */}
                <div role="gridcell" aria-colspan={7}>
                  <button
                    type="button"
                    aria-expanded={!isCollapsed(row.columnKey)}
                    className="flex items-center gap-2 rounded-sm text-xs"
                    onClick={() => onToggle(row.columnKey)}
                  >
                    {isCollapsed(row.columnKey) ? (
                      <ChevronRight size={14} aria-hidden="true" />
                    ) : (
                      <ChevronDown size={14} aria-hidden="true" />
                    )}
                    <span className="font-semibold">{row.name}</span>
                    <span className="text-ink-3 tabular-nums">{row.count}</span>
                  </button>
                </div>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function HeadCell({ className, children }: { className?: string; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: as above
    <div role="columnheader" className={classNames('text-ink-3', className)}>
      {children}
    </div>
  );
}

function Head({
  label,
  sort,
  view,
  onSort,
  className,
}: {
  label: string;
  sort: SortKind;
  view: BoardView;
  onSort: (sort: SortKind) => void;
  className?: string | undefined;
}) {
  const isSorted = view.sort === sort;
  const Arrow = view.descending ? ArrowDown : ArrowUp;
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: as above
    <div
      role="columnheader"
      aria-sort={isSorted ? (view.descending ? 'descending' : 'ascending') : 'none'}
      className={className}
    >
      <button
        type="button"
        className={classNames(
          'inline-flex max-w-full items-center gap-1 rounded-sm hover:text-ink',
          isSorted ? 'font-semibold text-ink' : 'text-ink-3',
        )}
        onClick={() => onSort(sort)}
      >
        <span className={sort === 'priority' ? 'sr-only' : 'truncate'}>{label}</span>
        {sort === 'priority' && !isSorted ? <PriorityMark level="HIGH" /> : null}
        {isSorted ? <Arrow size={12} aria-hidden="true" className="shrink-0" /> : null}
      </button>
    </div>
  );
}

interface RowProps {
  store: BoardStore;
  ticketId: string;
  index: number;
  isFirst: boolean;
  top: number;
  height: number;
  actions: CardActions;
}

const TicketRow = memo(function TicketRow({ store, ticketId, index, isFirst, top, height, actions }: RowProps) {
  const card = useCard(store, ticketId);
  const hand = useBoardHand();
  const element = useRef<HTMLDivElement>(null);
  const [menuOpen, setMenuOpen] = useState(false);
  const isStop = useIsFocusStop(ticketId, isFirst);
  const isWanted = useWanted((wanted) => wanted === ticketId);
  const isChosen = useIsChosen(ticketId);
  useEffect(() => {
    if (isWanted) element.current?.focus({ preventScroll: true });
  }, [isWanted]);
  if (!card) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table cannot hold rows that are placed one by one
    <div
      ref={element}
      role="row"
      tabIndex={isStop ? 0 : -1}
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      aria-describedby="list-hint"
      data-card={card.key}
      data-chosen={isChosen || undefined}
      onFocus={() => hand.focus(ticketId)}
      onKeyDown={(event) => actions.keys(event, ticketId, () => setMenuOpen(true))}
      onClick={(event) => {
        if (card.key !== '' && !event.defaultPrevented && !actions.choose(event, ticketId)) actions.open(card.key);
      }}
      className={classNames(
        tracks,
        'group -outline-offset-2 absolute inset-x-0 top-0 cursor-pointer select-none border-line border-b text-sm hover:bg-hover',
        isChosen && 'bg-accent-soft [--text-3:var(--text-2)]',
      )}
      style={{ height, transform: `translateY(${top}px)` }}
    >
      <Cell>
        <PriorityMark level={card.priority} />
      </Cell>
      <Cell className="truncate font-mono text-2xs text-ink-3">{card.key || messages.board.adding}</Cell>
      <Cell className="flex min-w-0 items-center gap-2">
        {card.kind === 'TASK' ? null : <KindIcon kind={card.kind} size={13} />}
        <span className="min-w-0 truncate font-medium">{card.title}</span>
        <RunState card={card} />
      </Cell>
      <Cell className={classNames('flex min-w-0 gap-2.5 overflow-hidden', wide)}>
        {card.labels.slice(0, SHOWN_LABELS).map((label) => (
          <LabelDot key={label} label={label} />
        ))}
      </Cell>
      <Cell className={classNames('font-mono text-2xs text-ink-2', wide)}>
        {card.costUsdMicros > 0 ? dollars(card.costUsdMicros) : null}
      </Cell>
      <Cell className="flex min-w-0 items-center gap-2 text-xs">
        {card.delegate ? <AgentAvatar provider={card.delegate.provider} /> : null}
        {card.assignee ? (
          <>
            <PersonAvatar id={card.assignee.id} name={card.assignee.name} />
            <span aria-hidden="true" className={classNames('truncate text-ink-2', wide)}>
              {card.assignee.name}
            </span>
          </>
        ) : card.delegate ? null : (
          <EmptyAvatar />
        )}
      </Cell>
      <Cell>
        {card.key === '' ? null : (
          <CardMenu
            store={store}
            card={card}
            actions={actions}
            isChosen={isChosen}
            open={menuOpen}
            onOpenChange={setMenuOpen}
            tabIndex={isStop ? 0 : -1}
          />
        )}
      </Cell>
    </div>
  );
});

function RunState({ card }: { card: Card }) {
  if (!card.run) return null;
  const look = runLook(card.run.state);
  return (
    <span className={classNames('shrink-0 truncate text-2xs', lookText[look], wide)}>
      {messages.board.runLine(providerName(card.run.provider), messages.states[card.run.state].toLowerCase())}
    </span>
  );
}

function Cell({ className, children }: { className?: string; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    // biome-ignore lint/a11y/useFocusableInteractive: the row takes the focus
    <div role="gridcell" className={className}>
      {children}
    </div>
  );
}
