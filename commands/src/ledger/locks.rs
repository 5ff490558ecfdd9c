//! Who may still be about to show a number that was taken from the sequence of `events`.

use super::gaps::Holder;
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// Virtual transactions of this database that hold `RowExclusiveLock` on the table or on its sequence.
///
/// `nextval` takes it on the sequence before it hands out a number, INSERT on the table before that; both keep it
/// until the commit is visible or the rollback done, also when a savepoint was rolled back (the sequence's lock
/// belongs to the outermost transaction). Prepared transactions are in here too.
pub(super) async fn holders(conn: &mut PgConnection) -> Result<BTreeSet<Holder>, sqlx::Error> {
    let names = sqlx::query_scalar::<_, String>(
        "select distinct virtualtransaction from pg_locks
         where locktype = 'relation' and mode = 'RowExclusiveLock' and granted
           and database = (select oid from pg_database where datname = current_database())
           and relation in ('events'::regclass, pg_get_serial_sequence('events', 'id')::regclass)",
    )
    .fetch_all(conn)
    .await?;
    Ok(names.into_iter().collect())
}
