-- Who did what to what, and why. What was said, and the hash, stay in the log and are read from there by position.
create table entries (
    org          uuid        not null,
    org_position bigint      not null,
    position     bigint      not null,
    event_id     uuid        not null,
    at           timestamptz not null,
    actor        text        not null,
    action       text        not null,
    target_type  text        not null,
    target_id    uuid        not null,
    command_id   uuid        not null,
    cause        uuid,
    primary key (org, org_position)
);
create index entries_actor on entries (org, actor, org_position);
create index entries_target on entries (org, target_id, org_position);

-- What people call things, such as AL-12.
create table target_keys (
    org       uuid not null,
    target_id uuid not null,
    key       text not null,
    primary key (org, target_id)
);
