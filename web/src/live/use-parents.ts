// Which ticket is part of which. A card does not say it, so it is asked of those that can contain others; again every
// while, because nothing tells when it changes.
import { useQueries } from '@tanstack/react-query';
import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { ChildrenDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { BoardStore } from './board-store';

const LOOK_AGAIN_MS = 20_000;
/** More epics and stories than this are not asked on and on: a board so large is read once. */
const OFTEN_UP_TO = 50;
const CONTAINERS: readonly string[] = ['EPIC', 'STORY'];

type Family = readonly { readonly id: string; readonly children: readonly { readonly id: string }[] }[];

/** Ticket → its parent, for the tickets of this board; empty while it is not `wanted`. */
export function useParents(store: BoardStore, wanted: boolean): ReadonlyMap<string, string> {
  const ids = useSyncExternalStore(
    useCallback((listener: () => void) => store.subscribe(listener), [store]),
    // A string, so that it is the same while the same tickets can contain others.
    () => (wanted ? containersOf(store) : ''),
  );
  const containers = useMemo(() => ids.split(' ').filter(Boolean), [ids]);
  const refetchInterval = containers.length <= OFTEN_UP_TO ? LOOK_AGAIN_MS : (false as const);
  return useQueries({
    queries: containers.map((id) => ({
      queryKey: ['children', id],
      queryFn: async ({ signal }: { signal: AbortSignal }) => (await request(ChildrenDocument, { id }, signal)).ticket,
      refetchInterval,
      staleTime: LOOK_AGAIN_MS,
    })),
    combine: useCallback(
      (results: readonly { readonly data?: Family[number] | undefined }[]) =>
        parentsOf(results.flatMap(({ data }) => data ?? [])),
      [],
    ),
  });
}

function containersOf(store: BoardStore): string {
  const ids: string[] = [];
  for (const card of store.cards()) if (card.key !== '' && CONTAINERS.includes(card.kind)) ids.push(card.ticketId);
  return ids.sort().join(' ');
}

function parentsOf(family: Family): ReadonlyMap<string, string> {
  return new Map(family.flatMap(({ id, children }) => children.map((child) => [child.id, id] as const)));
}
