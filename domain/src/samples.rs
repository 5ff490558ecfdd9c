//! One sample of every event as it is written today, for golden files and properties.
// It names nearly everything that the aggregates have.
#![allow(clippy::wildcard_imports)]

use crate::agent_run::*;
use crate::board::{BoardCreated, default_columns};
use crate::event::DomainEvent;
use crate::given::{at, uuid};
use crate::ids::*;
use crate::org::*;
use crate::project::ProjectCreated;
use crate::repo_connection::{RepoProvider, RepositoryConnected, RepositoryDisconnected};
use crate::ticket::*;

pub(crate) const TICKET_FACETS: [TicketFacet; 12] = [
    TicketFacet::Title,
    TicketFacet::Description,
    TicketFacet::Kind,
    TicketFacet::Parent,
    TicketFacet::Labels,
    TicketFacet::Priority,
    TicketFacet::Estimate,
    TicketFacet::DueDate,
    TicketFacet::Place,
    TicketFacet::Assignee,
    TicketFacet::Delegate,
    TicketFacet::Archived,
];

pub(crate) fn samples() -> Vec<DomainEvent> {
    let mut all: Vec<DomainEvent> = Vec::new();
    all.extend(org().map(DomainEvent::from));
    all.extend(boards().map(DomainEvent::from));
    all.push(DomainEvent::Project(
        ProjectCreated { key: "AL".into(), name: "Assembly line".into(), default_board: BoardId(uuid(3)) }.into(),
    ));
    all.extend(repositories().map(DomainEvent::from));
    all.extend(tickets().map(DomainEvent::from));
    all.extend(runs().map(DomainEvent::from));
    all
}

fn org() -> [crate::org::OrgEvent; 18] {
    let (user, invitation) = (UserId(uuid(7)), InvitationId(uuid(50)));
    let (session, token) = (SessionId(uuid(51)), TokenId(uuid(52)));
    let (key, provider) = (ProviderKeyId(uuid(54)), || "codex".to_owned());
    let (limit_usd_micros, day) = (20_000_000, chrono::NaiveDate::from_ymd_opt(2027, 1, 15));
    [
        OrgCreated { name: "Northwind".into() }.into(),
        MemberInvited { invitation, role: Role::Dev, expires_at: at(604_800) }.into(),
        InvitationRevoked { invitation: InvitationId(uuid(53)) }.into(),
        MemberJoined { user, role: Role::Admin, invitation: Some(invitation) }.into(),
        MemberRoleChanged { user, role: Role::Pm }.into(),
        MemberRoleSet { user, project: ProjectId(uuid(2)), role: Some(Role::Qa) }.into(),
        MemberRemoved { user: UserId(uuid(8)) }.into(),
        MemberSignedIn { user, session, method: SignInMethod::OwnerLink }.into(),
        SessionRevoked { user, session }.into(),
        TokenCreated {
            user,
            token,
            role: Some(Role::Dev),
            scopes: vec!["read".into(), "tickets".into()],
            expires_at: Some(at(86_400)),
        }
        .into(),
        TokenRevoked { user, token }.into(),
        SignInRefused {
            reason: RefusalReason::TokenRevoked,
            user: Some(user),
            invitation: None,
            token: Some(token),
            session: None,
        }
        .into(),
        ProviderKeySet { provider: provider(), key, last_four: "wxyz".into() }.into(),
        ProviderKeyRemoved { provider: provider(), key }.into(),
        BudgetSet { scope: BudgetScope::Project { project: ProjectId(uuid(2)) }, limit_usd_micros: Some(5_000_000) }
            .into(),
        BudgetWarned { scope: BudgetScope::Org, day, limit_usd_micros, spent_usd_micros: 16_250_000 }.into(),
        BudgetUsedUp {
            scope: BudgetScope::Ticket { ticket: TicketId(uuid(20)) },
            day: None,
            limit_usd_micros: 500_000,
            spent_usd_micros: 500_000,
        }
        .into(),
        OrgTimeZoneSet { time_zone: "Europe/Berlin".into() }.into(),
    ]
}

