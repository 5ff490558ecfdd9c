//! One encoded payload for all who sent an equal document and follow the same.

use super::Subject;
use crate::graphql::RequestContext;
use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// Digest of a document, its operation, and its variables but for cursors: equal for all who want the same shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DocumentKey(pub [u8; 32]);

/// Which item, in which shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SharedKey {
    pub document: DocumentKey,
    pub subject: Subject,
    pub at: u64,
}

/// The cursor of the item that a subscription gave last: what a client that is too slow is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastCursor(Arc<Mutex<Option<String>>>);

impl LastCursor {
    pub(crate) fn set(&self, cursor: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor.to_owned());
    }

    pub(crate) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An item of a subscription whose selection is resolved and written as JSON once, for the first who asks.
#[derive(Clone, Debug)]
pub(crate) struct Shared<T> {
    pub item: T,
    pub cursor: String,
    /// None: an item of this follower alone, such as its live marker.
    pub place: Option<(Subject, u64)>,
}

/// The executor's own sign for "this text is JSON already".
const RAW: &str = "$serde_json::private::RawValue";

impl<T: OutputType> OutputType for Shared<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Some(request) = ctx.data_opt::<RequestContext>() else {
            return self.item.resolve(ctx, field).await;
        };
        request.last_cursor.set(&self.cursor);
        let Some((subject, at)) = self.place else {
            return self.item.resolve(ctx, field).await;
        };
        let key = SharedKey { document: request.document, subject, at };
        let encoded = &request.gateway.live.encoded;
        if let Some(text) = encoded.get(&key).await {
            return Ok(raw(&text));
        }
        let value = self.item.resolve(ctx, field).await?;
        let whole = ctx.query_env.errors.lock().map(|errors| errors.is_empty()).unwrap_or(false);
        let text = serde_json::to_string(&value).ok().filter(|_| whole);
        let Some(text) = text else { return Ok(value) };
        let text: Arc<str> = text.into();
        encoded.insert(key, Arc::clone(&text)).await;
        Ok(raw(&text))
    }
}

fn raw(text: &str) -> Value {
    Value::Object([(Name::new(RAW), Value::String(text.to_owned()))].into_iter().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_that_is_json_already_is_written_as_it_is() {
        let object: async_graphql::indexmap::IndexMap<Name, Value> =
            [(Name::new("boardChanged"), raw(r#"{"live":false,"n":9007199254740991}"#))].into_iter().collect();
        let written = serde_json::to_string(&Value::Object(object)).unwrap();
        assert_eq!(written, r#"{"boardChanged":{"live":false,"n":9007199254740991}}"#);
    }
}
