//! Pages of lists.

use super::scalars::page_cursor;
use crate::errors::ApiError;
use async_graphql::SimpleObject;

/// The most that a list gives at once.
const FIRST_MAX: i32 = 100;

#[derive(SimpleObject, Clone, Debug)]
pub(crate) struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    /// `last` is the place of the page's last node.
    pub(super) fn new(has_next_page: bool, last: Option<u64>) -> Self {
        Self { has_next_page, end_cursor: last.map(page_cursor) }
    }
}

pub(super) fn first_of(first: i32) -> Result<u32, ApiError> {
    first_up_to(first, FIRST_MAX)
}

pub(super) fn first_up_to(first: i32, most: i32) -> Result<u32, ApiError> {
    u32::try_from(first)
        .ok()
        .filter(|_| (1..=most).contains(&first))
        .ok_or_else(|| ApiError::invalid("first", format!("Between 1 and {most}.")))
}
