import { useCallback } from 'react';
import { useBoardChanges, useBoardColumns } from '~/live/use-board-changes';

/** What a column's key is called on the project's board; the key itself when the board has no such column. */
export function useColumnName(projectId: string): (key: string) => string {
  const { store } = useBoardChanges(projectId);
  const columns = useBoardColumns(store);
  return useCallback((key: string) => columns.find((column) => column.key === key)?.name ?? key, [columns]);
}
