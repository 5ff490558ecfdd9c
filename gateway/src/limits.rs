//! How much a caller may ask for: an allowance in units of cost ([`crate::cost`]) that fills again by the minute.
//!
//! Three allowances: of a caller (a session's person, or one token), of an org (all callers together, for what touches
//! it), and of an address that shows credentials which are none. Each gateway counts for itself.

use crate::auth::Viewer;
use crate::auth::viewer::Grant;
use crate::errors::ApiError;
use domain::OrgId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// An org's allowance is that of so many callers.
const CALLERS_AN_ORG: u32 = 20;
/// Credentials that are none, from one address in a minute.
const FAILURES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// How often allowances that are full again are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Whose allowance it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallerKey {
    Person(Uuid),
    Token(Uuid),
}

impl CallerKey {
    fn of(viewer: &Viewer) -> Self {
        match viewer.grant {
            Grant::Session { .. } => Self::Person(viewer.user.as_uuid()),
            Grant::Token { id, .. } => Self::Token(id),
        }
    }
}

struct Allowance<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    per_minute: NonZeroU32,
}

impl<K: Hash + Eq + Clone> Allowance<K> {
    fn new(per_minute: NonZeroU32) -> Self {
        Self { limiter: RateLimiter::keyed(Quota::per_minute(per_minute)), per_minute }
    }

    fn take(&self, key: &K, cost: u32) -> Result<(), ApiError> {
        // What costs more than a whole minute's allowance is let through when that is full, and empties it.
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN).min(self.per_minute);
        match self.limiter.check_key_n(key, cost) {
            Ok(Ok(())) | Err(_) => Ok(()),
            Ok(Err(until)) => {
                Err(ApiError::RateLimited { retry_after: until.wait_time_from(DefaultClock::default().now()) })
            }
        }
    }
}

/// The allowances of one gateway.
pub(crate) struct Limits {
    callers: Option<Allowance<CallerKey>>,
    orgs: Option<Allowance<Uuid>>,
    failures: Allowance<IpAddr>,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_minute = self.callers.as_ref().map(|callers| callers.per_minute);
        f.debug_struct("Limits").field("per_minute", &per_minute).finish_non_exhaustive()
    }
}

impl Limits {
    /// `per_minute`: a caller's allowance; 0 for none at all.
    pub(crate) fn new(per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute);
        let per_org = per_minute.map(|units| units.saturating_mul(NonZeroU32::MIN.saturating_add(CALLERS_AN_ORG - 1)));
        Self {
            callers: per_minute.map(Allowance::new),
            orgs: per_org.map(Allowance::new),
            failures: Allowance::new(FAILURES_PER_MINUTE),
        }
    }

    /// # Errors
    /// [`ApiError::RateLimited`] when the caller has used its allowance up.
    pub(crate) fn caller(&self, viewer: &Viewer, cost: u32) -> Result<(), ApiError> {
        self.callers.as_ref().map_or(Ok(()), |callers| callers.take(&CallerKey::of(viewer), cost))
    }

    /// The same for all callers of an org together.
    pub(crate) fn org(&self, org: OrgId, cost: u32) -> Result<(), ApiError> {
        self.orgs.as_ref().map_or(Ok(()), |orgs| orgs.take(&org.as_uuid(), cost))
    }

    /// One more credential from this address that is none.
    pub(crate) fn failure(&self, address: IpAddr) -> Result<(), ApiError> {
        self.failures.take(&address, 1)
    }

    fn forget_the_idle(&self) {
        if let Some(callers) = &self.callers {
            callers.limiter.retain_recent();
        }
        if let Some(orgs) = &self.orgs {
            orgs.limiter.retain_recent();
        }
        self.failures.limiter.retain_recent();
    }
}

/// Keeps memory to those who came lately, until stopped.
pub(crate) async fn tidy(gateway: std::sync::Weak<crate::state::Gateway>, stop: CancellationToken) {
    loop {
        tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(FORGET_EVERY) => {} }
        let Some(gateway) = gateway.upgrade() else { return };
        gateway.limits.forget_the_idle();
    }
}
