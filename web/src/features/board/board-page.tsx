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
import type { BoardStore } from '~/live/board-store';
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
import { BoardColumn, FoldedColumn } from './board-column';
import { type BoardFilter, isFiltering, noFilter } from './board-filter';
import { BoardHand, BoardHandContext } from './board-hand';
import { BoardSelection, BoardSelectionContext, useChosen } from './board-selection';
import { type BoardView, sortedBy } from './board-view';
import type { BulkProps } from './bulk';
import type { BulkMenu } from './bulk-bar';
import type { Drop } from './cell';
import type { Change } from './change';
import { useCollapsedColumns } from './collapsed-columns';
import { readCardDrag } from './drag-data';
import { FilterChips, FilterTools } from './filter-bar';
import { focusBeside } from './focus-beside';
import { boardLayout, laneLayout, listLayout, unfolded } from './layout';
import { type ListRow, listRows, ticketsOf } from './list-rows';
import { wholeIndex } from './placement';
import { QuickAdd } from './quick-add';
import { orderIn, type ShownBoard } from './shown-board';
import type { Lane } from './swimlanes';
import { useCardKeys } from './use-card-keys';
import { useLanes } from './use-lanes';
import { useRevision, useShownBoard } from './use-shown-board';
import { ViewTools } from './view-tools';

