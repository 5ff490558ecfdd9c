import { Archive, ArrowRightLeft, SignalHigh, UserRound, X } from 'lucide-react';
import { Toolbar } from 'radix-ui';
import type { ComponentProps } from 'react';
import type { Priority, User } from '~/gql/types';
import type { BoardColumn } from '~/live/board-store';
import { messages } from '~/messages';
import { PersonAvatar } from '~/ui/avatar';
import { Menu, MenuItem } from '~/ui/menu';
import { PriorityMark } from '~/ui/priority';

const text = messages.selection;
const PRIORITIES: readonly Priority[] = ['URGENT', 'HIGH', 'MEDIUM', 'LOW'];

/** On a phone the signs alone stand there, with their words for those who do not see them. */
const onPhone = 'max-[520px]:sr-only';

export type BulkMenu = 'move' | 'assign' | 'priority';

interface Props {
  count: number;
  columns: readonly BoardColumn[];
  people: readonly User[];
  open: BulkMenu | null;
  onOpen: (menu: BulkMenu | null) => void;
  onMove: (columnKey: string) => void;
  onAssign: (user: User | null) => void;
  onPrioritise: (priority: Priority | null) => void;
  onArchive: () => void;
  onClear: () => void;
}

/** What can be done with all selected cards at once; stands over the board while there are any. */
export function BulkBar(props: Props) {
  const { count, columns, people, open, onOpen, onMove, onAssign, onPrioritise, onArchive, onClear } = props;
  const menu = (name: BulkMenu) => ({
    open: open === name,
    onOpenChange: (isOpen: boolean) => onOpen(isOpen ? name : null),
  });
  return (
    <Toolbar.Root
      aria-label={text.bar}
      data-testid="bulk-bar"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        onClear();
      }}
      className="rise absolute inset-x-2 bottom-3 z-20 mx-auto flex w-fit max-w-[calc(100%-16px)] items-center gap-0.5 overflow-x-auto rounded-lg border border-line-strong bg-raised p-1 text-xs shadow-pop"
    >
      <span role="status" className="shrink-0 px-2.5 font-semibold tabular-nums">
        {text.count(count)}
      </span>
      <Menu
        {...menu('move')}
        trigger={
          <BarButton>
            <ArrowRightLeft size={14} aria-hidden="true" />
            <span className={onPhone}>{text.moveTo}</span>
          </BarButton>
        }
      >
        {columns.map((column) => (
          <MenuItem key={column.key} onSelect={() => onMove(column.key)}>
            {column.name}
          </MenuItem>
        ))}
      </Menu>
      <Menu
        {...menu('assign')}
        trigger={
          <BarButton>
            <UserRound size={14} aria-hidden="true" />
            <span className={onPhone}>{text.assign}</span>
          </BarButton>
        }
      >
        {people.map((user) => (
          <MenuItem key={user.id} onSelect={() => onAssign(user)}>
            <PersonAvatar id={user.id} name={user.name} size={18} />
            <span className="truncate">{user.name}</span>
          </MenuItem>
        ))}
        <MenuItem onSelect={() => onAssign(null)}>{messages.ticket.nobody}</MenuItem>
      </Menu>
      <Menu
        {...menu('priority')}
        trigger={
          <BarButton>
            <SignalHigh size={14} aria-hidden="true" />
            <span className={onPhone}>{text.priority}</span>
          </BarButton>
        }
      >
        {PRIORITIES.map((level) => (
          <MenuItem key={level} onSelect={() => onPrioritise(level)}>
            <PriorityMark level={level} />
            {messages.priorities[level]}
          </MenuItem>
        ))}
        <MenuItem onSelect={() => onPrioritise(null)}>{messages.noPriority}</MenuItem>
      </Menu>
      <BarButton onClick={onArchive}>
        <Archive size={14} aria-hidden="true" />
        <span className={onPhone}>{text.archive}</span>
      </BarButton>
      <BarButton onClick={onClear} aria-label={text.clear} title={text.clear}>
        <X size={14} aria-hidden="true" />
      </BarButton>
    </Toolbar.Root>
  );
}

function BarButton(props: ComponentProps<'button'>) {
  return (
    <Toolbar.Button
      className="inline-flex h-8 shrink-0 items-center gap-2 rounded-md px-2.5 font-medium text-ink-2 hover:bg-hover hover:text-ink data-[state=open]:bg-hover"
      {...props}
    />
  );
}
