// One event of the log as the rest of a sentence. The payload is read with care: an event of a newer server may lack
// what this build knows, and is then named by its own name.
import type { Priority, Role, RunMode, TicketKind } from '~/gql/types';
import { messages } from '~/messages';
import { providerName } from './avatar';
import { dollars } from './format';

export interface Names {
  readonly column: (key: string) => string;
  readonly user: (id: string) => string;
}

type Payload = Readonly<Record<string, unknown>>;

const text = messages.events;

const asPayload = (payload: unknown): Payload =>
  typeof payload === 'object' && payload !== null ? (payload as Payload) : {};

const word = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const upper = (value: unknown): string => word(value).toUpperCase();

const money = (value: unknown): string => dollars(Number(value) || 0);
const budget = (payload: Payload): string => {
  const kind = word(asPayload(payload.scope).kind);
  return text.budgetScopes[kind] ?? kind;
};

const role = (value: unknown): string | null => messages.roles[upper(value) as Role] ?? null;

type Sentence = (payload: Payload, names: Names) => string;

const sentences: Readonly<Record<string, Sentence>> = {
  OrgCreated: (payload) => text.OrgCreated(word(payload.name)),
  MemberJoined: () => text.MemberJoined,
  MemberInvited: (payload) => text.MemberInvited(role(payload.role) ?? ''),
  InvitationRevoked: () => text.InvitationRevoked,
  MemberRoleChanged: (payload, names) =>
    text.MemberRoleChanged(names.user(word(payload.user)), role(payload.role) ?? ''),
  MemberRoleSet: (payload, names) => text.MemberRoleSet(names.user(word(payload.user)), role(payload.role)),
  MemberRemoved: (payload, names) => text.MemberRemoved(names.user(word(payload.user))),
  MemberSignedIn: (payload) => text.MemberSignedIn(text.signInMethods[word(payload.method)] ?? ''),
  SessionRevoked: () => text.SessionRevoked,
  TokenCreated: () => text.TokenCreated,
  TokenRevoked: () => text.TokenRevoked,
  SignInRefused: (payload, names) =>
    text.SignInRefused(payload.user ? names.user(word(payload.user)) : null, text.refusals[word(payload.reason)] ?? ''),
  ProviderKeySet: (payload) => text.ProviderKeySet(providerName(word(payload.provider)), word(payload.last_four)),
  ProviderKeyRemoved: (payload) => text.ProviderKeyRemoved(providerName(word(payload.provider))),
  BudgetSet: (payload) =>
    text.BudgetSet(budget(payload), payload.limit_usd_micros === null ? null : money(payload.limit_usd_micros)),
  BudgetWarned: (payload) =>
    text.BudgetWarned(budget(payload), money(payload.spent_usd_micros), money(payload.limit_usd_micros)),
  BudgetUsedUp: (payload) =>
    text.BudgetUsedUp(budget(payload), money(payload.spent_usd_micros), money(payload.limit_usd_micros)),
  OrgTimeZoneSet: (payload) => text.OrgTimeZoneSet(word(payload.time_zone)),
  ProjectCreated: (payload) => text.ProjectCreated(word(payload.name)),
  BoardCreated: (payload) => text.BoardCreated(word(payload.name)),
  RepositoryConnected: (payload) => text.RepositoryConnected(word(payload.name)),
  RepositoryDisconnected: () => text.RepositoryDisconnected,
  TicketCreated: (payload, names) => text.TicketCreated(names.column(word(payload.column))),
  TicketRetitled: (payload) => text.TicketRetitled(word(payload.title)),
  TicketDescribed: () => text.TicketDescribed,
  TicketKindChanged: (payload) => text.TicketKindChanged(messages.kinds[upper(payload.kind) as TicketKind] ?? ''),
  TicketReparented: () => text.TicketReparented,
  TicketLabelled: (payload) => text.TicketLabelled(list(payload.labels).join(', ')),
  TicketPrioritised: (payload) =>
    text.TicketPrioritised(messages.priorities[upper(payload.priority) as Priority] ?? null),
  TicketEstimated: () => text.TicketEstimated,
  TicketDueDateSet: () => text.TicketDueDateSet,
  TicketMoved: (payload, names) => text.TicketMoved(names.column(word(payload.from)), names.column(word(payload.to))),
  TicketAssigned: (payload, names) => text.TicketAssigned(payload.assignee ? names.user(word(payload.assignee)) : null),
  TicketDelegated: (payload) => text.TicketDelegated(payload.provider ? providerName(word(payload.provider)) : null),
  TicketCommented: () => text.TicketCommented,
  TicketArchived: () => text.TicketArchived,
  TicketRestored: (payload, names) => text.TicketRestored(names.column(word(payload.column))),
  RunRequested: (payload) =>
    text.RunRequested(messages.modes[upper(payload.mode) as RunMode] ?? '', providerName(word(payload.provider))),
  RunLeased: () => text.RunLeased,
  RunWorkStarted: (payload) => text.RunWorkStarted(word(payload.program)),
  RunPlanItemProposed: (payload) => text.RunPlanItemProposed(word(payload.title)),
  RunArtifactProduced: (payload) => text.RunArtifactProduced(word(payload.name)),
  RunCostReached: (payload) => text.RunCostReached(dollars(Number(payload.cost_usd_micros) || 0)),
  RunBudgetWarned: (payload) => text.RunBudgetWarned(money(payload.spent_usd_micros), money(payload.limit_usd_micros)),
  RunCancelRequested: () => text.RunCancelRequested,
  RunEnded: (payload) => {
    const result = word(asPayload(payload.outcome).result);
    return text.RunEnded(text.results[result] ?? result);
  },
  RunPlanAccepted: (payload) => text.RunPlanAccepted(list(payload.tickets).length),
};

export function eventText(action: string, payload: unknown, names: Names): string {
  return sentences[action]?.(asPayload(payload), names) ?? text.other(action);
}
