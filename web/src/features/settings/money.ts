// Amounts of money as people type them, and budgets by name.
import type { Budget, Project } from '~/gql/types';
import { messages } from '~/messages';

const MICROS = 1_000_000;
const text = messages.settings.money;

/** Micro-dollars of "20", "0.50" or "$1.5"; null for what is no amount. */
export function microsOf(typed: string): number | null {
  const match = /^\s*\$?\s*(\d{1,9})(?:\.(\d{1,6}))?\s*$/.exec(typed);
  if (!match) return null;
  const [, whole = '', rest = ''] = match;
  return Number(whole) * MICROS + Number(rest.padEnd(6, '0'));
}

/** What a person would type for it: at least cents, no more than it takes. */
export function typedOf(micros: number): string {
  const [whole = '0', rest = ''] = (micros / MICROS).toFixed(6).split('.');
  const short = rest.replace(/0+$/, '');
  return `${whole}.${short.padEnd(2, '0')}`;
}

export function budgetName(budget: Budget, projects: readonly Project[]): string {
  if (budget.scope === 'PROJECT') {
    const project = projects.find(({ id }) => id === budget.projectId);
    return project ? text.ofProject(project.name) : text.goneProject;
  }
  if (budget.scope === 'TICKET' && budget.ticket) return text.ofTicket(budget.ticket.key);
  return text.scopeNames[budget.scope];
}
