-- The end of a column: each card that goes there takes the next number of its board, so that appending never looks at
-- another card and every rank made this way is above all that were made before. Gaps are allowed.
create table board_ends (
    org      uuid   not null,
    board_id uuid   not null,
    last     bigint not null,
    primary key (org, board_id)
);

-- A key that was reserved for a project that never came to be is free again after a while.
alter table project_keys add column reserved_at timestamptz not null default now();
