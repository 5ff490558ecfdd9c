create table tickets (
    org             uuid        not null,
    ticket_id       uuid        not null,
    project_id      uuid        not null,
    board_id        uuid        not null,
    key             text        not null,
    number          bigint      not null,
    version         bigint      not null,
    title           text        not null,
    description_md  text        not null,
    kind            text        not null,
    column_key      text        not null,
    rank            text collate "C" not null,
    priority        text,
    labels          text[]      not null,
    estimate        integer,
    due_on          timestamptz,
    parent          uuid,
    assignee        uuid,
    delegate        text,
    -- Of the run that worked on it last.
    branch          text,
    archived        boolean     not null default false,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    created_by      text        not null,
    planned_by_run  uuid,
    planned_by_item uuid,
    cost_usd_micros bigint      not null default 0,
    comment_count   integer     not null default 0,
    primary key (org, ticket_id)
);
create index tickets_id on tickets (ticket_id);
-- By key first: with the org first, a plan made for an empty table took it to find one ticket by its id.
create index tickets_key on tickets (key, org);
create index tickets_parent on tickets (org, parent, number) where parent is not null;

create table comments (
    org        uuid        not null,
    ticket_id  uuid        not null,
    position   bigint      not null,
    comment_id uuid        not null,
    author     text        not null,
    body_md    text        not null,
    at         timestamptz not null,
    primary key (org, ticket_id, position)
);

-- One row an event that changed the ticket's page. What the event says is in the log, and read from there.
create table history (
    org        uuid        not null,
    ticket_id  uuid        not null,
    position   bigint      not null,
    event_id   uuid        not null,
    at         timestamptz not null,
    actor      text        not null,
    action     text        not null,
    command_id uuid        not null,
    cause      uuid,
    -- False: live readers hear of it, people are not shown it (a run's cost on its way).
    shown      boolean     not null,
    primary key (org, ticket_id, position)
);

create table ticket_runs (
    org             uuid   not null,
    run_id          uuid   not null,
    ticket_id       uuid   not null,
    cost_usd_micros bigint not null default 0,
    primary key (org, run_id)
);
create index ticket_runs_ticket on ticket_runs (org, ticket_id);
