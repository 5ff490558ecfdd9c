//! Which orgs the instance's own keys serve, when they have none of their own.

use domain::OrgId;
use sqlx::PgPool;
use std::str::FromStr;

/// The setting `LIME_INSTANCE_KEY_ORGS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceKeyOrgs {
    /// `local`: the organisation that this installation made at its first start, and no other.
    Local,
    /// `*`
    All,
    /// Ids with commas between; `none` for none.
    These(Vec<OrgId>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither local, none, * nor ids of organisations with commas between")]
pub struct NotOrgs;

impl FromStr for InstanceKeyOrgs {
    type Err = NotOrgs;

    fn from_str(text: &str) -> Result<Self, NotOrgs> {
        match text.trim() {
            "local" => Ok(Self::Local),
            "*" => Ok(Self::All),
            "none" => Ok(Self::These(Vec::new())),
            ids => {
                let ids: Result<_, _> = ids.split(',').map(|id| id.trim().parse::<OrgId>()).collect();
                ids.map(Self::These).map_err(|_| NotOrgs)
            }
        }
    }
}

impl InstanceKeyOrgs {
    pub async fn serves(&self, pool: &PgPool, org: OrgId) -> Result<bool, sqlx::Error> {
        match self {
            Self::All => Ok(true),
            Self::These(orgs) => Ok(orgs.contains(&org)),
            Self::Local => {
                let local = "select exists (select from instance_facts where name = 'local_org' and value = $1)";
                sqlx::query_scalar(local).bind(org.to_string()).fetch_one(pool).await
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn orgs_are_named_or_all_or_none() {
        let (one, two) = (OrgId(Uuid::from_u128(1)), OrgId(Uuid::from_u128(2)));
        assert_eq!("local".parse(), Ok(InstanceKeyOrgs::Local));
        assert_eq!(" * ".parse(), Ok(InstanceKeyOrgs::All));
        assert_eq!("none".parse(), Ok(InstanceKeyOrgs::These(vec![])));
        assert_eq!(format!("{one}, {two}").parse(), Ok(InstanceKeyOrgs::These(vec![one, two])));
        assert_eq!("".parse::<InstanceKeyOrgs>(), Err(NotOrgs));
        assert_eq!(format!("{one},*").parse::<InstanceKeyOrgs>(), Err(NotOrgs));
    }
}
