//! The two database roles of a private PostgreSQL: the owner of the tables, and the application.
//!
//! `lime_owner` runs migrations. `lime` is what every process of ours signs in as: no superuser, no owner of what
//! migrations made (so row-level security binds it), and no transaction of it may linger. With a `DATABASE_URL` of
//! one's own there is one role for both, and none of this runs.

use sqlx::{Error, PgConnection};

/// Owns the database and runs the migrations.
pub const OWNER: &str = "lime_owner";
/// What the application signs in as.
pub const APPLICATION: &str = "lime";

const CREATE: &str = "
do $$ begin
    if not exists (select from pg_roles where rolname = 'lime_owner') then create role lime_owner login; end if;
    if not exists (select from pg_roles where rolname = 'lime') then create role lime login; end if;
end $$;
alter role lime set idle_in_transaction_session_timeout = '10s';
alter role lime set transaction_timeout = '60s';
";

// The runner makes a schema for each generation of a projection: hence CREATE on the database.
const ON_DATABASE: &str = "grant connect, create, temporary on database $database to lime;";

const IN_DATABASE: &str = "
grant usage on schema public to lime;
alter default privileges in schema public grant select, insert, update, delete on tables to lime;
alter default privileges in schema public grant usage, select on sequences to lime;
";

/// Everything above, so that a digest of it changes when it does.
pub const STATEMENTS: [&str; 3] = [CREATE, ON_DATABASE, IN_DATABASE];

/// Creates both roles unless they exist; the connection is a superuser's.
pub async fn create(superuser: &mut PgConnection) -> Result<(), Error> {
    sqlx::raw_sql(CREATE).execute(superuser).await.map(|_| ())
}

/// Lets the application's role in; the connection is a superuser's or the owner's. Not copied with a template.
pub async fn grant_on_database(owner: &mut PgConnection, database: &str) -> Result<(), Error> {
    let quoted = format!("\"{}\"", database.replace('"', "\"\""));
    sqlx::raw_sql(&ON_DATABASE.replace("$database", &quoted)).execute(owner).await.map(|_| ())
}

/// Grants on what the owner will create; the connection is the owner's, in the database, before the migrations.
pub async fn grant_in_database(owner: &mut PgConnection) -> Result<(), Error> {
    sqlx::raw_sql(IN_DATABASE).execute(owner).await.map(|_| ())
}
