import { ChevronsLeftRight, ChevronsRightLeft, Ellipsis, ListChecks, Plus } from 'lucide-react';
import { memo, useState } from 'react';
import type { BoardStore, BoardColumn as Column } from '~/live/board-store';
import { messages } from '~/messages';
import { IconButton } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { Menu, MenuItem } from '~/ui/menu';
import type { CardActions } from './board-card';
import { useSelection } from './board-selection';
import { CardStack, type Drop, useDropArea, useOrderWithHand } from './cell';
import { QuickAdd } from './quick-add';

/** Six columns of cards have to stay below 3,000 nodes: e2e/large.spec.ts counts them. */
const OVERSCAN = 2;

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
  onCollapse: (columnKey: string) => void;
}

export const BoardColumn = memo(function BoardColumn(props: Props) {
  const { store, column, shown, drop, add, actions, adding, onAdding, onCollapse } = props;
  const place = { columnKey: column.key };
  const order = useOrderWithHand(shown, place);
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [frame, setFrame] = useState<HTMLElement | null>(null);
  const isOver = useDropArea({ frame, shown, place, drop });
  return (
    <section
      ref={setFrame}
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
        <ColumnMenu column={column} order={order} onCollapse={onCollapse} />
        <IconButton label={messages.board.addTo(column.name)} onClick={() => onAdding(column.key)}>
          <Plus size={15} aria-hidden="true" />
        </IconButton>
      </header>
      <div ref={setScroller} className="min-h-0 flex-1 overflow-y-auto px-2" data-scroller={column.key}>
        {order.length === 0 && !adding ? (
          <p className="rounded-lg border border-line border-dashed py-6 text-center text-2xs text-ink-3">
            {messages.board.emptyColumn}
          </p>
        ) : null}
        <CardStack store={store} order={order} scroller={scroller} overscan={OVERSCAN} actions={actions} />
      </div>
      {adding ? (
        <QuickAdd columnName={column.name} onAdd={(title) => add(column.key, title)} onClose={() => onAdding(null)} />
      ) : null}
    </section>
  );
});

interface FoldedProps {
  column: Column;
  shown: readonly string[];
  drop: Drop;
  onExpand: (columnKey: string) => void;
}

/** A column folded to its name. Cards can still be dropped on it: they go to its end. */
export const FoldedColumn = memo(function FoldedColumn({ column, shown, drop, onExpand }: FoldedProps) {
  const [frame, setFrame] = useState<HTMLElement | null>(null);
  const isOver = useDropArea({ frame, shown, place: { columnKey: column.key }, drop });
  return (
    <section
      ref={setFrame}
      aria-label={messages.board.label(column.name)}
      data-column={column.key}
      className={classNames(
        'flex h-full w-10 shrink-0 flex-col items-center rounded-lg bg-sunken pt-1.5',
        isOver && 'ring-2 ring-accent-line',
      )}
    >
      <IconButton label={messages.board.expand(column.name)} onClick={() => onExpand(column.key)}>
        <ChevronsLeftRight size={15} aria-hidden="true" />
      </IconButton>
      <h2 className="mt-2 truncate font-semibold text-sm [writing-mode:vertical-rl]">{column.name}</h2>
      <span className="mt-2">
        <Count count={shown.length} limit={null} />
      </span>
    </section>
  );
});

export function ColumnMenu({
  column,
  order,
  onCollapse,
}: {
  column: Column;
  order: readonly string[];
  onCollapse: (columnKey: string) => void;
}) {
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
      <MenuItem onSelect={() => onCollapse(column.key)}>
        <ChevronsRightLeft size={14} aria-hidden="true" />
        {messages.board.collapse}
      </MenuItem>
    </Menu>
  );
}

export function Count({ count, limit }: { count: number; limit: number | null }) {
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
