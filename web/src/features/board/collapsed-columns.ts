// Which columns of a project's board this person has folded away in this browser.
import { useCallback, useState } from 'react';

const keyOf = (projectId: string) => `lime.collapsed.${projectId}`;

function read(projectId: string): ReadonlySet<string> {
  try {
    const held: unknown = JSON.parse(localStorage.getItem(keyOf(projectId)) ?? '[]');
    return new Set(Array.isArray(held) ? held.filter((key) => typeof key === 'string') : []);
  } catch {
    return new Set();
  }
}

export interface CollapsedColumns {
  readonly has: (columnKey: string) => boolean;
  readonly toggle: (columnKey: string) => void;
}

export function useCollapsedColumns(projectId: string): CollapsedColumns {
  const [collapsed, setCollapsed] = useState(() => read(projectId));
  const has = useCallback((columnKey: string) => collapsed.has(columnKey), [collapsed]);
  const toggle = useCallback(
    (columnKey: string) =>
      setCollapsed((before) => {
        const next = new Set(before);
        if (!next.delete(columnKey)) next.add(columnKey);
        try {
          localStorage.setItem(keyOf(projectId), JSON.stringify([...next]));
        } catch {
          // Storage is off: it is remembered as long as the page.
        }
        return next;
      }),
    [projectId],
  );
  return { has, toggle };
}
