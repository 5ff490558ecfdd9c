-- How far each projection is. Its tables live in a schema of their own per generation, made from the projection's DDL.

create table projection_generations (
    projection text        not null,
    generation integer     not null,
    -- The PostgreSQL schema that holds this generation's tables.
    pg_schema  text        not null unique,
    -- Digest of the projection's DDL and code version: another digest means rebuild.
    definition text        not null,
    state      text        not null check (state in ('building', 'live', 'retired')),
    -- Position of the last applied event; written in the transaction that applied it.
    checkpoint bigint      not null default 0,
    created_at timestamptz not null default now(),
    primary key (projection, generation)
);
create unique index projection_live on projection_generations (projection) where state = 'live';

-- A stream whose event could not be applied stands still in that projection, and in that one only.
create table parked_streams (
    projection     text        not null,
    generation     integer     not null,
    org            uuid        not null,
    aggregate_type text        not null,
    aggregate_id   text        not null,
    -- The first position that failed; later ones of the stream wait behind it.
    position       bigint      not null,
    error          text        not null,
    parked_at      timestamptz not null default now(),
    primary key (projection, generation, org, aggregate_type, aggregate_id)
);
