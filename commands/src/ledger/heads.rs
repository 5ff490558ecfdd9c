//! The end of every org's chain, in memory.

use domain::ids::{OrgId, Position};
use feed::log::from_bigint;
use schema::hash_chain::{GENESIS, Hash};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Above this many orgs the memory starts again: each costs about 100 bytes and one index probe to read.
const MOST: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrgHead {
    /// Position of the org's last event; 0 when it has none.
    pub(super) position: Position,
    pub(super) org_position: Position,
    pub(super) hash: Hash,
}

const NONE_YET: OrgHead = OrgHead { position: 0, org_position: 0, hash: GENESIS };

/// What the leader that owns the epoch wrote, and so what is true as long as its writes are accepted.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: HashMap<OrgId, OrgHead>,
}

impl Heads {
    /// Makes sure that every one of these is known.
    pub(super) async fn load(&mut self, conn: &mut PgConnection, orgs: HashSet<OrgId>) -> Result<(), sqlx::Error> {
        let missing: HashSet<OrgId> = orgs.into_iter().filter(|org| !self.known.contains_key(org)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<Uuid> = missing.into_iter().map(OrgId::as_uuid).collect();
        let rows = sqlx::query_as::<_, (Uuid, i64, i64, Vec<u8>)>(
            "select o.org, l.position, l.org_position, l.hash
             from unnest($1::uuid[]) o(org)
             cross join lateral (
                select position, org_position, hash from ledger
                where ledger.org = o.org order by org_position desc limit 1
             ) l",
        )
        .bind(&missing)
        .fetch_all(conn)
        .await?;
        self.known.extend(missing.into_iter().map(|org| (OrgId(org), NONE_YET)));
        for (org, position, org_position, bytes) in rows {
            let mut hash = GENESIS;
            // The table's check says that it has 32 bytes.
            hash.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
            let head = OrgHead { position: from_bigint(position), org_position: from_bigint(org_position), hash };
            self.known.insert(OrgId(org), head);
        }
        Ok(())
    }

    /// The head of an org that was loaded; that of an empty org otherwise.
    pub(super) fn get(&self, org: OrgId) -> OrgHead {
        self.known.get(&org).copied().unwrap_or(NONE_YET)
    }

    pub(super) fn set(&mut self, org: OrgId, head: OrgHead) {
        self.known.insert(org, head);
    }

    /// Bounds the memory. Only between batches: within one, every org of it must stay known.
    pub(super) fn trim(&mut self) {
        if self.known.len() > MOST {
            self.known.clear();
        }
    }
}
