//! What a command id was answered with.

use super::append::version;
use super::{Store, StoreError, within};
use domain::{CommandId, EventId, OrgId, Position, Version};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// The answer that a command got, read back from its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) aggregate_id: Uuid,
    pub(crate) version: Version,
    pub(crate) event_ids: Vec<EventId>,
    pub(crate) rows: Vec<i64>,
    pub(crate) position: Option<Position>,
    pub(crate) digest: Vec<u8>,
}

// The events of a command follow each other in one stream, behind the head row that the index finds.
const LOOK_UP: &str = "
select e.id, e.event_id, e.sequence, h.aggregate_id, h.command_digest, l.position
from (select aggregate_type, aggregate_id, sequence, command_digest from events
      where org = $1 and actor = $2 and command_id = $3 and index_in_command = 0) h
join events e on e.org = $1 and e.aggregate_type = h.aggregate_type and e.aggregate_id = h.aggregate_id
    and e.sequence between h.sequence and h.sequence + 1000 and e.command_id = $3 and e.actor = $2
left join ledger l on l.event_row = e.id
order by e.sequence";

pub(super) async fn look_up(
    connection: &mut PgConnection,
    org: OrgId,
    actor: &str,
    command: CommandId,
) -> Result<Option<Answered>, StoreError> {
    let failed = |source| StoreError::LookUp { command: command.0, source };
    let query = sqlx::query(LOOK_UP).bind(org.0).bind(actor).bind(command.0);
    let mut answer: Option<Answered> = None;
    for row in query.fetch_all(connection).await.map_err(failed)? {
        let aggregate_id: String = row.try_get("aggregate_id").map_err(failed)?;
        let answer = answer.get_or_insert(Answered {
            aggregate_id: Uuid::parse_str(&aggregate_id).map_err(|_| StoreError::Malformed)?,
            version: 0,
            event_ids: Vec::new(),
            rows: Vec::new(),
            position: None,
            digest: row.try_get::<Option<Vec<u8>>, _>("command_digest").map_err(failed)?.unwrap_or_default(),
        });
        answer.version = version(row.try_get("sequence").map_err(failed)?)?;
        answer.event_ids.push(EventId(row.try_get("event_id").map_err(failed)?));
        answer.rows.push(row.try_get("id").map_err(failed)?);
        let position: Option<i64> = row.try_get("position").map_err(failed)?;
        answer.position = position.and_then(|position| Position::try_from(position).ok());
    }
    Ok(answer)
}

impl Store {
    /// What this actor's command was answered with; none when it never was accepted, or changed nothing.
    pub(crate) async fn answered(
        &self,
        org: OrgId,
        actor: &str,
        command: CommandId,
    ) -> Result<Option<Answered>, StoreError> {
        within(self.patience, async {
            let mut connection = self.pool.acquire().await.map_err(StoreError::Connect)?;
            look_up(&mut connection, org, actor, command).await
        })
        .await
    }
}
