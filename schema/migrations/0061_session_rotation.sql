-- A session gets another secret after its person's role changed: handed out with an answer, in force from its first use.
-- The one before is then good for a moment more, for what was on its way.
alter table sessions
    add column rotation_due   boolean     not null default false,
    add column next_hash      bytea       unique,
    add column next_at        timestamptz,
    add column previous_hash  bytea       unique,
    add column previous_until timestamptz;
