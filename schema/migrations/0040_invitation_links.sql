-- Links of invitations: only the hash of the token, bound to one invitation of one org. Role, expiry and use are the
-- org's own events.
create table invitation_links (
    token_hash    bytea       not null primary key,
    org           uuid        not null,
    invitation_id uuid        not null,
    created_at    timestamptz not null default now(),
    unique (org, invitation_id)
);
