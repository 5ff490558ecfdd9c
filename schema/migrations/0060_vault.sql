-- Secrets of an org, each sealed under a data key of its own, which a master key wraps: truth of its own, never in
-- events. The master keys are not in the database.
create table vault_secrets (
    org         uuid        not null,
    -- What the secret is for, such as `provider_key/codex`.
    name        text        not null,
    -- Names the master key that wraps the data key.
    key_id      text        not null,
    wrapped_key bytea       not null,
    sealed      bytea       not null,
    sealed_at   timestamptz not null default now(),
    primary key (org, name)
);
-- A rotation looks for what is not under the current key yet.
create index vault_secrets_key on vault_secrets (key_id);
