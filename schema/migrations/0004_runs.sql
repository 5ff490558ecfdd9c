-- Runs of agents: the queue, leases, workers, transcripts. Timers for everything that falls due.

create table run_queue (
    run_id      uuid    not null primary key,
    org         uuid    not null,
    project_id  uuid    not null,
    provider    text    not null,
    priority    integer not null default 0,
    -- Place in the log of the request: older first.
    position    bigint  not null,
    attempts    integer not null default 0,
    state       text    not null default 'queued' check (state in ('queued', 'leased', 'done')),
    enqueued_at timestamptz not null default now()
);
create index run_queue_next on run_queue (priority desc, position) where state = 'queued';

create table run_leases (
    run_id           uuid        not null primary key,
    org              uuid        not null,
    worker_id        uuid        not null,
    -- Fencing token: only grows; every write of the worker names it.
    token            bigint      not null,
    expires_at       timestamptz not null,
    -- Travels back on the heartbeat.
    cancel_requested boolean     not null default false,
    released         boolean     not null default false
);

create table workers (
    id           uuid        not null primary key,
    host         text        not null,
    version      text        not null,
    -- Programs with versions, sandbox, slots: what the worker found on its machine.
    found        jsonb       not null,
    slots        integer     not null,
    started_at   timestamptz not null default now(),
    heartbeat_at timestamptz not null default now()
);

create table run_transcript (
    org     uuid        not null,
    run_id  uuid        not null,
    seq     bigint      not null check (seq > 0),
    at      timestamptz not null,
    type    text        not null,
    payload json        not null,
    primary key (org, run_id, seq)
);

create table timers (
    id         uuid        not null primary key,
    org        uuid,
    -- What to do, such as `run_lease_expiry`.
    kind       text        not null,
    payload    jsonb       not null,
    due_at     timestamptz not null,
    done_at    timestamptz,
    attempts   integer     not null default 0,
    last_error text
);
create index timers_due on timers (due_at) where done_at is null;
