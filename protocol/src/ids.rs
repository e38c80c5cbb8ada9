//! Identifiers. Each one has its own type, so that two different ones cannot be swapped.

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

macro_rules! id32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
        pub struct $name(#[serde(with = "crate::hex_text")] pub B256);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = alloy::hex::FromHexError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<B256> for $name {
            fn from(bytes: B256) -> Self {
                Self(bytes)
            }
        }

        impl From<$name> for B256 {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id32! {
    /// The id of a record: keccak256(uploader20 ‖ salt32) of its first uploader.
    RecordId
}
id32! {
    /// The salted pseudonym of a grantee for one patient and one kind of right: keccak256(grantee20 ‖ salt32).
    Tag
}
id32! {
    /// The random value that opens a tag or a record id. Only the people concerned know it; it is never logged.
    Salt
}
id32! {
    /// The RFC 6962 hash of one leaf of the operator's log.
    LeafHash
}
id32! {
    /// The id of a relayed action: the EIP-712 signing hash of its message.
    ActionId
}
id32! {
    /// The id of an access request: the EIP-712 signing hash of its message.
    RequestId
}
id32! {
    /// The id of a grant: keccak256(abi.encode(patient, tag, scope kind, scope id)), the key of its storage slot.
    GrantId
}

impl RecordId {
    /// Computes the record id that `uploader` opens with `salt`.
    #[must_use]
    pub fn derive(uploader: Address, salt: Salt) -> Self {
        Self(keccak256([uploader.as_slice(), salt.0.as_slice()].concat()))
    }
}

impl Tag {
    /// Computes the tag that `grantee` opens with `salt`.
    #[must_use]
    pub fn derive(grantee: Address, salt: Salt) -> Self {
        Self(keccak256([grantee.as_slice(), salt.0.as_slice()].concat()))
    }
}

impl GrantId {
    /// Computes the key of a grant's storage slot in `GrantRegistry`.
    #[must_use]
    pub fn derive(patient: Address, tag: Tag, kind: crate::codes::ScopeKind, scope_id: B256) -> Self {
        let mut words = [0_u8; 128];
        words[12..32].copy_from_slice(patient.as_slice());
        words[32..64].copy_from_slice(tag.0.as_slice());
        words[95] = kind as u8;
        words[96..128].copy_from_slice(scope_id.as_slice());
        Self(keccak256(words))
    }
}