fn boards() -> [crate::board::BoardEvent; 1] {
    let mut columns = default_columns();
    if let Some(column) = columns.get_mut(2) {
        column.wip_limit = Some(5);
    }
    [BoardCreated { project: ProjectId(uuid(2)), name: "Board".into(), columns }.into()]
}

fn repositories() -> [crate::repo_connection::RepoConnectionEvent; 2] {
    [
        RepositoryConnected {
            project: ProjectId(uuid(2)),
            provider: RepoProvider::Github,
            external_id: Some("R_kgDOA1".into()),
            clone_url: "https://git.example/northwind/gateway.git".into(),
            name: "northwind/gateway".into(),
        }
        .into(),
        RepositoryDisconnected {}.into(),
    ]
}

fn tickets() -> [TicketEvent; 15] {
    [
        TicketCreated {
            project: ProjectId(uuid(2)),
            board: BoardId(uuid(3)),
            key: "AL-12".into(),
            number: 12,
            title: "Rate limit the API".into(),
            kind: TicketKind::Story,
            description_md: "# Goal\n\nNo caller starves another.".into(),
            column: "backlog".into(),
            rank: "aC".into(),
            parent: Some(TicketId(uuid(20))),
            labels: vec!["api".into(), "limits".into()],
            priority: Some(Priority::High),
            assignee: Some(UserId(uuid(7))),
            estimate: Some(3),
            planned_by: Some(PlannedBy { run: RunId(uuid(40)), item: PlanItemId(uuid(41)) }),
        }
        .into(),
        TicketRetitled { title: "Limit the API".into() }.into(),
        TicketDescribed { description_md: "Per token and per address.".into() }.into(),
        TicketKindChanged { kind: TicketKind::Bug }.into(),
        TicketReparented { parent: None }.into(),
        TicketLabelled { labels: vec!["api".into()] }.into(),
        TicketPrioritised { priority: Some(Priority::Urgent) }.into(),
        TicketEstimated { estimate: Some(8) }.into(),
        TicketDueDateSet { due_on: Some(at(86_400)) }.into(),
        TicketMoved { from: "backlog".into(), to: "in_progress".into(), rank: "aCV".into() }.into(),
        TicketAssigned { assignee: Some(UserId(uuid(8))) }.into(),
        TicketDelegated { provider: Some("codex".into()) }.into(),
        TicketCommented { comment: CommentId(uuid(30)), body_md: "Looks good to me.".into() }.into(),
        TicketArchived {}.into(),
        TicketRestored { column: "in_progress".into(), rank: "aD".into() }.into(),
    ]
}

