// Where the keyboard goes on each of the ways to look at a board. A card that is not on screen is no stop.
import { type Direction, neighbour } from './placement';
import { orderIn, type ShownBoard } from './shown-board';
import type { Lane } from './swimlanes';

export interface Layout {
  /** The columns between which a card in hand moves: those of its lane. Null where nothing can be lifted. */
  readonly around: (ticketId: string) => { readonly board: ShownBoard; readonly laneId?: string } | null;
  readonly next: (ticketId: string, columnKey: string, direction: Direction) => string | undefined;
  /** The list along which a range of selected cards runs. */
  readonly range: (ticketId: string) => readonly string[];
}

const only = (ticketId: string): readonly string[] => [ticketId];

const listWith = (board: ShownBoard, ticketId: string): readonly string[] =>
  [...board.orders.values()].find((order) => order.includes(ticketId)) ?? only(ticketId);

export function boardLayout(board: ShownBoard): Layout {
  return {
    around: () => ({ board }),
    next: (ticketId, columnKey, direction) =>
      neighbour(ticketId, columnKey, direction, board.columns, (key) => orderIn(board, key)),
    range: (ticketId) => listWith(board, ticketId),
  };
}

/** Above the first card of a cell stands the last one of the same column in the lane above it. */
export function laneLayout(lanes: readonly Lane[]): Layout {
  const laneOf = (ticketId: string) =>
    lanes.findIndex(({ board }) => [...board.orders.values()].some((order) => order.includes(ticketId)));
  return {
    around: (ticketId) => {
      const lane = lanes[laneOf(ticketId)];
      return lane ? { board: lane.board, laneId: lane.id } : null;
    },
    next: (ticketId, columnKey, direction) => {
      const at = laneOf(ticketId);
      const lane = lanes[at];
      if (!lane) return undefined;
      const within = boardLayout(lane.board).next(ticketId, columnKey, direction);
      if (within || direction === 'left' || direction === 'right') return within;
      const beyond = direction === 'up' ? lanes.slice(0, at).reverse() : lanes.slice(at + 1);
      for (const { board } of beyond) {
        const order = orderIn(board, columnKey);
        if (order.length > 0) return direction === 'up' ? order.at(-1) : order[0];
      }
      return undefined;
    },
    range: (ticketId) => {
      const lane = lanes[laneOf(ticketId)];
      return lane ? listWith(lane.board, ticketId) : only(ticketId);
    },
  };
}

/** A list has no places to put a card: what is sorted has its order from elsewhere. */
export function listLayout(tickets: readonly string[]): Layout {
  return {
    around: () => null,
    next: (ticketId, _, direction) => {
      if (direction === 'left' || direction === 'right') return undefined;
      return tickets[tickets.indexOf(ticketId) + (direction === 'up' ? -1 : 1)];
    },
    range: () => tickets,
  };
}

/** Without the columns that are folded away. */
export const unfolded = (board: ShownBoard, isCollapsed: (columnKey: string) => boolean): ShownBoard => ({
  ...board,
  columns: board.columns.filter(({ key }) => !isCollapsed(key)),
});
