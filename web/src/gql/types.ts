// The shapes that screens speak of, by the names that people use for them.
import type {
  ActorFieldsFragment,
  AuditLogQuery,
  BoardFieldsFragment,
  BudgetFieldsFragment,
  CardFieldsFragment,
  ConversationsQuery,
  HistoryFieldsFragment,
  InvitationFieldsFragment,
  MemberFieldsFragment,
  MeQuery,
  PlanItemFieldsFragment,
  ProjectFieldsFragment,
  ProviderKeyFieldsFragment,
  ProvidersQuery,
  RepositoryFieldsFragment,
  RunBriefFragment,
  RunDetailFragment,
  RunEventFieldsFragment,
  RunRowFragment,
  SessionsQuery,
  TicketFieldsFragment,
  TokenFieldsFragment,
  UserFieldsFragment,
} from './generated';

export type Actor = ActorFieldsFragment;
export type AuditEntry = AuditLogQuery['auditLog']['nodes'][number];
export type BoardSnapshot = BoardFieldsFragment;
export type Budget = BudgetFieldsFragment;
export type Card = CardFieldsFragment;
export type Conversation = ConversationsQuery['conversations']['nodes'][number];
export type HistoryEntry = HistoryFieldsFragment;
export type Invitation = InvitationFieldsFragment;
export type ListedSession = SessionsQuery['me']['sessions'][number];
export type Member = MemberFieldsFragment;
export type Membership = MeQuery['me']['orgs'][number];
export type PlanItem = PlanItemFieldsFragment;
export type Project = ProjectFieldsFragment;
export type ProviderKey = ProviderKeyFieldsFragment;
export type Provider = ProvidersQuery['providers'][number];
export type Repository = RepositoryFieldsFragment;
export type RunBrief = RunBriefFragment;
export type RunDetail = RunDetailFragment;
export type RunEvent = RunEventFieldsFragment;
export type RunRow = RunRowFragment;
export type Ticket = TicketFieldsFragment;
export type Token = TokenFieldsFragment;
export type User = UserFieldsFragment;
export type Viewer = MeQuery['me'];
export type {
  BudgetScope,
  BudgetState,
  Priority,
  ProviderKeyState,
  Role,
  RunEventType,
  RunFailureReason,
  RunMode,
  RunState,
  TicketKind,
  TokenScope,
} from './generated';