// Fetched when they are first needed: most visits to a board select nothing, lose no race and look at columns.
const BoardList = lazy(async () => ({ default: (await import('./board-list')).BoardList }));
const BoardLanes = lazy(async () => ({ default: (await import('./board-lanes')).BoardLanes }));
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
  view: BoardView;
  onView: (view: BoardView) => void;
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
  const { board, projectId, viewerId, people, filter, onFilter, view, onView, onOpen, writeNew } = props;
  const { aside, whenEmpty } = props;
  const { store } = board;
  const shown = useShownBoard(store, filter, viewerId);
  const collapsed = useCollapsedColumns(projectId);
  const lanes = useLanes(store, shown, view.shape === 'board' ? view.lanes : null);
  const rows = useRows(store, shown, view, collapsed.has);
  const layout = useMemo(() => {
    if (view.shape === 'list') return listLayout(ticketsOf(rows));
    if (view.lanes) return laneLayout(lanes.map((lane) => ({ ...lane, board: unfolded(lane.board, collapsed.has) })));
    return boardLayout(unfolded(shown, collapsed.has));
  }, [view, shown, lanes, rows, collapsed.has]);
  const latest = useLatest(layout);
  const shownNow = useLatest(shown);
  const [hand] = useState(() => new BoardHand());
  const [selection] = useState(() => new BoardSelection());
  const [bulkMenu, setBulkMenu] = useState<BulkMenu | null>(null);
  const [adding, setAdding] = useState<string | null>(null);
  const actions = boardActions(store, projectId);
  const drop = useCallback<Drop>(
    ({ ticketId, columnKey, laneId, shownIndex, seenVersion }) => {
      const lane = laneId === undefined ? undefined : lanes.find(({ id }) => id === laneId);
      const board = lane ? lane.board : shown;
      const index = wholeIndex(store.column(columnKey), orderIn(board, columnKey), ticketId, shownIndex);
      hand.drop(ticketId);
      const crossing = laneId === latest.current.around(ticketId)?.laneId ? null : changeOfLane(view.lanes, lane);
      if (crossing) void actions.moveAcross(ticketId, columnKey, index, crossing, seenVersion);
      else void actions.move(ticketId, columnKey, index, seenVersion);
    },
    [store, latest, hand, actions, lanes, shown, view.lanes],
  );
  const layoutNow = useCallback(() => latest.current, [latest]);
  const keys = useCardKeys({ store, hand, selection, openBulk: setBulkMenu, layout: layoutNow, drop, open: onOpen });
  const add = useCallback((columnKey: string, title: string) => actions.add(columnKey, title), [actions]);
  const cardActions = useMemo<CardActions>(
    () => ({
      open: onOpen,
      keys,
      choose: (event, ticketId) => chooseByClick(event, ticketId, selection, latest.current.range(ticketId)),
      laneOf: (ticketId) => latest.current.around(ticketId)?.laneId,
      toggle: (ticketId) => selection.toggle(ticketId),
      moveToColumn: (ticketId, columnKey, index) => {
        hand.drop(ticketId);
        void actions.move(ticketId, columnKey, index, store.confirmedVersion(ticketId));
        hand.want(ticketId);
      },
      archive: (ticketId) => {
        focusBeside(shownNow.current, hand, new Set([ticketId]));
        void actions.archive([ticketId]);
      },
    }),
    [onOpen, keys, store, hand, selection, latest, shownNow, actions],
  );

  // Where the focus is, or in the first column.
  const isCollapsed = useLatest(collapsed.has);
  useEffect(() => {
    if (writeNew === 0) return;
    const focused = hand.focused();
    const here = focused ? store.card(focused)?.columnKey : undefined;
    setAdding(here ?? store.columns().find(({ key }) => !isCollapsed.current(key))?.key ?? null);
  }, [writeNew, hand, store, isCollapsed]);

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
        {
          id: 'view',
          label: view.shape === 'list' ? messages.view.asBoard : messages.view.asList,
          run: () => onView({ ...view, shape: view.shape === 'list' ? 'board' : 'list' }),
        },
        { id: 'clear-filters', label: messages.filter.noneAction, run: () => onFilter(noFilter) },
      ],
      [actions, onFilter, view, onView],
    ),
  );

  useEffect(() => {
    if (selection.chosen().size === 0) return;
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

  const nothingMatches = isFiltering(filter) && shown.shown === 0 && shown.all > 0;
  return (
    <BoardHandContext value={hand}>
      <BoardSelectionContext value={selection}>
        <div className="relative flex h-full flex-col">
          <div className="flex h-11 shrink-0 items-center gap-1 overflow-x-auto border-line border-b px-4 text-xs">
            <FilterTools store={store} filter={filter} onFilter={onFilter} people={people} viewerId={viewerId} />
            <span aria-hidden="true" className="mx-1.5 h-4 w-px shrink-0 bg-line-strong" />
            <ViewTools view={view} onView={onView} />
            <div className="flex-1" />
            {aside}
          </div>
          <FilterChips filter={filter} onFilter={onFilter} people={people} shown={shown.shown} all={shown.all} />
          <p id="card-hint" className="sr-only">
            {messages.board.cardHint}
          </p>
          {whenEmpty}
          <p id="list-hint" className="sr-only">
            {messages.view.listHint}
          </p>
          {nothingMatches ? (
            <Blankslate
              title={messages.filter.noneTitle}
              lead={messages.filter.noneLead}
              action={<Button onClick={() => onFilter(noFilter)}>{messages.filter.noneAction}</Button>}
            />
          ) : null}
          {adding && (view.shape === 'list' || view.lanes) ? (
            <div className="w-80 shrink-0 pt-2">
              <QuickAdd
                columnName={shown.columns.find(({ key }) => key === adding)?.name ?? ''}
                onAdd={(title) => add(adding, title)}
                onClose={() => setAdding(null)}
              />
            </div>
          ) : null}
          <Suspense fallback={null}>
            {view.shape === 'list' && !nothingMatches ? (
              <BoardList
                store={store}
                rows={rows}
                view={view}
                onSort={(sort) => onView(sortedBy(view, sort))}
                isCollapsed={collapsed.has}
                onToggle={collapsed.toggle}
                actions={cardActions}
              />
            ) : null}
            {view.shape === 'board' && view.lanes && !nothingMatches ? (
              <BoardLanes
                store={store}
                board={unfolded(shown, collapsed.has)}
                lanes={lanes}
                drop={drop}
                crossing={view.lanes !== 'epic'}
                actions={cardActions}
              />
            ) : null}
          </Suspense>
          {view.shape === 'board' && !view.lanes ? (
            <Columns hidden={nothingMatches}>
              {shown.columns.map((column) =>
                collapsed.has(column.key) ? (
                  <FoldedColumn
                    key={column.key}
                    column={column}
                    shown={orderIn(shown, column.key)}
                    drop={drop}
                    onExpand={collapsed.toggle}
                  />
                ) : (
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
                    onCollapse={collapsed.toggle}
                  />
                ),
              )}
            </Columns>
          ) : null}
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

/** The columns side by side; a card held at an edge scrolls them. */
function Columns({ hidden, children }: { hidden: boolean; children: ReactNode }) {
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!scroller.current) return;
    return autoScrollForElements({
      element: scroller.current,
      canScroll: ({ source }) => readCardDrag(source.data) !== null,
      getAllowedAxis: () => 'horizontal',
    });
  }, []);

  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-x-auto" hidden={hidden} data-testid="board">
      <div className="flex h-full w-max gap-3 p-4 pt-3">{children}</div>
    </div>
  );
}

function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useLayoutEffect(() => {
    latest.current = value;
  }, [value]);
  return latest;
}

/** What a card becomes by being dropped in a lane; null where the lane is no field of the card. */
function changeOfLane(kind: BoardView['lanes'], lane: Lane | undefined): Change | null {
  if (!lane) return null;
  const { of } = lane;
  if (kind === 'assignee') return { kind: 'assign', user: of?.kind === 'assignee' ? of.user : null };
  if (kind === 'priority') return { kind: 'prioritise', priority: of?.kind === 'priority' ? of.priority : null };
  return null;
}

const noRows: readonly ListRow[] = [];

function useRows(
  store: BoardStore,
  shown: ShownBoard,
  view: BoardView,
  isCollapsed: (columnKey: string) => boolean,
): readonly ListRow[] {
  const revision = useRevision(store);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `revision` says when to read the store again
  return useMemo(
    () => (view.shape === 'list' ? listRows(shown, view, isCollapsed, store) : noRows),
    [store, shown, view, isCollapsed, revision],
  );
}

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
