//! The records that a grant covers.

use alloy::primitives::B256;
use serde::Serialize;

use crate::{
    codes::{Category, ScopeKind},
    ids::RecordId,
};

/// The scope of a grant: one record, one category, or everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One record (READ only).
    Record(RecordId),
    /// One category (WRITE only, until category keys exist).
    Category(Category),
    /// Everything (WRITE only, until category keys exist).
    All,
}

impl Scope {
    /// Returns the kind and the id that the contracts use: the record id, the category's code, or zero.
    #[must_use]
    pub fn on_chain(self) -> (ScopeKind, B256) {
        match self {
            Self::Record(record) => (ScopeKind::Record, record.0),
            Self::Category(category) => (ScopeKind::Category, category.scope_id()),
            Self::All => (ScopeKind::All, B256::ZERO),
        }
    }

    /// Returns the scope for a kind and an id of the contracts; `None` for a category that this version does not know.
    #[must_use]
    pub fn from_chain(kind: ScopeKind, id: B256) -> Option<Self> {
        match kind {
            ScopeKind::Record => Some(Self::Record(RecordId(id))),
            ScopeKind::Category => {
                let category = Category::from_code(u16::from_be_bytes([id[30], id[31]]))?;
                (category.scope_id() == id).then_some(Self::Category(category))
            }
            ScopeKind::All => id.is_zero().then_some(Self::All),
        }
    }
}

/// Returns the scope id of a category's code, also of a code that is not in our list: the code in the low bytes.
#[must_use]
pub fn category_scope_id(code: u16) -> B256 {
    B256::left_padding_from(&code.to_be_bytes())
}

/// Returns every scope that covers a record, narrowest first: the record, its category (`category` is the code), all.
#[must_use]
pub fn scopes_of(record: RecordId, category: u16) -> [(ScopeKind, B256); 3] {
    [(ScopeKind::Record, record.0), (ScopeKind::Category, category_scope_id(category)), (ScopeKind::All, B256::ZERO)]
}

/// Returns whether a grant over `kind` and `id` covers a record of the category with this code.
#[must_use]
pub fn covers(kind: ScopeKind, id: B256, record: RecordId, category: u16) -> bool {
    scopes_of(record, category).contains(&(kind, id))
}
