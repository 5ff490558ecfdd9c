import { useQuery } from '@tanstack/react-query';
import { ProvidersDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Provider } from '~/gql/types';

/** Workers come and go, and with them what can be asked of them. */
const LOOK_AGAIN_MS = 15_000;
const none: readonly Provider[] = [];

export function useProviders(orgId: string): readonly Provider[] {
  const { data } = useQuery({
    queryKey: ['providers', orgId],
    queryFn: async ({ signal }) => (await request(ProvidersDocument, { orgId }, signal)).providers,
    refetchInterval: LOOK_AGAIN_MS,
  });
  return data ?? none;
}
