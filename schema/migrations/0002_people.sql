-- People, their sessions and tokens: truth of their own, never in events.

create table users (
    id         uuid        not null primary key,
    name       text        not null,
    email      text,
    avatar_url text,
    created_at timestamptz not null default now()
);

-- The id is 256 random bits; only its SHA-256 is stored.
create table sessions (
    id_hash      bytea       not null primary key,
    -- What a person sees in the list, and what a revocation names.
    public_id    uuid        not null unique,
    user_id      uuid        not null references users on delete cascade,
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null,
    user_agent   text,
    revoked_at   timestamptz
);
create index sessions_user on sessions (user_id);

-- One-time sign-in links of the local owner.
create table sign_in_links (
    token_hash bytea       not null primary key,
    user_id    uuid        not null references users on delete cascade,
    expires_at timestamptz not null,
    used_at    timestamptz
);

create table api_tokens (
    id           uuid        not null primary key,
    token_hash   bytea       not null unique,
    user_id      uuid        not null references users on delete cascade,
    name         text        not null,
    -- The most that the token may do; the person's own role still bounds it. None: the person's role.
    role         text,
    scopes       text[]      not null default '{}',
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

-- Every gateway watches this row: a revocation anywhere ends live subscriptions everywhere.
create table access_epoch (
    one   boolean not null primary key default true check (one),
    epoch bigint  not null
);
insert into access_epoch (epoch) values (1);

-- Small facts about this installation, such as the local owner's user id and org.
create table instance_facts (
    name  text not null primary key,
    value text not null
);
