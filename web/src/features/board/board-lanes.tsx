import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useRef, useState } from 'react';
import type { BoardStore, BoardColumn as Column } from '~/live/board-store';
import { messages } from '~/messages';
import { PersonAvatar } from '~/ui/avatar';
import { classNames } from '~/ui/class-names';
import { useDensity } from '~/ui/density';
import { KindIcon } from '~/ui/kind-icon';
import { PriorityMark } from '~/ui/priority';
import type { CardActions } from './board-card';
import { Count } from './board-column';
import { useWanted } from './board-hand';
import { estimateHeight } from './card-height';
import { CardStack, type Drop, useDropArea, useOrderWithHand } from './cell';
import { orderIn, type ShownBoard } from './shown-board';
import type { Lane } from './swimlanes';

const OVERSCAN = 1;
const LANES_BEYOND = 0;
const HEAD_PX = 36;
/** A lane is at most this high; what does not fit scrolls within it. */
const CELL_MAX_PX = 420;
/** Above the first card and below the last. */
const CELL_PADDING_PX = 16;
const CELL_MIN_PX = 72;

interface Props {
  store: BoardStore;
  /** The columns that are unfolded, with what the whole board shows of them. */
  board: ShownBoard;
  lanes: readonly Lane[];
  drop: Drop;
  /** Whether a card of another lane may be dropped here, which makes it one of this lane. */
  crossing: boolean;
  actions: CardActions;
}

/** The board cut into rows. Only the rows in sight are rendered, and in them only the cards in sight. */
export function BoardLanes({ store, board, lanes, drop, crossing, actions }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const density = useDensity();
  /** As far as it matters: a long column is not added up to its end. */
  const stackHeight = (order: readonly string[]): number => {
    let height = 0;
    for (let at = 0; at < order.length && height < CELL_MAX_PX; at += 1) {
      height += estimateHeight(store.card(order[at] ?? ''), density);
    }
    return height;
  };
  const heightOf = (lane: Lane): number => {
    const highest = Math.max(...board.columns.map(({ key }) => stackHeight(orderIn(lane.board, key))));
    return HEAD_PX + Math.min(CELL_MAX_PX, Math.max(CELL_MIN_PX, CELL_PADDING_PX + highest));
  };
  const wanted = useWanted((ticketId) => ticketId);
  const wantedLane = wanted
    ? lanes.findIndex((lane) => [...lane.board.orders.values()].some((order) => order.includes(wanted)))
    : -1;
  const virtualizer = useVirtualizer({
    count: lanes.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => {
      const lane = lanes[index];
      return lane ? heightOf(lane) : HEAD_PX;
    },
    getItemKey: (index) => lanes[index]?.id ?? index,
    overscan: LANES_BEYOND,
    rangeExtractor: ({ startIndex, endIndex, overscan, count }) => {
      const from = Math.max(0, startIndex - overscan);
      const to = Math.min(count - 1, endIndex + overscan);
      const shown = Array.from({ length: to - from + 1 }, (_, at) => from + at);
      // The lane of the card that is to have the focus is rendered first, and the card then scrolls into sight.
      return wantedLane >= 0 && !shown.includes(wantedLane) ? [...shown, wantedLane].sort((a, b) => a - b) : shown;
    },
  });
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-auto" data-testid="board">
      <div className="w-max min-w-full px-4 pb-4">
        <div className="sticky top-0 z-10 flex gap-3 bg-canvas py-2">
          {board.columns.map((column) => (
            <header
              key={column.key}
              className="flex h-8 w-[292px] shrink-0 items-center gap-2 rounded-lg bg-sunken px-3"
            >
              <h2 className="truncate font-semibold text-sm">{column.name}</h2>
              <Count count={orderIn(board, column.key).length} limit={column.wipLimit} />
            </header>
          ))}
        </div>
        <div className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map((item) => {
            const lane = lanes[item.index];
            if (!lane) return null;
            return (
              <section
                key={item.key}
                ref={virtualizer.measureElement}
                data-index={item.index}
                data-lane={lane.id}
                aria-label={laneText(lane)}
                className="absolute top-0 left-0"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <header className="sticky left-4 flex h-9 w-fit items-center gap-2 text-xs">
                  <LaneName lane={lane} />
                  <Count count={lane.board.shown} limit={null} />
                </header>
                <div className="flex gap-3">
                  {board.columns.map((column) => (
                    <LaneCell
                      key={column.key}
                      store={store}
                      column={column}
                      laneId={lane.id}
                      laneText={laneText(lane)}
                      shown={orderIn(lane.board, column.key)}
                      height={heightOf(lane) - HEAD_PX}
                      drop={drop}
                      crossing={crossing}
                      actions={actions}
                    />
                  ))}
                </div>
              </section>
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface CellProps extends Pick<Props, 'store' | 'drop' | 'crossing' | 'actions'> {
  column: Column;
  laneId: string;
  laneText: string;
  shown: readonly string[];
  height: number;
}

function LaneCell({ store, column, laneId, laneText, shown, height, drop, crossing, actions }: CellProps) {
  const place = { columnKey: column.key, laneId };
  const order = useOrderWithHand(shown, place);
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const takes = crossing ? undefined : (ticketId: string) => actions.laneOf(ticketId) === laneId;
  const isOver = useDropArea({ frame: scroller, shown, place, drop, takes });
  return (
    <section
      ref={setScroller}
      aria-label={`${laneText}, ${messages.board.label(column.name)}`}
      data-cell={`${laneId}/${column.key}`}
      className={classNames(
        'w-[292px] shrink-0 overflow-y-auto rounded-lg bg-sunken px-2 pt-1.5',
        isOver && 'ring-2 ring-accent-line',
      )}
      style={{ height }}
    >
      <CardStack store={store} order={order} scroller={scroller} overscan={OVERSCAN} actions={actions} />
    </section>
  );
}

function laneText({ of }: Lane): string {
  if (!of) return messages.view.rest;
  if (of.kind === 'assignee') return of.user.name;
  return of.kind === 'epic' ? `${of.card.key} ${of.card.title}` : messages.priorities[of.priority];
}

function LaneName({ lane }: { lane: Lane }): ReactNode {
  const { of } = lane;
  const text = <h3 className="max-w-80 truncate font-semibold">{laneText(lane)}</h3>;
  if (!of) return text;
  return (
    <>
      {of.kind === 'assignee' ? <PersonAvatar id={of.user.id} name={of.user.name} /> : null}
      {of.kind === 'epic' ? <KindIcon kind="EPIC" /> : null}
      {of.kind === 'priority' ? <PriorityMark level={of.priority} /> : null}
      {text}
    </>
  );
}
