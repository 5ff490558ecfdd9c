import { useQuery } from '@tanstack/react-query';
import { TicketIdByKeyDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { LiveBoard } from '~/live/use-board-changes';

/**
 * The id of "AL-12": from the board where it stands there, else (archived, another board) from the server. Found once,
 * it stays: a ticket that leaves the board while its drawer is open is still the same ticket.
 */
export function useTicketId(orgId: string, key: string, board: LiveBoard) {
  const { data, error, refetch } = useQuery({
    queryKey: ['ticket id', orgId, key],
    queryFn: async ({ signal }) => {
      for (const card of board.store.cards()) if (card.key === key) return card.ticketId;
      return (await request(TicketIdByKeyDocument, { orgId, key }, signal)).ticketByKey.id;
    },
    enabled: board.load.status === 'ready',
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return { ticketId: data, error, retry: () => void refetch() };
}
