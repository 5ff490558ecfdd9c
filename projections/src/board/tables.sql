-- Ranks order by bytes everywhere, whatever the database's collation.
create table projects (
    org           uuid not null,
    project_id    uuid not null,
    default_board uuid not null,
    primary key (org, project_id)
);

create table boards (
    org           uuid   not null,
    board_id      uuid   not null,
    project_id    uuid   not null,
    name          text   not null,
    -- Changes up to this position are no longer kept.
    changes_floor bigint not null default 0,
    primary key (org, board_id)
);
create index boards_id on boards (board_id);

create table columns (
    org       uuid    not null,
    board_id  uuid    not null,
    place     integer not null,
    key       text    not null,
    name      text    not null,
    wip_limit integer,
    primary key (org, board_id, place)
);

create table cards (
    org              uuid     not null,
    ticket_id        uuid     not null,
    board_id         uuid     not null,
    key              text     not null,
    version          bigint   not null,
    -- Of the last event that changed the card; runs change it without a new version.
    position         bigint   not null,
    title            text     not null,
    kind             text     not null,
    column_key       text     not null,
    rank             text collate "C" not null,
    priority         text,
    labels           text[]   not null,
    assignee         uuid,
    delegate         text,
    repo_id          uuid,
    repo_name        text,
    branch           text,
    -- The run that was asked for last.
    run_id           uuid,
    stations_reached smallint not null,
    cost_usd_micros  bigint   not null default 0,
    comment_count    integer  not null default 0,
    archived         boolean  not null default false,
    primary key (org, ticket_id)
);
create index cards_in_order on cards (org, board_id, rank, ticket_id) where not archived;

-- The runs of cards, for their badges and costs.
create table card_runs (
    org              uuid     not null,
    run_id           uuid     not null,
    ticket_id        uuid     not null,
    state            text     not null,
    mode             text     not null,
    provider         text     not null,
    stations_reached smallint not null default 0,
    -- What it reaches once its agent works.
    stations_aimed   smallint not null,
    failure_reason   text,
    failure_message  text,
    cost_usd_micros  bigint   not null default 0,
    primary key (org, run_id)
);
create index card_runs_ticket on card_runs (org, ticket_id);

-- One row an event that changed a board. Without a ticket: the board itself.
create table board_changes (
    org        uuid        not null,
    board_id   uuid        not null,
    position   bigint      not null,
    ticket_id  uuid,
    command_id uuid        not null,
    kind       text        not null,
    at         timestamptz not null,
    primary key (org, board_id, position)
);
