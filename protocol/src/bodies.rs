//! The JSON bodies of the HTTP API, one file for each resource. Requests with unknown fields are refused. Answers may
//! get new fields in later versions.

pub mod account;
pub mod feed;
pub mod grants;
pub mod log;
pub mod people;
pub mod reads;
pub mod records;
pub mod relay;

use serde::{Deserialize, Serialize};

/// The largest total size of the items in one page, in bytes. A page ends before the item that would exceed it, but has
/// at least one item.
pub const PAGE_BYTES_MAX: usize = 256 << 10;

/// One page of a list, newest first. It has at most the requested number of items, and at most 262,144 bytes of items. It
/// may have fewer or no items and still be followed by another page: only `next` shows whether the list continues.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The query parameters that choose a page of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where to continue: the `next` of the page before.
    pub cursor: Option<String>,
    /// The largest number of items, 1 to 500; 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}
