//! What the gap rule stands on, checked before a leader sequences, and by `lime doctor`.

use sqlx::PgConnection;

/// One condition and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Such as `the numbers of events have CACHE 1`.
    pub name: &'static str,
    pub holds: bool,
    /// What was found.
    pub found: String,
    /// What to do when it does not hold.
    pub remedy: &'static str,
    /// Without it positions could be given wrongly, so nothing is sequenced. Others only slow the ledger down.
    pub required: bool,
}

#[derive(sqlx::FromRow)]
struct Facts {
    identity: String,
    cache: i64,
    increment: i64,
    in_recovery: bool,
    prepared: i64,
    oldest_writer_s: Option<f64>,
}

/// Checks all of them. The connection may be any of the application's.
pub async fn conditions(conn: &mut PgConnection) -> Result<Vec<Condition>, sqlx::Error> {
    let facts = sqlx::query_as::<_, Facts>(
        "select
            (select attidentity::text from pg_attribute
             where attrelid = 'events'::regclass and attname = 'id') as identity,
            s.seqcache as cache,
            s.seqincrement as increment,
            pg_is_in_recovery() as in_recovery,
            (select count(*) from pg_prepared_xacts where database = current_database()) as prepared,
            (select extract(epoch from max(clock_timestamp() - a.xact_start))::float8
             from pg_locks l join pg_stat_activity a on a.pid = l.pid
             where l.mode = 'RowExclusiveLock' and l.relation = 'events'::regclass
               and l.database = (select oid from pg_database where datname = current_database())) as oldest_writer_s
         from pg_sequence s
         where s.seqrelid = pg_get_serial_sequence('events', 'id')::regclass",
    )
    .fetch_one(conn)
    .await?;
    let oldest_writer_s = facts.oldest_writer_s.unwrap_or(0.0);
    Ok(vec![
        Condition {
            name: "the numbers of events are always generated",
            holds: facts.identity == "a",
            found: format!("attidentity is {:?}", facts.identity),
            remedy: "alter table events alter column id set generated always",
            required: true,
        },
        Condition {
            name: "the numbers of events have CACHE 1 and INCREMENT 1",
            holds: facts.cache == 1 && facts.increment == 1,
            found: format!("CACHE {}, INCREMENT {}", facts.cache, facts.increment),
            remedy: "alter table events alter column id set cache 1 set increment by 1, with no writer running",
            required: true,
        },
        Condition {
            name: "the ledger writes to the primary",
            holds: !facts.in_recovery,
            found: if facts.in_recovery { "this server is a standby" } else { "this server is the primary" }.to_owned(),
            remedy: "point DATABASE_URL at the primary",
            required: true,
        },
        Condition {
            name: "no prepared transaction stays open",
            holds: facts.prepared == 0,
            found: format!("{} prepared transactions", facts.prepared),
            remedy: "commit or roll back what pg_prepared_xacts lists: until then gaps in the numbers are kept",
            required: false,
        },
        Condition {
            name: "no transaction that writes events stays open",
            holds: oldest_writer_s < 60.0,
            found: format!("the oldest is {oldest_writer_s:.0} s old"),
            remedy: "end the transaction that pg_stat_activity shows: until then gaps in the numbers are kept",
            required: false,
        },
    ])
}
