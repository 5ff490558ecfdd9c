import { useMemo, useRef } from 'react';
import type { BoardStore } from '~/live/board-store';
import { useParents } from '~/live/use-parents';
import type { LaneKind } from './board-view';
import type { ShownBoard } from './shown-board';
import { intoLanes, type Lane } from './swimlanes';
import { useRevision } from './use-shown-board';

const none: readonly Lane[] = [];

/** The rows of the board; none while it is not cut into any. */
export function useLanes(store: BoardStore, shown: ShownBoard, kind: LaneKind | null): readonly Lane[] {
  const revision = useRevision(store);
  const parents = useParents(store, kind === 'epic');
  const before = useRef<readonly Lane[]>(none);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `revision` says when to read the store again
  return useMemo(() => {
    before.current = kind ? intoLanes(shown, kind, parents, store, before.current) : none;
    return before.current;
  }, [store, shown, kind, parents, revision]);
}
