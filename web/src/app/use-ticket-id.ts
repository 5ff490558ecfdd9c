import { useQuery } from '@tanstack/react-query';
import { TicketIdByKeyDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { LiveBoard } from '~/live/use-board-changes';

/** The id of "AL-12": from the board where it stands there, else (archived, another board) from the server. */
export function useTicketId(orgId: string, key: string, board: LiveBoard) {
  const isLoaded = board.load.status === 'ready';
  const onBoard = isLoaded ? [...board.store.cards()].find((card) => card.key === key)?.ticketId : undefined;
  const query = useQuery({
    queryKey: ['ticket id', orgId, key],
    queryFn: async ({ signal }) => (await request(TicketIdByKeyDocument, { orgId, key }, signal)).ticketByKey.id,
    enabled: isLoaded && onBoard === undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { ticketId: onBoard ?? query.data, error: onBoard ? null : query.error, retry: () => void query.refetch() };
}
