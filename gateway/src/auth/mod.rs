//! Who asks: sessions, tokens, sign-in links, and what each role may do.

pub mod access;
pub(crate) mod cookies;
pub(crate) mod epoch;
pub(crate) mod github;
pub(crate) mod invitations;
pub(crate) mod links;
pub(crate) mod login_states;
pub(crate) mod people;
pub(crate) mod recorded;
pub(crate) mod refused;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod viewer;

pub use epoch::revoke_everywhere;
pub use github::GithubSignIn;
pub use links::{OwnerLink, create_owner_link};
pub use people::ensure_owner;
pub use recorded::{RecordError, create_recorded_token};
pub use secret::NoRandomness;
pub use tokens::{NewToken, Scope, UnknownScope, create_token};
pub use viewer::{Grant, Viewer};

/// What can go wrong while looking at people, sessions and tokens.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("failed to read or write {what}")]
    Store {
        what: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl AuthError {
    pub(crate) fn store(what: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Store { what, source }
    }
}

impl From<AuthError> for crate::errors::ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store { source, .. } => source.into(),
            AuthError::NoRandomness(source) => Self::internal(source),
        }
    }
}
