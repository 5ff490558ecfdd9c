create table orgs (
    org        uuid        not null primary key,
    name       text        not null,
    version    bigint      not null,
    created_at timestamptz not null,
    -- Of its days, as the IANA names it.
    time_zone  text        not null default 'UTC'
);

-- The keys themselves are in the vault.
create table provider_keys (
    org       uuid        not null,
    provider  text        not null,
    key_id    uuid        not null,
    last_four text        not null,
    set_by    text        not null,
    set_at    timestamptz not null,
    primary key (org, provider)
);

create table budgets (
    org              uuid        not null,
    -- org, project, ticket or each_run; the project's or ticket's id, else the org's.
    scope            text        not null,
    scope_id         uuid        not null,
    limit_usd_micros bigint      not null,
    set_by           text        not null,
    set_at           timestamptz not null,
    position         bigint      not null,
    primary key (org, scope, scope_id)
);

create table members (
    org       uuid        not null,
    user_id   uuid        not null,
    role      text        not null,
    joined_at timestamptz not null,
    position  bigint      not null,
    primary key (org, user_id)
);
create index members_user on members (user_id);

-- A member's role in one project, where it differs from the one in the org.
create table project_roles (
    org        uuid not null,
    user_id    uuid not null,
    project_id uuid not null,
    role       text not null,
    primary key (org, user_id, project_id)
);

-- Neither used nor taken back; whether one is too old is for the reader's clock.
create table invitations (
    org           uuid        not null,
    invitation_id uuid        not null,
    role          text        not null,
    invited_by    text        not null,
    invited_at    timestamptz not null,
    expires_at    timestamptz not null,
    position      bigint      not null,
    primary key (org, invitation_id)
);

create table projects (
    org           uuid        not null,
    project_id    uuid        not null,
    key           text        not null,
    name          text        not null,
    default_board uuid        not null,
    version       bigint      not null,
    created_at    timestamptz not null,
    primary key (org, project_id)
);
create index projects_id on projects (project_id);

create table boards (
    org        uuid   not null,
    board_id   uuid   not null,
    project_id uuid   not null,
    name       text   not null,
    position   bigint not null,
    primary key (org, board_id)
);
create index boards_project on boards (org, project_id);

create table repo_connections (
    org                uuid        not null,
    repo_connection_id uuid        not null,
    project_id         uuid        not null,
    provider           text        not null,
    external_id        text,
    name               text        not null,
    clone_url          text        not null,
    version            bigint      not null,
    position           bigint      not null,
    connected_at       timestamptz not null,
    disconnected_at    timestamptz,
    primary key (org, repo_connection_id)
);
create index repo_connections_id on repo_connections (repo_connection_id);
create index repo_connections_project on repo_connections (org, project_id);
