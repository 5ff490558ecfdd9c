// A scrolling stack of cards: a column of the board, or one column of a lane. Renders only the cards in sight, and takes
// cards that are dropped on it.
import { dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import { autoScrollForElements } from '@atlaskit/pragmatic-drag-and-drop-auto-scroll/element';
import { extractClosestEdge } from '@atlaskit/pragmatic-drag-and-drop-hitbox/closest-edge';
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useState } from 'react';
import type { BoardStore } from '~/live/board-store';
import { useDensity } from '~/ui/density';
import { BoardCard, type CardActions } from './board-card';
import { useBoardHand, useLifted, useWanted } from './board-hand';
import { estimateHeight } from './card-height';
import { readCardDrag } from './drag-data';
import { indexAt, preview } from './placement';

const GAP = 8;

/** Puts a card at a place among the shown cards of a column, and of a lane when there are any. */
export type Drop = (drop: {
  ticketId: string;
  columnKey: string;
  laneId?: string | undefined;
  shownIndex: number;
  seenVersion: number | undefined;
}) => void;

export interface CellPlace {
  readonly columnKey: string;
  readonly laneId?: string | undefined;
}

/** The order with the card in hand shown where it would go. */
export function useOrderWithHand(shown: readonly string[], { columnKey, laneId }: CellPlace): readonly string[] {
  const lifted = useLifted((current) => current);
  return useMemo(() => {
    if (!lifted || lifted.laneId !== laneId) return shown;
    if (lifted.columnKey === columnKey) return preview(shown, lifted.ticketId, lifted.index);
    return shown.includes(lifted.ticketId) ? shown.filter((ticketId) => ticketId !== lifted.ticketId) : shown;
  }, [shown, lifted, columnKey, laneId]);
}

interface DropArea {
  readonly frame: HTMLElement | null;
  readonly shown: readonly string[];
  readonly place: CellPlace;
  readonly drop: Drop;
  /** Which cards may be dropped here; all when it is left out. */
  readonly takes?: ((ticketId: string) => boolean) | undefined;
}

/** Answers whether a card is held over it. */
export function useDropArea({ frame, shown, place, drop, takes }: DropArea): boolean {
  const [isOver, setIsOver] = useState(false);
  const { columnKey, laneId } = place;
  useEffect(() => {
    if (!frame) return;
    return dropTargetForElements({
      element: frame,
      getData: () => ({ columnKey, laneId }),
      canDrop: ({ source }) => {
        const card = readCardDrag(source.data);
        return card !== null && (takes?.(card.ticketId) ?? true);
      },
      onDragEnter: () => setIsOver(true),
      onDragLeave: () => setIsOver(false),
      onDrop: ({ source, location }) => {
        setIsOver(false);
        const card = readCardDrag(source.data);
        if (!card) return;
        const over = location.current.dropTargets.find((target) => typeof target.data.overTicketId === 'string');
        const edge = over && extractClosestEdge(over.data);
        const shownIndex = indexAt(
          shown,
          card.ticketId,
          over ? { ticketId: String(over.data.overTicketId), edge: edge === 'top' ? 'top' : 'bottom' } : null,
        );
        drop({ ticketId: card.ticketId, columnKey, laneId, shownIndex, seenVersion: card.seenVersion });
      },
    });
  }, [frame, shown, columnKey, laneId, drop, takes]);
  return isOver;
}

interface Props {
  store: BoardStore;
  order: readonly string[];
  /** The element itself and not a reference to it: it stands above this one, and is there only after the first render. */
  scroller: HTMLElement | null;
  /** Cards rendered beyond each edge of what is in sight. */
  overscan: number;
  actions: CardActions;
}

export function CardStack({ store, order, scroller, overscan, actions }: Props) {
  const hand = useBoardHand();
  const density = useDensity();
  const [dragged, setDragged] = useState<string | null>(null);
  const wanted = useWanted((ticketId) => (ticketId !== null && order.includes(ticketId) ? ticketId : null));

  const virtualizer = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller,
    estimateSize: (index) => estimateHeight(store.card(order[index] ?? ''), density),
    getItemKey: (index) => order[index] ?? index,
    gap: GAP,
    overscan,
    paddingStart: 2,
    paddingEnd: 8,
    rangeExtractor: (range) => {
      // A card in hand stays rendered however far its column is scrolled: the browser ends a drag whose source is gone.
      // So does the one with the focus, which would fall to the top of the page.
      const kept = [dragged, wanted, hand.focused()].map((ticketId) => (ticketId ? order.indexOf(ticketId) : -1));
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
    if (!scroller) return;
    return autoScrollForElements({
      element: scroller,
      canScroll: ({ source }) => readCardDrag(source.data) !== null,
    });
  }, [scroller]);

  return (
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
  );
}
