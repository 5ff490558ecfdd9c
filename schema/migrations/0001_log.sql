-- The log: events, their order, and what the write side remembers.
-- Table layout of events and snapshots is postgres-es's, with columns added.

create table events (
    -- Given by nextval inside the INSERT and always by it: the ledger's gap rule depends on that (CACHE 1, no explicit ids).
    id               bigint generated always as identity (cache 1) primary key,
    event_id         uuid        not null,
    org              uuid        not null,
    aggregate_type   text        not null,
    aggregate_id     text        not null,
    sequence         bigint      not null check (sequence > 0),
    event_type       text        not null,
    event_version    text        not null,
    -- json, not jsonb: the bytes as written are what the hash chain covers.
    payload          json        not null,
    metadata         json        not null,
    actor            text        not null,
    recorded_at      timestamptz not null,
    command_id       uuid        not null,
    index_in_command integer     not null check (index_in_command >= 0),
    -- SHA-256 of the command's input, on the first event only: the same id with other input is refused.
    command_digest   bytea,
    unique (org, aggregate_type, aggregate_id, sequence)
);
-- The head row decides for its whole command.
create unique index events_command on events (org, actor, command_id) where index_in_command = 0;

-- Order, audit and publication: dense positions 1..N, written by one fenced leader.
create table ledger (
    position     bigint not null primary key,
    event_row    bigint not null unique,
    event_id     uuid   not null,
    org          uuid   not null,
    org_position bigint not null,
    -- SHA-256 chain of the org; the layout is in schema/hash-chain.md.
    prev_hash    bytea  not null check (length(prev_hash) = 32),
    hash         bytea  not null check (length(hash) = 32),
    unique (org, org_position)
);
create index ledger_event on ledger (event_id);

create table ledger_state (
    group_id  integer not null primary key,
    epoch     bigint  not null default 0,
    position  bigint  not null default 0,
    -- Highest events.id that was read, and the ranges below it that were jumped over.
    high      bigint  not null default 0,
    gaps      int8multirange not null default '{}'
);
insert into ledger_state (group_id) values (0);

-- One leader a name. The epoch is a fencing token: it only grows.
create table leases (
    name       text        not null primary key,
    holder     text        not null,
    epoch      bigint      not null,
    expires_at timestamptz not null
);

-- Folded state, so that a long stream loads fast. Refolded when the schema version is not today's.
create table snapshots (
    org              uuid        not null,
    aggregate_type   text        not null,
    aggregate_id     text        not null,
    last_sequence    bigint      not null,
    current_snapshot bigint      not null,
    payload          json        not null,
    schema_version   integer     not null,
    "timestamp"      timestamptz not null default now(),
    primary key (org, aggregate_type, aggregate_id)
);

-- Ticket numbers are taken before deciding; gaps are allowed.
create table ticket_numbers (
    org        uuid   not null,
    project_id uuid   not null,
    last       bigint not null,
    primary key (org, project_id)
);

-- A project's key is its own within the org.
create table project_keys (
    org        uuid not null,
    key        text not null,
    project_id uuid not null,
    primary key (org, key)
);
