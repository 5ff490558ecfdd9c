import { Archive, ArrowDownToLine, ArrowUpToLine, Ellipsis, ListChecks, PanelRightOpen } from 'lucide-react';
import type { Card } from '~/gql/types';
import type { BoardStore } from '~/live/board-store';
import { messages } from '~/messages';
import { IconButton } from '~/ui/button';
import { Menu, MenuHeading, MenuItem, MenuLine } from '~/ui/menu';
import type { CardActions } from './board-card';
import { without } from './placement';

/** Everything a drag can do, without dragging; opened by the button or by M. */
export function CardMenu({
  store,
  card,
  actions,
  isChosen,
  open,
  onOpenChange,
  tabIndex,
}: {
  store: BoardStore;
  card: Card;
  actions: CardActions;
  isChosen: boolean;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  tabIndex: number;
}) {
  const { ticketId, columnKey } = card;
  const end = (key: string) => without(store.column(key), ticketId).length;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keeps the menu's clicks from opening the card beneath it
    // biome-ignore lint/a11y/useKeyWithClickEvents: as above
    <span className="-my-1 inline-flex" onClick={(event) => event.stopPropagation()}>
      <Menu
        align="end"
        open={open}
        onOpenChange={onOpenChange}
        trigger={
          <IconButton
            label={messages.board.cardMenu(card.key)}
            tabIndex={tabIndex}
            className="size-6 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 data-[state=open]:opacity-100 pointer-coarse:opacity-100"
          >
            <Ellipsis size={14} aria-hidden="true" />
          </IconButton>
        }
      >
        <MenuItem onSelect={() => actions.open(card.key)}>
          <PanelRightOpen size={14} aria-hidden="true" />
          {messages.board.open}
        </MenuItem>
        <MenuItem onSelect={() => actions.toggle(ticketId)}>
          <ListChecks size={14} aria-hidden="true" />
          {isChosen ? messages.selection.deselect : messages.selection.select}
        </MenuItem>
        <MenuLine />
        <MenuHeading>{messages.board.moveTo}</MenuHeading>
        {store.columns().map((column) => (
          <MenuItem
            key={column.key}
            disabled={column.key === columnKey}
            onSelect={() => actions.moveToColumn(ticketId, column.key, end(column.key))}
          >
            {column.name}
          </MenuItem>
        ))}
        <MenuLine />
        <MenuItem onSelect={() => actions.moveToColumn(ticketId, columnKey, 0)}>
          <ArrowUpToLine size={14} aria-hidden="true" />
          {messages.board.top}
        </MenuItem>
        <MenuItem onSelect={() => actions.moveToColumn(ticketId, columnKey, end(columnKey))}>
          <ArrowDownToLine size={14} aria-hidden="true" />
          {messages.board.bottom}
        </MenuItem>
        <MenuLine />
        <MenuItem onSelect={() => actions.archive(ticketId)}>
          <Archive size={14} aria-hidden="true" />
          {messages.board.archive}
        </MenuItem>
      </Menu>
    </span>
  );
}
