import { autoScrollForElements } from '@atlaskit/pragmatic-drag-and-drop-auto-scroll/element';
import {
  lazy,
  type MouseEvent,
  type ReactNode,
  Suspense,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import type { User } from '~/gql/types';
import type { LiveBoard } from '~/live/use-board-changes';
import { messages } from '~/messages';
import { announce } from '~/ui/announcer';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { ErrorPanel } from '~/ui/error-panel';
import { isFreeKey, isPageCommand, isTyping } from '~/ui/keys';
import { useOfferCommands } from '~/ui/page-commands';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';
import { type BoardActions, boardActions } from './board-actions';
import type { CardActions } from './board-card';
import { BoardColumn, type Drop } from './board-column';
import { type BoardFilter, isFiltering, noFilter } from './board-filter';
import { BoardHand, BoardHandContext } from './board-hand';
import { BoardSelection, BoardSelectionContext, useChosen } from './board-selection';
import type { BulkProps } from './bulk';
import type { BulkMenu } from './bulk-bar';
import { readCardDrag } from './drag-data';
import { FilterChips, FilterTools } from './filter-bar';
import { focusBeside } from './focus-beside';
import { wholeIndex } from './placement';
import { orderIn, type ShownBoard } from './shown-board';
import { useCardKeys } from './use-card-keys';
import { useShownBoard } from './use-shown-board';

// Fetched when they are first needed: most visits to a board select nothing and lose no race.
const BulkBar = lazy(async () => ({ default: (await import('./bulk')).Bulk }));
const BoardNotices = lazy(async () => ({ default: (await import('./board-notices')).BoardNotices }));

function Bulk(props: BulkProps) {
  return useChosen().size > 0 ? <BulkBar {...props} /> : null;
}

function Notices({ actions, columns }: { actions: BoardActions; columns: ShownBoard['columns'] }) {
  const notice = useSyncExternalStore(actions.subscribe, actions.notice);
  return notice ? <BoardNotices notice={notice} actions={actions} columns={columns} /> : null;
}

interface Props {
  board: LiveBoard;
  projectId: string;
  viewerId: string;
  people: readonly User[];
  filter: BoardFilter;
  onFilter: (filter: BoardFilter) => void;
  onOpen: (key: string) => void;
  /** Grows each time that somebody asks for a new ticket from elsewhere. */
  writeNew: number;
  /** Stands at the right of the tool bar. */
  aside: ReactNode;
  /** Stands above the columns while the board has no ticket. */
  whenEmpty: ReactNode;
}

export function BoardPage(props: Props) {
  const { load, retry } = props.board;
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
  return <LoadedBoard {...props} />;
}

function LoadedBoard(props: Props) {
  const { board, projectId, viewerId, people, filter, onFilter, onOpen, writeNew, aside, whenEmpty } = props;
  const { store } = board;
  const shown = useShownBoard(store, filter, viewerId);
  const latest = useLatest(shown);
  const [hand] = useState(() => new BoardHand());
  const [selection] = useState(() => new BoardSelection());
  const [bulkMenu, setBulkMenu] = useState<BulkMenu | null>(null);
  const [adding, setAdding] = useState<string | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const actions = boardActions(store, projectId);
  const drop = useCallback<Drop>(
    (ticketId, columnKey, shownIndex, seenVersion) => {
      const index = wholeIndex(store.column(columnKey), orderIn(latest.current, columnKey), ticketId, shownIndex);
      hand.drop(ticketId);
      void actions.move(ticketId, columnKey, index, seenVersion);
    },
    [store, latest, hand, actions],
  );
  const whatIsShown = useCallback(() => latest.current, [latest]);
  const keys = useCardKeys({ store, hand, selection, openBulk: setBulkMenu, board: whatIsShown, drop, open: onOpen });
  const add = useCallback((columnKey: string, title: string) => actions.add(columnKey, title), [actions]);
  const cardActions = useMemo<CardActions>(
    () => ({
      open: onOpen,
      keys,
      choose: (event, ticketId) => chooseByClick(event, ticketId, selection, orderAround(latest.current, ticketId)),
      toggle: (ticketId) => selection.toggle(ticketId),
      moveToColumn: (ticketId, columnKey, index) => {
        hand.drop(ticketId);
        void actions.move(ticketId, columnKey, index, store.confirmedVersion(ticketId));
        hand.want(ticketId);
      },
      archive: (ticketId) => {
        focusBeside(latest.current, hand, new Set([ticketId]));
        void actions.archive([ticketId]);
      },
    }),
    [onOpen, keys, store, hand, selection, latest, actions],
  );

  // Where the focus is, or in the first column.
  useEffect(() => {
    if (writeNew === 0) return;
    const focused = hand.focused();
    const here = focused ? store.card(focused)?.columnKey : undefined;
    setAdding(here ?? store.columns()[0]?.key ?? null);
  }, [writeNew, hand, store]);

  useOfferCommands(
    useMemo(
      () => [
        {
          id: 'undo',
          label: messages.actions.undo,
          keys: ['Mod', 'Z'],
          run: () => void actions.play('undo'),
        },
        {
          id: 'redo',
          label: messages.actions.redo,
          keys: ['Mod', 'Shift', 'Z'],
          run: () => void actions.play('redo'),
        },
        { id: 'clear-filters', label: messages.filter.noneAction, run: () => onFilter(noFilter) },
      ],
      [actions, onFilter],
    ),
  );

  useEffect(() => {
    const visible = new Set([...shown.orders.values()].flat());
    selection.retain((ticketId) => visible.has(ticketId));
  }, [shown, selection]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const letter = event.key.toLowerCase();
      if (event.key === 'Escape' && isFreeKey(event) && selection.chosen().size > 0) {
        selection.clear();
        announce(messages.selection.none);
      } else if (isPageCommand(event) && !isTyping(event.target) && (letter === 'z' || letter === 'y')) {
        event.preventDefault();
        void actions.play(letter === 'y' || event.shiftKey ? 'redo' : 'undo');
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [selection, actions]);

  useEffect(() => {
    if (!scroller.current) return;
    return autoScrollForElements({
      element: scroller.current,
      canScroll: ({ source }) => readCardDrag(source.data) !== null,
      getAllowedAxis: () => 'horizontal',
    });
  }, []);

  return (
    <BoardHandContext value={hand}>
      <BoardSelectionContext value={selection}>
        <div className="relative flex h-full flex-col">
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
          ) : null}
          <div
            ref={scroller}
            className="min-h-0 flex-1 overflow-x-auto"
            hidden={isFiltering(filter) && shown.shown === 0 && shown.all > 0}
            data-testid="board"
          >
            <div className="flex h-full w-max gap-3 p-4 pt-3">
              {shown.columns.map((column) => (
                <BoardColumn
                  key={column.key}
                  store={store}
                  column={column}
                  shown={orderIn(shown, column.key)}
                  drop={drop}
                  add={add}
                  actions={cardActions}
                  adding={adding === column.key}
                  onAdding={setAdding}
                />
              ))}
            </div>
          </div>
          <Suspense fallback={null}>
            <Bulk
              actions={actions}
              hand={hand}
              selection={selection}
              board={shown}
              people={people}
              open={bulkMenu}
              onOpen={setBulkMenu}
            />
            <Notices actions={actions} columns={shown.columns} />
          </Suspense>
        </div>
      </BoardSelectionContext>
    </BoardHandContext>
  );
}

function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useLayoutEffect(() => {
    latest.current = value;
  }, [value]);
  return latest;
}

/** The list in which the card stands. */
const orderAround = (board: ShownBoard, ticketId: string): readonly string[] =>
  [...board.orders.values()].find((order) => order.includes(ticketId)) ?? [ticketId];

function chooseByClick(
  event: MouseEvent,
  ticketId: string,
  selection: BoardSelection,
  order: readonly string[],
): boolean {
  if (event.shiftKey) selection.extend(order, ticketId);
  else if (event.ctrlKey || event.metaKey) selection.toggle(ticketId);
  else return false;
  return true;
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
