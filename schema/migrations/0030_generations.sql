-- When a generation was put out of service: its schema is dropped a while later, when nobody can still be reading it.
alter table projection_generations add column retired_at timestamptz;

-- checking: built beside to compare its rows with the live ones, then dropped.
alter table projection_generations drop constraint projection_generations_state_check;
alter table projection_generations add constraint projection_generations_state_check
    check (state in ('building', 'live', 'retired', 'checking'));
