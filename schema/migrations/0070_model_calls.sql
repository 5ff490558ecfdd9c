-- Calls to models, one row a call: what each was allowed to cost before it was made, and what it came to. The one place
-- where all workers ask whether a budget bears another call. Truth of its own; the log carries the totals of each run.
create table model_calls (
    call_id             uuid        not null primary key,
    org                 uuid        not null,
    project_id          uuid        not null,
    ticket_id           uuid,
    run_id              uuid        not null,
    -- Of the lease under which it was made. What it has reserved counts only while that lease is held.
    token               bigint      not null,
    reserved_usd_micros bigint      not null check (reserved_usd_micros >= 0),
    -- None while the call is under way.
    cost_usd_micros     bigint      check (cost_usd_micros >= 0),
    reserved_at         timestamptz not null default now(),
    settled_at          timestamptz,
    check ((cost_usd_micros is null) = (settled_at is null))
);
create index model_calls_day on model_calls (org, settled_at) include (project_id, cost_usd_micros);
create index model_calls_ticket on model_calls (org, ticket_id) include (cost_usd_micros) where ticket_id is not null;
create index model_calls_run on model_calls (org, run_id) include (cost_usd_micros);
create index model_calls_under_way on model_calls (org) where settled_at is null;
