import { useSyncExternalStore } from 'react';
import type { BoardStore } from '~/live/board-store';

/** Whether no column of the board has a ticket. */
export function useIsEmpty(store: BoardStore): boolean {
  return useSyncExternalStore(
    (listener) => {
      const stops = store.columns().map((column) => store.subscribeColumn(column.key, listener));
      stops.push(store.subscribeColumns(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
    () => store.columns().length > 0 && store.columns().every((column) => store.column(column.key).length === 0),
  );
}