fn runs() -> [AgentRunEvent; 10] {
    let usage = TokenUsage { input_tokens: 12_000, cached_input_tokens: 8_000, output_tokens: 900 };
    [
        RunRequested {
            project: ProjectId(uuid(2)),
            mode: RunMode::Implement,
            provider: "codex".into(),
            model: Some("gpt-5-codex".into()),
            prompt: "Keep it small.".into(),
            ticket: Some(RunTicket {
                id: TicketId(uuid(20)),
                key: "AL-12".into(),
                title: "Rate limit the API".into(),
                description_md: "# Goal".into(),
            }),
            repo: Some(RunRepo {
                connection: RepoConnectionId(uuid(12)),
                name: "northwind/gateway".into(),
                clone_url: "https://git.example/northwind/gateway.git".into(),
                base_ref: Some("main".into()),
            }),
            conversation: Some(ConversationId(uuid(42))),
            constraints: RunConstraints {
                time_budget_s: Some(1_800),
                max_cost_usd_micros: Some(2_000_000),
                allowed_tools: vec!["shell".into()],
                allowed_paths: vec!["src/".into()],
            },
        }
        .into(),
        RunLeased { worker: WorkerId(uuid(43)), token: 1 }.into(),
        RunWorkStarted {
            token: 1,
            program: "codex 0.169.0".into(),
            scripted: true,
            branch: Some("al/AL-12-rate-limit".into()),
            base_commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        }
        .into(),
        RunPlanItemProposed {
            token: 1,
            item: PlanItemId(uuid(41)),
            parent: Some(PlanItemId(uuid(44))),
            kind: TicketKind::Task,
            title: "Count requests by token".into(),
            description_md: "In memory first.".into(),
            acceptance_criteria: vec!["The 101st request in a minute answers 429.".into()],
            owner_role: Role::Dev,
            column: "todo".into(),
        }
        .into(),
        RunArtifactProduced {
            token: 1,
            artifact: ArtifactId(uuid(45)),
            name: "diff".into(),
            mime: "text/x-diff".into(),
            size_bytes: 2_048,
            digest: "ab".repeat(32),
        }
        .into(),
        RunCostReached { token: 1, usage, cost_usd_micros: 31_000 }.into(),
        RunBudgetWarned { token: 1, limit_usd_micros: 38_000, spent_usd_micros: 31_000 }.into(),
        RunCancelRequested {}.into(),
        RunEnded {
            token: 1,
            outcome: RunOutcome::Failed { reason: FailureReason::Budget, message: "The budget is used up.".into() },
            summary: "Half of it is done.".into(),
            work: Some(RunWork {
                branch: "al/AL-12-rate-limit".into(),
                head_commit: "89abcdef0123456789abcdef0123456789abcdef".into(),
                additions: 120,
                deletions: 4,
                files: vec![ChangedFile {
                    path: "src/limit.rs".into(),
                    status: "added".into(),
                    additions: 120,
                    deletions: 4,
                }],
                diff: ArtifactId(uuid(45)),
            }),
            usage,
            cost_usd_micros: 31_000,
            transcript_count: 57,
            transcript_digest: "cd".repeat(32),
        }
        .into(),
        RunPlanAccepted { tickets: vec![AcceptedItem { item: PlanItemId(uuid(41)), ticket: TicketId(uuid(21)) }] }
            .into(),
    ]
}

/// One of each kind of command, all good ones.
pub(crate) fn ticket_commands() -> Vec<TicketCommand> {
    let board_columns: Vec<String> = default_columns().into_iter().map(|column| column.key).collect();
    vec![
        TicketCommand::Create(Box::new(CreateTicket {
            project: ProjectId(uuid(2)),
            board: BoardId(uuid(3)),
            key: "AL-13".into(),
            number: 13,
            title: "Rate limit the API".into(),
            kind: TicketKind::Task,
            description_md: String::new(),
            column: "todo".into(),
            board_columns: board_columns.clone(),
            rank: "aD".into(),
            parent: None,
            parent_facts: ParentFacts::default(),
            labels: vec![],
            priority: None,
            assignee: None,
            assignee_is_member: false,
            estimate: None,
            planned_by: None,
        })),
        TicketCommand::Edit(
            EditTicket {
                title: Some("Another title".into()),
                description_md: Some("Another description".into()),
                kind: Some(TicketKind::Epic),
                parent: Some(Some(TicketId(uuid(77)))),
                labels: Some(vec!["one".into()]),
                priority: Some(None),
                estimate: Some(Some(1)),
                due_on: Some(None),
            },
            ParentFacts::default(),
        ),
        TicketCommand::Edit(EditTicket { estimate: Some(None), ..EditTicket::default() }, ParentFacts::default()),
        TicketCommand::Move(MoveTicket { to: "qa".into(), board_columns: board_columns.clone(), rank: "aZ".into() }),
        TicketCommand::Assign(AssignTicket { assignee: Some(UserId(uuid(9))), assignee_is_member: true }),
        TicketCommand::Delegate(DelegateTicket { provider: None, known_providers: vec![] }),
        TicketCommand::Comment(CommentOnTicket { comment: CommentId(uuid(31)), body_md: "Yes.".into() }),
        TicketCommand::Archive,
        TicketCommand::Restore(RestoreTicket { board_columns, rank: "aZ".into() }),
    ]
}
