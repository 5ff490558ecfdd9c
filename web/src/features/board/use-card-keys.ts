// The keyboard's way of everything a pointer can do with a card: arrows (or H J K L) go from card to card, Space lifts,
// arrows move what is lifted as a preview here only, Space drops it with one command, Escape puts it back. X chooses, Shift
// with the arrows chooses a range; M, A and P act on what is chosen.
import { type KeyboardEvent, useCallback } from 'react';
import type { BoardStore } from '~/live/board-store';
import { messages } from '~/messages';
import { announce } from '~/ui/announcer';
import { singleKeysOn } from '~/ui/keys';
import type { BoardHand } from './board-hand';
import type { BoardSelection } from './board-selection';
import type { BulkMenu } from './bulk-bar';
import type { Drop } from './cell';
import type { Layout } from './layout';
import { type Direction, step, without } from './placement';
import { orderIn } from './shown-board';

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};
const LETTERS: Readonly<Record<string, Direction>> = { k: 'up', j: 'down', h: 'left', l: 'right' };
const MENUS: Readonly<Record<string, BulkMenu>> = { m: 'move', a: 'assign', p: 'priority' };

export interface CardKeys {
  readonly store: BoardStore;
  readonly hand: BoardHand;
  readonly selection: BoardSelection;
  readonly openBulk: (menu: BulkMenu) => void;
  /** What is on screen at the moment of the key. */
  readonly layout: () => Layout;
  readonly drop: Drop;
  readonly open: (key: string) => void;
}

export function useCardKeys({ store, hand, selection, openBulk, layout, drop, open }: CardKeys) {
  return useCallback(
    (event: KeyboardEvent<HTMLElement>, ticketId: string, openMenu: () => void) => {
      const card = store.card(ticketId);
      // Keys of a control inside the card are that control's own; and a card the server has not named yet stays put.
      if (!card || card.key === '' || event.target !== event.currentTarget) return;
      const screen = layout();
      if ((event.ctrlKey || event.metaKey) && event.key === 'a') {
        event.preventDefault();
        selection.add(screen.range(ticketId));
        announce(messages.selection.count(selection.chosen().size));
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const lifted = hand.lifted();
      const letter = singleKeysOn() ? event.key.toLowerCase() : '';
      const around = screen.around(ticketId);
      const direction = ARROWS[event.key] ?? LETTERS[letter];
      const menu = MENUS[letter];

      if (direction && lifted && around) {
        event.preventDefault();
        const { board } = around;
        const lengthOf = (key: string) => without(orderIn(board, key), ticketId).length;
        const target = step(lifted, direction, board.columns, lengthOf);
        hand.lift({ ...lifted, ...target });
        hand.want(ticketId);
        const column = board.columns.find((candidate) => candidate.key === target.columnKey);
        announce(messages.board.at(card.key, column?.name ?? '', target.index + 1, lengthOf(target.columnKey) + 1));
      } else if (direction && !lifted) {
        event.preventDefault();
        const next = screen.next(ticketId, card.columnKey, direction);
        if (!next) return;
        // A range runs along a column; sideways there is none to draw.
        if (event.shiftKey && (direction === 'up' || direction === 'down')) {
          selection.extend(screen.range(ticketId), next, ticketId);
          announce(messages.selection.count(selection.chosen().size));
        }
        hand.want(next);
      } else if (event.key === ' ' && lifted) {
        event.preventDefault();
        hand.lift(null);
        drop({ ...lifted, shownIndex: lifted.index });
        hand.want(ticketId);
        const column = store.columns().find((candidate) => candidate.key === lifted.columnKey);
        announce(messages.board.dropped(card.key, column?.name ?? '', lifted.index + 1));
      } else if (event.key === ' ') {
        event.preventDefault();
        if (!around) return;
        const { board, laneId } = around;
        const index = orderIn(board, card.columnKey).indexOf(ticketId);
        hand.lift({
          ticketId,
          columnKey: card.columnKey,
          laneId,
          index,
          seenVersion: store.confirmedVersion(ticketId),
        });
        announce(messages.board.lifted(card.key));
      } else if (event.key === 'Escape' && lifted) {
        event.preventDefault();
        hand.lift(null);
        hand.want(ticketId);
        announce(messages.board.putBack(card.key));
      } else if (event.key === 'Enter' && !lifted) {
        event.preventDefault();
        open(card.key);
      } else if (letter === 'x' && !lifted) {
        event.preventDefault();
        selection.toggle(ticketId);
        announce(messages.selection.count(selection.chosen().size));
      } else if (menu && !lifted) {
        event.preventDefault();
        if (menu === 'move' && selection.chosen().size === 0) {
          openMenu();
          return;
        }
        if (selection.chosen().size === 0) selection.toggle(ticketId);
        openBulk(menu);
      }
    },
    [store, hand, selection, openBulk, layout, drop, open],
  );
}
