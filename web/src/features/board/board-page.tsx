import { autoScrollForElements } from '@atlaskit/pragmatic-drag-and-drop-auto-scroll/element';
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type LiveBoard, useBoardColumns } from '~/live/use-board-changes';
import { messages } from '~/messages';
import { ErrorPanel } from '~/ui/error-panel';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import type { CardActions } from './board-card';
import { BoardColumn } from './board-column';
import { BoardHand, BoardHandContext } from './board-hand';
import { readCardDrag } from './drag-data';
import { useAddTicket } from './use-add-ticket';
import { useArchiveTicket } from './use-archive-ticket';
import { useCardKeys } from './use-card-keys';
import { type Move, useMoveTicket } from './use-move-ticket';

interface Props {
  board: LiveBoard;
  projectId: string;
  onOpen: (key: string) => void;
  /** Stands at the right of the tool bar. */
  aside: ReactNode;
  /** Stands above the columns while the board has no ticket. */
  whenEmpty: ReactNode;
}

export function BoardPage({ board, projectId, onOpen, aside, whenEmpty }: Props) {
  const { store, load, retry } = board;
  const columns = useBoardColumns(store);
  const [hand] = useState(() => new BoardHand());
  const scroller = useRef<HTMLDivElement>(null);
  const move = useMoveTicket(store);
  const add = useAddTicket(store, projectId);
  const archive = useArchiveTicket(store);
  const keys = useCardKeys({ store, hand, move, open: onOpen });
  const onDropped = useCallback((ticketId: string) => hand.drop(ticketId), [hand]);
  const actions = useMemo<CardActions>(
    () => ({
      open: onOpen,
      keys,
      moveToColumn: (ticketId, columnKey, index) => {
        const target: Move = { ticketId, columnKey, index, seenVersion: store.confirmedVersion(ticketId) };
        hand.drop(ticketId);
        void move(target);
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
        <div className="flex h-11 shrink-0 items-center gap-3 border-line border-b px-4 text-xs">
          <h2 className="truncate font-medium text-ink-2">{store.name}</h2>
          <div className="flex-1" />
          {aside}
        </div>
        <p id="card-hint" className="sr-only">
          {messages.board.cardHint}
        </p>
        {whenEmpty}
        <div ref={scroller} className="min-h-0 flex-1 overflow-x-auto" data-testid="board">
          <div className="flex h-full w-max gap-3 p-4 pt-3">
            {columns.map((column) => (
              <BoardColumn
                key={column.key}
                store={store}
                column={column}
                move={move}
                add={add}
                actions={actions}
                onDropped={onDropped}
              />
            ))}
          </div>
        </div>
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
