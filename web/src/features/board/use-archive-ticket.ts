import { useCallback } from 'react';
import { newCommandId } from '~/gql/command-id';
import { ArchiveTicketDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { BoardStore } from '~/live/board-store';
import { commands } from '~/live/command-queue';
import { messages } from '~/messages';
import { tellDone, tellFailure } from '~/ui/outcome';

export function useArchiveTicket(store: BoardStore): (ticketId: string) => Promise<void> {
  return useCallback(
    async (ticketId) => {
      const card = store.card(ticketId);
      if (!card) return;
      const commandId = newCommandId();
      store.begin({ commandId, ticketId, apply: () => undefined });
      try {
        const { version } = await commands.enqueue(ticketId, async (versionBefore) => {
          const input = { commandId, ticketId, expectedVersion: versionBefore ?? card.version };
          return (await request(ArchiveTicketDocument, { input })).archiveTicket;
        });
        store.acknowledge(commandId, version);
        tellDone(messages.ticket.archivedToast(card.key));
      } catch (cause) {
        store.refuse(commandId);
        tellFailure(messages.outcome.notDone(messages.ticket.archive), cause);
      }
    },
    [store],
  );
}
