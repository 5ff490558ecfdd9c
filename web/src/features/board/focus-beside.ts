import type { BoardHand } from './board-hand';
import type { ShownBoard } from './shown-board';

/** Cards that go take no focus with them: it passes to the next one that stays. */
export function focusBeside(board: ShownBoard, hand: BoardHand, going: ReadonlySet<string>): void {
  for (const order of board.orders.values()) {
    const last = order.findLastIndex((ticketId) => going.has(ticketId));
    if (last < 0) continue;
    const next = order.slice(last + 1)[0] ?? order.findLast((ticketId) => !going.has(ticketId));
    if (!next) continue;
    hand.want(next);
    return;
  }
}
