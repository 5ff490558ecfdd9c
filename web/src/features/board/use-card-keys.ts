// The keyboard's way of everything a pointer can do with a card: arrows (or H J K L) go from card to card, Space lifts,
// arrows move what is lifted as a preview here only, Space drops it with one command, Escape puts it back.
import { type KeyboardEvent, useCallback } from 'react';
import type { BoardStore } from '~/live/board-store';
import { messages } from '~/messages';
import { announce } from '~/ui/announcer';
import type { BoardHand } from './board-hand';
import { type Direction, neighbour, step, without } from './placement';
import type { Move } from './use-move-ticket';

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  k: 'up',
  j: 'down',
  h: 'left',
  l: 'right',
};

export interface CardKeys {
  readonly store: BoardStore;
  readonly hand: BoardHand;
  readonly move: (move: Move) => Promise<void>;
  readonly open: (key: string) => void;
}

export function useCardKeys({ store, hand, move, open }: CardKeys) {
  return useCallback(
    (event: KeyboardEvent<HTMLElement>, ticketId: string, openMenu: () => void) => {
      const card = store.card(ticketId);
      // Keys of a control inside the card are that control's own; and a card the server has not named yet stays put.
      if (!card || card.key === '' || event.target !== event.currentTarget) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const lifted = hand.lifted();
      const direction = DIRECTIONS[event.key];

      if (direction && lifted) {
        event.preventDefault();
        const target = step(lifted, direction, store.columns(), (key) => without(store.column(key), ticketId).length);
        hand.lift({ ...lifted, ...target });
        hand.want(ticketId);
        const column = store.columns().find((candidate) => candidate.key === target.columnKey);
        const length = without(store.column(target.columnKey), ticketId).length + 1;
        announce(messages.board.at(card.key, column?.name ?? '', target.index + 1, length));
      } else if (direction) {
        event.preventDefault();
        const next = neighbour(ticketId, card.columnKey, direction, store.columns(), (key) => store.column(key));
        if (next) hand.want(next);
      } else if (event.key === ' ' && lifted) {
        event.preventDefault();
        hand.lift(null);
        hand.drop(ticketId);
        void move(lifted);
        hand.want(ticketId);
        const column = store.columns().find((candidate) => candidate.key === lifted.columnKey);
        announce(messages.board.dropped(card.key, column?.name ?? '', lifted.index + 1));
      } else if (event.key === ' ') {
        event.preventDefault();
        const index = store.column(card.columnKey).indexOf(ticketId);
        hand.lift({ ticketId, columnKey: card.columnKey, index, seenVersion: store.confirmedVersion(ticketId) });
        announce(messages.board.lifted(card.key));
      } else if (event.key === 'Escape' && lifted) {
        event.preventDefault();
        hand.lift(null);
        hand.want(ticketId);
        announce(messages.board.putBack(card.key));
      } else if (event.key === 'Enter' && !lifted) {
        event.preventDefault();
        open(card.key);
      } else if (event.key === 'm' && !lifted) {
        event.preventDefault();
        openMenu();
      }
    },
    [store, hand, move, open],
  );
}
