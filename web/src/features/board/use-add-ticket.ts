import { useCallback } from 'react';
import { newCommandId } from '~/gql/command-id';
import { CreateTicketDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Card } from '~/gql/types';
import type { BoardStore } from '~/live/board-store';
import { sendUntilAnswered } from '~/live/command-queue';
import { rankBetween } from '~/live/rank';
import { messages } from '~/messages';
import { announce } from '~/ui/announcer';
import { tellFailure } from '~/ui/outcome';

/** Adds a ticket at the end of a column; until the server has named it, a card without a key stands in its place. Answers whether it was added. */
export function useAddTicket(store: BoardStore, projectId: string) {
  return useCallback(
    async (columnKey: string, title: string): Promise<boolean> => {
      const commandId = newCommandId();
      const last = store.column(columnKey).at(-1);
      const rank = rankBetween((last && store.card(last)?.rank) ?? null, null);
      const placeholder: Card = {
        ticketId: commandId,
        key: '',
        version: 0,
        title,
        kind: 'TASK',
        columnKey,
        rank,
        priority: null,
        labels: [],
        assignee: null,
        delegate: null,
        repo: null,
        branch: null,
        run: null,
        costUsdMicros: 0,
        commentCount: 0,
      };
      store.begin({ commandId, ticketId: commandId, apply: () => placeholder });
      try {
        const input = { commandId, projectId, boardId: store.boardId, title, columnKey };
        const { createTicket } = await sendUntilAnswered(() => request(CreateTicketDocument, { input }));
        store.acknowledge(commandId, createTicket.version, createTicket.ticket.id);
        announce(messages.ticket.created(createTicket.ticket.key));
        return true;
      } catch (cause) {
        store.refuse(commandId);
        tellFailure(messages.ticket.createFailed, cause);
        return false;
      }
    },
    [store, projectId],
  );
}
