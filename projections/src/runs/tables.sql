create table runs (
    org                 uuid        not null,
    run_id              uuid        not null,
    project_id          uuid        not null,
    ticket_id           uuid,
    -- As they were when the run was asked for.
    ticket_key          text,
    ticket_title        text,
    repo_id             uuid,
    repo_name           text,
    conversation_id     uuid,
    mode                text        not null,
    provider            text        not null,
    model               text,
    prompt              text        not null,
    state               text        not null,
    version             bigint      not null,
    failure_reason      text,
    failure_message     text,
    requested_by        text        not null,
    requested_at        timestamptz not null,
    requested_position  bigint      not null,
    started_at          timestamptz,
    ended_at            timestamptz,
    base_ref            text,
    base_commit         text,
    branch              text,
    head_commit         text,
    summary             text,
    additions           bigint,
    deletions           bigint,
    files               jsonb,
    diff_artifact       uuid,
    input_tokens        bigint      not null default 0,
    cached_input_tokens bigint      not null default 0,
    output_tokens       bigint      not null default 0,
    cost_usd_micros     bigint      not null default 0,
    constraints         jsonb       not null,
    stations_reached    smallint    not null default 0,
    -- What it reaches once its agent works.
    stations_aimed      smallint    not null,
    -- Four fifths of what it may cost are spent.
    budget_warned       boolean     not null default false,
    cancel_requested    boolean     not null default false,
    scripted            boolean     not null default false,
    program             text,
    worker_id           uuid,
    transcript_count    bigint      not null default 0,
    transcript_digest   text,
    primary key (org, run_id)
);
create index runs_id on runs (run_id);
create index runs_newest on runs (org, requested_position);
create index runs_project on runs (org, project_id, requested_position);
create index runs_ticket on runs (org, ticket_id, requested_position) where ticket_id is not null;
create index runs_conversation on runs (org, conversation_id, requested_position) where conversation_id is not null;

create table artifacts (
    org         uuid   not null,
    run_id      uuid   not null,
    artifact_id uuid   not null,
    position    bigint not null,
    name        text   not null,
    mime        text   not null,
    size_bytes  bigint not null,
    digest      text   not null,
    primary key (org, run_id, artifact_id)
);
create index artifacts_digest on artifacts (org, digest);

create table plan_items (
    org                 uuid   not null,
    run_id              uuid   not null,
    item_id             uuid   not null,
    position            bigint not null,
    parent              uuid,
    kind                text   not null,
    title               text   not null,
    description_md      text   not null,
    acceptance_criteria text[] not null,
    owner_role          text   not null,
    column_key          text   not null,
    accepted_ticket     uuid,
    primary key (org, run_id, item_id)
);

create table conversations (
    org             uuid        not null,
    conversation_id uuid        not null,
    project_id      uuid        not null,
    position        bigint      not null,
    title           text        not null,
    started_at      timestamptz not null,
    primary key (org, conversation_id)
);
create index conversations_newest on conversations (org, project_id, position);

-- One row an event that changed a run of the project.
create table run_changes (
    org        uuid        not null,
    project_id uuid        not null,
    position   bigint      not null,
    run_id     uuid        not null,
    command_id uuid        not null,
    kind       text        not null,
    at         timestamptz not null,
    primary key (org, project_id, position)
);

-- Changes up to this position are no longer kept.
create table run_changes_floor (
    org        uuid   not null,
    project_id uuid   not null,
    position   bigint not null,
    primary key (org, project_id)
);
