import { useCallback, useMemo, useRef, useSyncExternalStore } from 'react';
import type { BoardStore } from '~/live/board-store';
import { type BoardFilter, isFiltering, matcher, needsPerson } from './board-filter';
import { nothingShown, type ShownBoard, showBoard } from './shown-board';

export function useRevision(store: BoardStore): number {
  return useSyncExternalStore(
    useCallback((listener: () => void) => store.subscribe(listener), [store]),
    () => store.revision(),
  );
}

export function useShownBoard(store: BoardStore, filter: BoardFilter, viewerId: string): ShownBoard {
  const revision = useRevision(store);
  const before = useRef<ShownBoard>(nothingShown);
  const matches = useMemo(() => (isFiltering(filter) ? matcher(filter, viewerId) : null), [filter, viewerId]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `revision` says when to read the store again
  return useMemo(() => {
    before.current = showBoard(store, matches, before.current);
    return before.current;
  }, [store, matches, revision]);
}

/** How many cards wait for this person. */
export function useNeedsMe(store: BoardStore, viewerId: string): number {
  const revision = useRevision(store);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  return useMemo(() => {
    let count = 0;
    for (const card of store.cards()) if (needsPerson(card, viewerId)) count += 1;
    return count;
  }, [store, viewerId, revision]);
}
