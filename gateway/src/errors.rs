//! What a caller is told when something does not succeed, and what it is never told.
//!
//! Every resolver answers with [`ApiError`]; its code is one of the public contract's. Whatever reaches the edge without
//! such a code was not written for callers: it becomes `INTERNAL` with the trace id under which the log has the truth.

use async_graphql::{ErrorExtensionValues, ErrorExtensions, PathSegment, Response, ServerError, Value};
use chrono::{DateTime, SecondsFormat, Utc};
use commands::CommandError;
use domain::Version;
use feed::chain;
use std::time::Duration;

/// Errors of the parser and of validation echo the document: they are cut to this many characters.
const ECHO_MAX_CHARS: usize = 200;

/// The codes of the public contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Rejected,
    Stale,
    Denied,
    NotFound,
    Invalid,
    Unavailable,
    StorageLow,
    RateLimited,
    Internal,
}

impl Code {
    pub const ALL: [Self; 9] = [
        Self::Rejected,
        Self::Stale,
        Self::Denied,
        Self::NotFound,
        Self::Invalid,
        Self::Unavailable,
        Self::StorageLow,
        Self::RateLimited,
        Self::Internal,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "REJECTED",
            Self::Stale => "STALE",
            Self::Denied => "DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::Invalid => "INVALID",
            Self::Unavailable => "UNAVAILABLE",
            Self::StorageLow => "STORAGE_LOW",
            Self::RateLimited => "RATE_LIMITED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// Who won a lost race.
#[derive(Clone, Debug)]
pub struct NamedActor {
    pub id: String,
    pub name: String,
}

/// An answer other than success, in the words of the public contract.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{message}")]
    Rejected { reason: &'static str, message: String },
    #[error("{} changed the {facet} first", by.name)]
    Stale { by: NamedActor, at: DateTime<Utc>, version: Version, facet: &'static str },
    #[error("{0}")]
    Denied(&'static str),
    /// Unknown, or of an org that the caller does not belong to: both answer alike.
    #[error("Not found.")]
    NotFound,
    #[error("{message}")]
    Invalid { field: String, message: String },
    #[error("{message}")]
    Unavailable {
        message: &'static str,
        #[source]
        source: Option<Source>,
    },
    #[error("Storage is low: nothing is written until there is space again.")]
    StorageLow,
    #[error("Too much was asked for in a minute: wait {} s.", retry_after_s(*retry_after))]
    RateLimited { retry_after: Duration },
    #[error("Something broke on our side.")]
    Internal(#[source] Source),
}

pub type Source = Box<dyn std::error::Error + Send + Sync>;

pub const SIGN_IN: &str = "Sign in first.";
const NO_DATABASE: &str = "The database does not answer. Nothing was acknowledged; send the same again.";

impl ApiError {
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.into() }
    }

    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    pub const fn code(&self) -> Code {
        match self {
            Self::Rejected { .. } => Code::Rejected,
            Self::Stale { .. } => Code::Stale,
            Self::Denied(_) => Code::Denied,
            Self::NotFound => Code::NotFound,
            Self::Invalid { .. } => Code::Invalid,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::StorageLow => Code::StorageLow,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Internal(_) => Code::Internal,
        }
    }

    fn extensions(&self, values: &mut ErrorExtensionValues) {
        values.set("code", self.code().as_str());
        match self {
            Self::Rejected { reason, .. } => values.set("reason", *reason),
            Self::Stale { by, at, version, facet } => {
                let by = [("id", by.id.as_str()), ("name", by.name.as_str())];
                let by = by.into_iter().map(|(key, text)| (async_graphql::Name::new(key), Value::from(text)));
                values.set("by", Value::Object(by.collect()));
                values.set("at", at.to_rfc3339_opts(SecondsFormat::Micros, true));
                values.set("version", *version);
                values.set("facet", *facet);
            }
            Self::Invalid { field, .. } => values.set("field", field.as_str()),
            Self::RateLimited { retry_after } => values.set("retryAfterS", retry_after_s(*retry_after)),
            Self::Denied(_) | Self::NotFound | Self::Unavailable { .. } | Self::StorageLow | Self::Internal(_) => {}
        }
    }

    /// The error as GraphQL carries it. What broke is logged here, in full and once; the caller gets the trace id later
    /// (see [`finish`]).
    pub fn into_graphql(self) -> async_graphql::Error {
        match &self {
            Self::Internal(source) => tracing::error!(error = chain(source.as_ref()), "a request failed"),
            Self::Unavailable { source: Some(source), .. } => {
                tracing::warn!(error = chain(source.as_ref()), "a request found something away");
            }
            Self::Rejected { .. }
            | Self::Stale { .. }
            | Self::Denied(_)
            | Self::NotFound
            | Self::Invalid { .. }
            | Self::Unavailable { source: None, .. }
            | Self::StorageLow
            | Self::RateLimited { .. } => {}
        }
        async_graphql::Error::new(self.to_string()).extend_with(|_, values| self.extensions(values))
    }

    pub fn into_server_error(self) -> ServerError {
        self.into_graphql().into_server_error(async_graphql::Pos::default())
    }
}

/// Whole seconds, so that whoever waits them out is let in.
pub(crate) fn retry_after_s(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(1)
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        error.into_graphql()
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if is_away(&error) {
            Self::Unavailable { message: NO_DATABASE, source: Some(error.into()) }
        } else {
            Self::internal(error)
        }
    }
}

/// Nothing but the database being gone: safe to try again.
fn is_away(error: &sqlx::Error) -> bool {
    if let Some(database) = error.as_database_error() {
        // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections
        return matches!(database.code().as_deref(), Some("57P01" | "57P02" | "57P03" | "53300"));
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed
    )
}

/// True when anything in the chain says that the database is gone.
pub fn database_is_away(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<sqlx::Error>().is_some_and(is_away) {
            return true;
        }
        next = error.source();
    }
    false
}

/// A command's answer in the contract's words. `by` names the winner of a lost race.
pub fn from_command(error: CommandError, by: Option<NamedActor>) -> ApiError {
    match error {
        CommandError::Rejected { reason, message } => ApiError::Rejected { reason, message: sentence(&message) },
        CommandError::Stale { by: actor, at, version, facet } => {
            let by = by.unwrap_or_else(|| NamedActor { id: actor.to_string(), name: actor.to_string() });
            ApiError::Stale { by, at, version, facet }
        }
        CommandError::Denied => ApiError::Denied("You may not do this."),
        CommandError::NotFound => ApiError::NotFound,
        CommandError::Invalid { field, message } => ApiError::Invalid { field, message: sentence(&message) },
        CommandError::Unavailable { source } => ApiError::Unavailable { message: NO_DATABASE, source: Some(source) },
        CommandError::StorageLow => ApiError::StorageLow,
        CommandError::Failed { source } => {
            if database_is_away(source.as_ref()) {
                ApiError::Unavailable { message: NO_DATABASE, source: Some(source) }
            } else {
                ApiError::Internal(source)
            }
        }
    }
}

/// A rule's words as a sentence of their own.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// Makes every error of an answer fit to leave the house: known codes pass, complaints about the document are cut short,
/// the rest is `INTERNAL` with the trace id.
pub fn finish(response: &mut Response, trace_id: &str) {
    for error in &mut response.errors {
        let code = error.extensions.as_ref().and_then(|values| values.get("code")).cloned();
        let code = match code {
            Some(Value::String(code)) => Code::ALL.into_iter().find(|known| known.as_str() == code),
            _ => None,
        };
        match code {
            Some(Code::Internal) => set_trace(error, trace_id),
            Some(_) => {}
            None if is_about_the_document(error) => {
                error.message = cut(&error.message);
                error.source = None;
                let mut values = ErrorExtensionValues::default();
                values.set("code", Code::Invalid.as_str());
                error.extensions = Some(values);
            }
            None => {
                tracing::error!(error = error.message, path = ?error.path, "an error without a code");
                "Something broke on our side.".clone_into(&mut error.message);
                error.source = None;
                let mut values = ErrorExtensionValues::default();
                values.set("code", Code::Internal.as_str());
                error.extensions = Some(values);
                set_trace(error, trace_id);
            }
        }
    }
}

fn set_trace(error: &mut ServerError, trace_id: &str) {
    error.extensions.get_or_insert_default().set("traceId", trace_id);
}

/// Parsing and validation come before anything is resolved, so they know no path; a value that does not fit its scalar
/// is found while arguments are read.
fn is_about_the_document(error: &ServerError) -> bool {
    let before_resolving = !error.path.iter().any(|segment| matches!(segment, PathSegment::Field(_)));
    // The executor's own words for a value that does not fit its type; nothing else of ours begins like them.
    before_resolving
        || ["Failed to parse \"", "Expected input type \""].iter().any(|words| error.message.starts_with(words))
}

fn cut(message: &str) -> String {
    if message.chars().count() <= ECHO_MAX_CHARS {
        return message.to_owned();
    }
    let mut short: String = message.chars().take(ECHO_MAX_CHARS - 1).collect();
    short.push('…');
    short
}
