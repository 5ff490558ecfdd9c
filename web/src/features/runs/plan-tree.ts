// A plan as a tree, and what choosing one item means: an item goes on the board with its ancestors, because a task
// whose story is missing would hang in the air, and leaves it with all below it.
import type { PlanItem } from '~/gql/types';

export interface PlanRow {
  readonly item: PlanItem;
  readonly depth: number;
}

/** Parents before their children, in the order in which the agent made them. */
export function planRows(plan: readonly PlanItem[]): readonly PlanRow[] {
  const ids = new Set(plan.map((item) => item.id));
  const children = new Map<string | null, PlanItem[]>();
  for (const item of plan) {
    const parent = item.parentId !== null && ids.has(item.parentId) ? item.parentId : null;
    children.set(parent, [...(children.get(parent) ?? []), item]);
  }
  const rows: PlanRow[] = [];
  const seen = new Set<string>();
  const visit = (parent: string | null, depth: number) => {
    for (const item of children.get(parent) ?? []) {
      if (seen.has(item.id)) continue;
      seen.add(item.id);
      rows.push({ item, depth });
      visit(item.id, depth + 1);
    }
  };
  visit(null, 0);
  return rows;
}

/** The choice after `id` was ticked or unticked. */
export function toggled(plan: readonly PlanItem[], chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(chosen);
  const byId = new Map(plan.map((item) => [item.id, item]));
  if (!chosen.has(id)) {
    const seen = new Set<string>();
    for (let at = byId.get(id); at && !seen.has(at.id); at = at.parentId === null ? undefined : byId.get(at.parentId)) {
      seen.add(at.id);
      next.add(at.id);
    }
    return next;
  }
  const drop = (parent: string) => {
    if (!next.delete(parent)) return;
    for (const item of plan) if (item.parentId === parent) drop(item.id);
  };
  drop(id);
  return next;
}

export const openItems = (plan: readonly PlanItem[]): readonly PlanItem[] =>
  plan.filter((item) => item.acceptedTicket === null);
