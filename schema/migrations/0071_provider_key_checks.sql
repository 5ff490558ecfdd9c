-- What a provider answered last to a key of an org, for people. The key is in the vault; who set it is in the log.
create table provider_key_checks (
    org        uuid        not null,
    provider   text        not null,
    key_id     uuid        not null,
    -- accepted, refused or unreachable
    outcome    text        not null,
    -- The provider's status or what went wrong on the way, free of secrets.
    detail     text        not null,
    checked_at timestamptz not null default now(),
    primary key (org, provider)
);
