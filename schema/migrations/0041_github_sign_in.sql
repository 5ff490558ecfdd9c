-- Sign-ins with a provider that are under way: each is finished once, by the browser that began it.
create table login_states (
    state_hash bytea       not null primary key,
    -- Of the pre-login cookie.
    login_hash bytea       not null,
    return_to  text        not null,
    expires_at timestamptz not null
);

-- Names and addresses change and are reused at GitHub; its numeric id is neither.
alter table users add column github_id bigint unique;
