import { autoScrollForElements } from '@atlaskit/pragmatic-drag-and-drop-auto-scroll/element';
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { User } from '~/gql/types';
import type { LiveBoard } from '~/live/use-board-changes';
import { messages } from '~/messages';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { ErrorPanel } from '~/ui/error-panel';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import type { CardActions } from './board-card';
import { BoardColumn, type Drop } from './board-column';
import { type BoardFilter, isFiltering, noFilter } from './board-filter';
import { BoardHand, BoardHandContext } from './board-hand';
import { readCardDrag } from './drag-data';
import { FilterChips, FilterTools } from './filter-bar';
import { wholeIndex } from './placement';
import { orderIn } from './shown-board';
import { useAddTicket } from './use-add-ticket';
import { useArchiveTicket } from './use-archive-ticket';
import { useCardKeys } from './use-card-keys';
import { useMoveTicket } from './use-move-ticket';
import { useShownBoard } from './use-shown-board';

interface Props {
  board: LiveBoard;
  projectId: string;
  viewerId: string;
  people: readonly User[];
  filter: BoardFilter;
  onFilter: (filter: BoardFilter) => void;
  onOpen: (key: string) => void;
  /** Stands at the right of the tool bar. */
  aside: ReactNode;
  /** Stands above the columns while the board has no ticket. */
  whenEmpty: ReactNode;
}

export function BoardPage(props: Props) {
  const { board, projectId, viewerId, people, filter, onFilter, onOpen, aside, whenEmpty } = props;
  const { store, load, retry } = board;
  const shown = useShownBoard(store, filter, viewerId);
  const latest = useRef(shown);
  useLayoutEffect(() => {
    latest.current = shown;
  }, [shown]);
  const [hand] = useState(() => new BoardHand());
  const scroller = useRef<HTMLDivElement>(null);
  const move = useMoveTicket(store);
  const add = useAddTicket(store, projectId);
  const archive = useArchiveTicket(store);
  const drop = useCallback<Drop>(
    (ticketId, columnKey, shownIndex, seenVersion) => {
      const index = wholeIndex(store.column(columnKey), orderIn(latest.current, columnKey), ticketId, shownIndex);
      hand.drop(ticketId);
      void move({ ticketId, columnKey, index, seenVersion });
    },
    [store, hand, move],
  );
  const whatIsShown = useCallback(() => latest.current, []);
  const keys = useCardKeys({ store, hand, board: whatIsShown, drop, open: onOpen });
  const actions = useMemo<CardActions>(
    () => ({
      open: onOpen,
      keys,
      moveToColumn: (ticketId, columnKey, index) => {
        hand.drop(ticketId);
        void move({ ticketId, columnKey, index, seenVersion: store.confirmedVersion(ticketId) });
        hand.want(ticketId);
      },
      archive: (ticketId) => void archive(ticketId),
    }),
    [onOpen, keys, store, hand, move, archive],
  );

  const isReady = load.status === 'ready';
  useEffect(() => {
    if (!isReady || !scroller.current) return;
    return autoScrollForElements({
      element: scroller.current,
      canScroll: ({ source }) => readCardDrag(source.data) !== null,
      getAllowedAxis: () => 'horizontal',
    });
  }, [isReady]);

  if (load.status === 'failed') {
    return <ErrorPanel title={messages.outcome.panelFailed} error={load.error} onRetry={retry} />;
  }
  if (load.status === 'loading') {
    return (
      <AfterAMoment>
        <BoardSkeleton />
      </AfterAMoment>
    );
  }
  return (
    <BoardHandContext value={hand}>
      <div className="flex h-full flex-col">
        <div className="flex h-11 shrink-0 items-center gap-1 overflow-x-auto border-line border-b px-4 text-xs">
          <FilterTools store={store} filter={filter} onFilter={onFilter} people={people} viewerId={viewerId} />
          <div className="flex-1" />
          {aside}
        </div>
        <FilterChips filter={filter} onFilter={onFilter} people={people} shown={shown.shown} all={shown.all} />
        <p id="card-hint" className="sr-only">
          {messages.board.cardHint}
        </p>
        {whenEmpty}
        {isFiltering(filter) && shown.shown === 0 && shown.all > 0 ? (
          <Blankslate
            title={messages.filter.noneTitle}
            lead={messages.filter.noneLead}
            action={<Button onClick={() => onFilter(noFilter)}>{messages.filter.noneAction}</Button>}
          />
        ) : (
          <div ref={scroller} className="min-h-0 flex-1 overflow-x-auto" data-testid="board">
            <div className="flex h-full w-max gap-3 p-4 pt-3">
              {shown.columns.map((column) => (
                <BoardColumn
                  key={column.key}
                  store={store}
                  column={column}
                  shown={orderIn(shown, column.key)}
                  drop={drop}
                  add={add}
                  actions={actions}
                />
              ))}
            </div>
          </div>
        )}
      </div>
    </BoardHandContext>
  );
}

const GHOSTS = [4, 3, 2, 3];

function BoardSkeleton() {
  return (
    <div
      className="flex h-full gap-3 overflow-hidden p-4 pt-14"
      role="status"
      aria-label={messages.connection.connecting}
    >
      {GHOSTS.map((cards, column) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: fixed places
        <div key={column} className="h-full w-[292px] shrink-0 space-y-2 rounded-lg bg-sunken p-2 pt-10">
          {Array.from({ length: cards }, (_, card) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: fixed places
            <Skeleton key={card} className="h-24 rounded-[10px]" />
          ))}
        </div>
      ))}
    </div>
  );
}
