// Moves a card: shown at once, sent with the version that the person saw, and put back with the reason when it is refused.
import { useCallback } from 'react';
import { newCommandId } from '~/gql/command-id';
import { MoveTicketDocument } from '~/gql/generated';
import { RequestError, request } from '~/gql/request';
import type { BoardStore } from '~/live/board-store';
import { commands } from '~/live/command-queue';
import { rankBetween } from '~/live/rank';
import { messages } from '~/messages';
import { tellFailure, tellStale, who } from '~/ui/outcome';
import { neighboursAt, type Target } from './placement';

export interface Move extends Target {
  readonly ticketId: string;
  /** The version that the person saw when they took the card in hand: what happened since makes the move stale. */
  readonly seenVersion: number | undefined;
}

const STREAM_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 50;

/** Waits until the stream has brought the version that won, so that the toast can say where the card is now. */
async function untilSeen(store: BoardStore, ticketId: string, version: number | undefined): Promise<void> {
  for (let waited = 0; version !== undefined && waited < STREAM_WITHIN_MS; waited += LOOK_EVERY_MS) {
    if ((store.confirmedVersion(ticketId) ?? 0) >= version) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

export function useMoveTicket(store: BoardStore): (move: Move) => Promise<void> {
  return useCallback(
    async ({ ticketId, columnKey, index, seenVersion }) => {
      const card = store.card(ticketId);
      if (!card) return;
      const order = store.column(columnKey);
      const { afterId, beforeId } = neighboursAt(order, ticketId, index);
      if (card.columnKey === columnKey && order.indexOf(ticketId) === index) return;

      const commandId = newCommandId();
      const rank = rankBetween(rankOf(store, afterId), rankOf(store, beforeId));
      store.begin({ commandId, ticketId, apply: (shown) => shown && { ...shown, columnKey, rank } });
      try {
        const { version } = await commands.enqueue(ticketId, async (versionBefore) => {
          const expectedVersion = versionBefore ?? seenVersion ?? null;
          // One neighbour says it all. Two could contradict each other once somebody else has moved one of them.
          const place = afterId ? { afterId } : { beforeId };
          const input = { commandId, ticketId, expectedVersion, columnKey, ...place };
          return (await request(MoveTicketDocument, { input })).moveTicket;
        });
        store.acknowledge(commandId, version);
      } catch (cause) {
        store.refuse(commandId);
        if (!(cause instanceof RequestError) || cause.code !== 'STALE') {
          tellFailure(messages.outcome.notMoved(card.key), cause);
          return;
        }
        await untilSeen(store, ticketId, cause.details.version);
        const { by, when } = who(cause);
        const now = store.card(ticketId)?.columnKey;
        const where = store.columns().find((column) => column.key === now)?.name ?? '';
        tellStale(messages.outcome.stale(by, card.key, where, when), messages.outcome.staleDetail);
      }
    },
    [store],
  );
}

function rankOf(store: BoardStore, ticketId: string | null): string | null {
  return (ticketId && store.card(ticketId)?.rank) || null;
}
