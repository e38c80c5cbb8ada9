//! The JSON bodies of the HTTP API, one file per resource. Requests refuse unknown fields; answers may grow.

pub mod account;
pub mod feed;
pub mod grants;
pub mod log;
pub mod people;
pub mod reads;
pub mod records;
pub mod relay;

use serde::{Deserialize, Serialize};

/// The most bytes of items in one page. A page ends before the item that would exceed it; it has one item at least.
pub const PAGE_BYTES_MAX: usize = 256 << 10;

/// One page of a list, newest first. It has at most as many items as were asked for and at most [`PAGE_BYTES_MAX`] bytes of
/// them. It may have fewer, or none, and still a next page: `next` alone says whether the list goes on.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
    /// At most this many items, 1 to 500; 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}
