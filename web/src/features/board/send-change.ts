// A change of a card as the command that the server knows.
import {
  ArchiveTicketDocument,
  AssignTicketDocument,
  EditTicketDocument,
  MoveTicketDocument,
  RestoreTicketDocument,
} from '~/gql/generated';
import { request } from '~/gql/request';
import { commands } from '~/live/command-queue';
import type { Command, Send } from './board-desk';

export const sendChange: Send = (command) =>
  commands.enqueue(command.ticketId, (versionBefore) => sendOnce(command, versionBefore));

async function sendOnce(
  { commandId, ticketId, expectedVersion, change, anchor }: Command,
  versionBefore: number | undefined,
): Promise<{ version: number }> {
  const base = { commandId, ticketId, expectedVersion: versionBefore ?? expectedVersion ?? null };
  switch (change.kind) {
    case 'move': {
      // One neighbour says it all. Two could contradict each other once somebody else has moved one of them.
      const place = anchor.afterId ? { afterId: anchor.afterId } : { beforeId: anchor.beforeId };
      const input = { ...base, columnKey: change.to.columnKey, ...place };
      return (await request(MoveTicketDocument, { input })).moveTicket;
    }
    case 'assign':
      return (await request(AssignTicketDocument, { input: { ...base, userId: change.user?.id ?? null } }))
        .assignTicket;
    case 'prioritise':
      return (await request(EditTicketDocument, { input: { ...base, priority: change.priority } })).editTicket;
    case 'archive':
      return (await request(ArchiveTicketDocument, { input: base })).archiveTicket;
    case 'restore':
      return (await request(RestoreTicketDocument, { input: base })).restoreTicket;
  }
}
