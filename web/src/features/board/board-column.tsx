import { combine } from '@atlaskit/pragmatic-drag-and-drop/combine';
import { dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import { autoScrollForElements } from '@atlaskit/pragmatic-drag-and-drop-auto-scroll/element';
import { extractClosestEdge } from '@atlaskit/pragmatic-drag-and-drop-hitbox/closest-edge';
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { Ellipsis, ListChecks, Plus } from 'lucide-react';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { BoardStore, BoardColumn as Column } from '~/live/board-store';
import { messages } from '~/messages';
import { IconButton } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { useDensity } from '~/ui/density';
import { Menu, MenuItem } from '~/ui/menu';
import { BoardCard, type CardActions } from './board-card';
import { useLifted, useWanted } from './board-hand';
import { useSelection } from './board-selection';
import { estimateHeight } from './card-height';
import { readCardDrag } from './drag-data';
import { indexAt, preview } from './placement';
import { QuickAdd } from './quick-add';

const GAP = 8;
const OVERSCAN = 5;

/** Puts a card at a place among the shown cards of a column. */
export type Drop = (ticketId: string, columnKey: string, shownIndex: number, seenVersion: number | undefined) => void;

interface Props {
  store: BoardStore;
  column: Column;
  /** The tickets to show, in their order. */
  shown: readonly string[];
  drop: Drop;
  add: (columnKey: string, title: string) => Promise<boolean>;
  actions: CardActions;
  /** A new ticket is being written here. */
  adding: boolean;
  onAdding: (columnKey: string | null) => void;
}

export const BoardColumn = memo(function BoardColumn(props: Props) {
  const { store, column, shown, drop, add, actions, adding, onAdding } = props;
  const order = useShownOrder(shown, column.key);
  const density = useDensity();
  const scroller = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLElement>(null);
  const [isOver, setIsOver] = useState(false);
  const [dragged, setDragged] = useState<string | null>(null);
  const wanted = useWanted((ticketId) => (ticketId !== null && order.includes(ticketId) ? ticketId : null));

  const virtualizer = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimateHeight(store.card(order[index] ?? ''), density),
    getItemKey: (index) => order[index] ?? index,
    gap: GAP,
    overscan: OVERSCAN,
    paddingStart: 2,
    paddingEnd: 8,
    rangeExtractor: (range) => {
      // A card in hand stays rendered however far its column is scrolled: the browser ends a drag whose source is gone.
      const kept = [dragged, wanted].map((ticketId) => (ticketId ? order.indexOf(ticketId) : -1));
      return [...new Set([...defaultRangeExtractor(range), ...kept.filter((index) => index >= 0)])].sort(
        (a, b) => a - b,
      );
    },
  });

  useEffect(() => {
    const index = wanted ? order.indexOf(wanted) : -1;
    if (index >= 0) virtualizer.scrollToIndex(index, { align: 'auto' });
  }, [wanted, order, virtualizer]);

  useEffect(() => {
    if (!frame.current || !scroller.current) return;
    return combine(
      dropTargetForElements({
        element: frame.current,
        getData: () => ({ columnKey: column.key }),
        canDrop: ({ source }) => readCardDrag(source.data) !== null,
        onDragEnter: () => setIsOver(true),
        onDragLeave: () => setIsOver(false),
        onDrop: ({ source, location }) => {
          setIsOver(false);
          const card = readCardDrag(source.data);
          if (!card) return;
          const over = location.current.dropTargets.find((target) => typeof target.data.overTicketId === 'string');
          const edge = over && extractClosestEdge(over.data);
          const index = indexAt(
            shown,
            card.ticketId,
            over ? { ticketId: String(over.data.overTicketId), edge: edge === 'top' ? 'top' : 'bottom' } : null,
          );
          drop(card.ticketId, column.key, index, card.seenVersion);
        },
      }),
      autoScrollForElements({
        element: scroller.current,
        canScroll: ({ source }) => readCardDrag(source.data) !== null,
      }),
    );
  }, [shown, column.key, drop]);

  return (
    <section
      ref={frame}
      aria-label={messages.board.label(column.name)}
      data-column={column.key}
      className={classNames(
        'flex h-full w-[292px] shrink-0 flex-col rounded-lg bg-sunken transition-shadow duration-(--fast)',
        isOver && 'ring-2 ring-accent-line',
      )}
    >
      <header className="flex h-10 shrink-0 items-center gap-2 pr-1.5 pl-3">
        <h2 className="truncate font-semibold text-sm">{column.name}</h2>
        <Count count={order.length} limit={column.wipLimit} />
        <div className="flex-1" />
        <ColumnMenu column={column} order={order} />
        <IconButton label={messages.board.addTo(column.name)} onClick={() => onAdding(column.key)}>
          <Plus size={15} aria-hidden="true" />
        </IconButton>
      </header>
      <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto px-2" data-scroller={column.key}>
        {order.length === 0 && !adding ? (
          <p className="rounded-lg border border-line border-dashed py-6 text-center text-2xs text-ink-3">
            {messages.board.emptyColumn}
          </p>
        ) : null}
        <ul className="relative" style={{ height: order.length > 0 ? virtualizer.getTotalSize() : 0 }}>
          {virtualizer.getVirtualItems().map((item) => (
            <li
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              aria-setsize={order.length}
              aria-posinset={item.index + 1}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <BoardCard
                store={store}
                ticketId={order[item.index] ?? ''}
                isFirst={item.index === 0}
                actions={actions}
                onDragging={setDragged}
              />
            </li>
          ))}
        </ul>
      </div>
      {adding ? (
        <QuickAdd columnName={column.name} onAdd={(title) => add(column.key, title)} onClose={() => onAdding(null)} />
      ) : null}
    </section>
  );
});

function ColumnMenu({ column, order }: { column: Column; order: readonly string[] }) {
  const selection = useSelection();
  return (
    <Menu
      align="end"
      trigger={
        <IconButton label={messages.selection.columnMenu(column.name)}>
          <Ellipsis size={15} aria-hidden="true" />
        </IconButton>
      }
    >
      <MenuItem disabled={order.length === 0} onSelect={() => selection.add(order)}>
        <ListChecks size={14} aria-hidden="true" />
        {messages.selection.all(order.length)}
      </MenuItem>
    </Menu>
  );
}

/** The order with the card in hand shown where it would go. */
function useShownOrder(confirmed: readonly string[], columnKey: string): readonly string[] {
  const lifted = useLifted((current) => current);
  return useMemo(() => {
    if (!lifted) return confirmed;
    if (lifted.columnKey === columnKey) return preview(confirmed, lifted.ticketId, lifted.index);
    return confirmed.includes(lifted.ticketId)
      ? confirmed.filter((ticketId) => ticketId !== lifted.ticketId)
      : confirmed;
  }, [confirmed, lifted, columnKey]);
}

function Count({ count, limit }: { count: number; limit: number | null }) {
  if (limit === null) return <span className="text-ink-3 text-xs tabular-nums">{count}</span>;
  const over = count > limit;
  return (
    <span
      className={classNames(
        'rounded-full px-2 text-2xs tabular-nums',
        over ? 'bg-warn-soft font-semibold text-warn' : 'bg-hover text-ink-2',
      )}
      title={over ? messages.board.overLimit(count, limit) : undefined}
    >
      {count} / {limit}
    </span>
  );
}
