//! People: names and pictures live here and nowhere else, so that erasing a row erases the person.

use super::AuthError;
use async_graphql::dataloader::Loader;
use domain::UserId;
use sqlx::{PgPool, Row};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

const OWNER_FACT: &str = "local_owner";

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub id: UserId,
    /// None: the row was erased, the id in old events stays.
    pub name: Option<String>,
    pub avatar_url: Option<String>,
}

/// The local owner's user id; made with `name` at the first call of this installation, the same ever after. Safe to call
/// from several processes at once.
pub async fn ensure_owner(pool: &PgPool, name: &str) -> Result<UserId, AuthError> {
    let failed = || AuthError::store("the local owner");
    let mut transaction = pool.begin().await.map_err(failed())?;
    let fresh = Uuid::now_v7();
    sqlx::query("insert into instance_facts (name, value) values ($1, $2) on conflict do nothing")
        .bind(OWNER_FACT)
        .bind(fresh.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    let owner: String = sqlx::query_scalar("select value from instance_facts where name = $1")
        .bind(OWNER_FACT)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed())?;
    let owner = Uuid::parse_str(&owner).map_err(|error| failed()(sqlx::Error::Decode(error.into())))?;
    sqlx::query("insert into users (id, name) values ($1, $2) on conflict do nothing")
        .bind(owner)
        .bind(name)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(UserId(owner))
}

/// Makes a local person: one who has nothing but a name and the session that follows.
pub(crate) async fn create(pool: &PgPool, name: &str) -> Result<UserId, AuthError> {
    let id = UserId(Uuid::now_v7());
    sqlx::query("insert into users (id, name) values ($1, $2)")
        .bind(id.as_uuid())
        .bind(name)
        .execute(pool)
        .await
        .map_err(AuthError::store("a person"))?;
    Ok(id)
}

/// Takes back what [`create`] made, when nothing came of it.
pub(crate) async fn forget(pool: &PgPool, id: UserId) -> Result<(), AuthError> {
    let delete = sqlx::query("delete from users where id = $1").bind(id.as_uuid());
    delete.execute(pool).await.map(drop).map_err(AuthError::store("a person"))
}

/// Reads many people in one query.
#[derive(Clone, Debug)]
pub(crate) struct People {
    pool: PgPool,
}

impl People {
    pub(crate) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(crate) async fn read(&self, ids: &[UserId]) -> Result<HashMap<UserId, Person>, sqlx::Error> {
        let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows = sqlx::query("select id, name, avatar_url from users where id = any($1)")
            .bind(uuids)
            .fetch_all(&self.pool)
            .await?;
        let mut people: HashMap<UserId, Person> =
            ids.iter().map(|id| (*id, Person { id: *id, name: None, avatar_url: None })).collect();
        for row in rows {
            let id = UserId(row.try_get("id")?);
            people.insert(id, Person { id, name: row.try_get("name")?, avatar_url: row.try_get("avatar_url")? });
        }
        Ok(people)
    }
}

impl Loader<UserId> for People {
    type Value = Person;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, Person>, Self::Error> {
        self.read(keys).await.map_err(Arc::new)
    }
}
