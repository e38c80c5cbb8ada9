//! Grants, bundles and access requests.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

pub use crate::grants::GrantState;
use crate::{
    codes::{Purpose, Right, ScopeKind},
    ids::{GrantId, RecordId, RequestId, Salt, Tag},
    messages::SignedAction,
    statements::SignedAccessRequest,
};

/// `POST /v1/grants`: a signed `Grant` with all that the grantee needs; answered 201 when mined, 202 after a while.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// The signed message. Absent when the patient sent the transaction itself (`--direct`), or puts a bundle in again
    /// (`reissue`): then the grants must stand on chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<SignedAction>,
    /// To whom.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub grantee: Address,
    /// Opens the tag for that grantee.
    pub salt: Salt,
    /// READ or WRITE.
    pub right: Right,
    /// One for each scope, in the order of the message. Together at most [`crate::bundle::CAPSULES_MAX`] capsules.
    #[schema(max_items = 64)]
    pub bundles: Vec<BundleBody>,
    /// The request that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

/// The capsules of one grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleBody {
    /// What it covers.
    pub kind: ScopeKind,
    /// Record id, category or zero.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub scope_id: B256,
    /// For a record: the reader share S of each version, at most [`crate::bundle::CAPSULES_MAX`]. Empty for WRITE.
    #[schema(max_items = 4096)]
    pub capsules: Vec<VersionCapsule>,
}

/// One capsule of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionCapsule {
    /// The version it opens, from 1.
    #[schema(maximum = 65535)]
    pub version: u16,
    /// 117 bytes, sealed to the grantee.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 236)]
    pub capsule: Bytes,
}

/// `PUT /v1/grants/{grant}/bundle`: later versions are added off chain by the patient's client (catch-up).
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatchUpBody {
    /// All capsules, old and new.
    pub bundle: BundleBody,
}

/// `POST /v1/grants/revoke`: a signed `Revoke` or `RevokeAll`. Reads stop at once, also before it is mined.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeBody {
    /// The signed message.
    pub action: SignedAction,
}

/// A grant as its patient or its grantee may see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GrantView {
    /// Its storage key.
    pub id: GrantId,
    /// Who gave it.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub patient: Address,
    /// To whom, if this server was told.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub grantee: Option<Address>,
    /// The tag on chain.
    pub tag: Tag,
    /// Opens the tag, if this server was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// What it covers.
    pub kind: ScopeKind,
    /// Record id, category or zero.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub scope_id: B256,
    /// READ or WRITE; absent once revoked.
    pub right: Option<Right>,
    /// For what.
    pub purposes: Vec<Purpose>,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
    /// Grant epoch.
    pub epoch: u32,
    /// Patient epoch when granted.
    pub patient_epoch: u32,
    /// Whether it counts now.
    pub state: GrantState,
    /// SHA-256 of the bundle, from the chain.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub bundle_hash: B256,
    /// The newest version that the bundle here opens, as far as it is at hand; `GET /v1/grants/{grant}/bundle` gives the
    /// bundle itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 65535)]
    pub newest_version: Option<u16>,
    /// Where it waits for its grantee; for the grantee only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelf: Option<Shelf>,
    /// Whether the grantee has hidden it; for the grantee only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Transaction that last changed it.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: B256,
}

/// Filters of `GET /v1/grants`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// `given` (as patient, the default) or `received` (as grantee).
    pub side: Option<GrantSide>,
    /// Only grants over this record (hex). Of received ones: those of the record's patient, wherever they wait.
    #[param(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub record: Option<RecordId>,
    /// Only grants received from this patient (hex), wherever they wait. Not for the side `given`.
    #[param(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    #[serde(default, with = "crate::hex_text::option")]
    pub patient: Option<Address>,
    /// Of received grants, those that wait here: `known` (the default), `strangers`, `blocked` or `hidden`. Not for the side
    /// `given`, and not together with `record` or `patient`.
    pub shelf: Option<ShelfQuery>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most this many items, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}

/// Where a received grant waits: grants are never refused, but those of strangers stand apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// From somebody whom an accreditor vouches for, or with whom the grantee has to do: the grantee has granted to them,
    /// uploaded for them, asked them, or accepted them.
    Known,
    /// From anybody else.
    Strangers,
    /// From somebody whom the grantee has blocked.
    Blocked,
}

/// Which received grants are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShelfQuery {
    /// Those of [`Shelf::Known`] that are not hidden.
    Known,
    /// Those of [`Shelf::Strangers`] that are not hidden.
    Strangers,
    /// Those of [`Shelf::Blocked`].
    Blocked,
    /// Those that the grantee has hidden.
    Hidden,
}

/// From whose side a list of grants is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantSide {
    /// Grants the caller gave.
    Given,
    /// Grants the caller received.
    Received,
}

/// `POST /v1/requests`: a practitioner asks a patient for access.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    /// What is asked, signed.
    pub signed: SignedAccessRequest,
    /// The reason: a note that only the patient can open (see `protocol::note`); hashes to the request's `noteHash`.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub note: Bytes,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// The patient has not answered.
    Open,
    /// The patient granted something for it.
    Approved,
    /// The patient turned it down.
    Denied,
    /// Its deadline has passed, or nobody vouches any more for a requester who needs that.
    Lapsed,
}

/// A request as its two parties see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestView {
    /// Names the request.
    pub id: RequestId,
    /// What is asked.
    pub signed: SignedAccessRequest,
    /// The reason, for the patient.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub note: Bytes,
    /// Where it stands.
    pub state: RequestState,
    /// Unix seconds.
    pub created_at: u64,
    /// Unix seconds.
    pub answered_at: Option<u64>,
}
