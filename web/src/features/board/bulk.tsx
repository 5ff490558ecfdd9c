import type { User } from '~/gql/types';
import type { BoardActions } from './board-actions';
import type { BoardHand } from './board-hand';
import { type BoardSelection, useChosen } from './board-selection';
import { BulkBar, type BulkMenu } from './bulk-bar';
import { focusBeside } from './focus-beside';
import type { ShownBoard } from './shown-board';

export interface BulkProps {
  actions: BoardActions;
  hand: BoardHand;
  selection: BoardSelection;
  board: ShownBoard;
  people: readonly User[];
  open: BulkMenu | null;
  onOpen: (menu: BulkMenu | null) => void;
}

/** The bar, with what its buttons do to the selected cards. */
export function Bulk({ actions, hand, selection, board, people, open, onOpen }: BulkProps) {
  const chosen = useChosen();
  if (chosen.size === 0) return null;
  // In the order of the board, not in that of choosing: so they keep it where they go.
  const tickets = [...board.orders.values()].flat().filter((ticketId) => chosen.has(ticketId));
  return (
    <BulkBar
      count={chosen.size}
      columns={board.columns}
      people={people}
      open={open}
      onOpen={onOpen}
      onMove={(columnKey) => void actions.moveAll(tickets, columnKey)}
      onAssign={(user) => void actions.assign(tickets, user)}
      onPrioritise={(priority) => void actions.prioritise(tickets, priority)}
      onArchive={() => {
        focusBeside(board, hand, chosen);
        void actions.archive(tickets);
      }}
      onClear={() => {
        selection.clear();
        const last = tickets.at(-1);
        if (last) hand.want(last);
      }}
    />
  );
}
