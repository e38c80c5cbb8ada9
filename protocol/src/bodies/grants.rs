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

/// `POST /v1/grants`: a signed `Grant` with everything that the grantee needs. The answer is 201 when it is mined, or
/// 202 if it is not mined within some seconds.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// The signed message. Absent when the patient sent the transaction directly (`--direct`), or stores a bundle again
    /// (`reissue`); then the grants must already be on chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<SignedAction>,
    /// The grantee.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub grantee: Address,
    /// The salt that opens the tag for this grantee.
    pub salt: Salt,
    /// The right: READ or WRITE.
    pub right: Right,
    /// One bundle for each scope, in the order of the message. Together they have at most 800 capsules.
    #[schema(max_items = 64)]
    pub bundles: Vec<BundleBody>,
    /// The request that this grant answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

/// The capsules of one grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleBody {
    /// The kind of scope.
    pub kind: ScopeKind,
    /// The record id, the category, or zero.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub scope_id: B256,
    /// For a record: the reader share S of each version, at most 800. Empty for WRITE.
    #[schema(max_items = 800)]
    pub capsules: Vec<VersionCapsule>,
}

/// One capsule of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionCapsule {
    /// The version that the capsule opens, from 1.
    #[schema(maximum = 65535)]
    pub version: u16,
    /// The capsule: 1,172 bytes, sealed to the grantee.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 2346)]
    pub capsule: Bytes,
}

/// `PUT /v1/grants/{grant}/bundle`: the patient's client adds later versions off chain (catch-up).
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatchUpBody {
    /// All capsules, old and new.
    pub bundle: BundleBody,
}

/// `POST /v1/grants/revoke`: a signed `Revoke` or `RevokeAll`. The server refuses reads at once, even before it is
/// mined.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeBody {
    /// The signed message.
    pub action: SignedAction,
}

/// A grant, as its patient or its grantee sees it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GrantView {
    /// The id of the grant, which is its storage key.
    pub id: GrantId,
    /// The patient who gave the grant.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub patient: Address,
    /// The grantee, if this server knows it.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub grantee: Option<Address>,
    /// The tag on chain.
    pub tag: Tag,
    /// The salt that opens the tag, if this server knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// The kind of scope.
    pub kind: ScopeKind,
    /// The record id, the category, or zero.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub scope_id: B256,
    /// The right: READ or WRITE; absent once revoked.
    pub right: Option<Right>,
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// The first second of the period, in Unix seconds.
    pub not_before: u64,
    /// The first second after the period, in Unix seconds.
    pub not_after: u64,
    /// The grant epoch.
    pub epoch: u32,
    /// The patient's epoch at the time of the grant.
    pub patient_epoch: u32,
    /// The state of the grant at the present time.
    pub state: GrantState,
    /// The SHA-256 hash of the bundle, from the chain.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub bundle_hash: B256,
    /// The newest version that the bundle on this server opens, if it has one; `GET /v1/grants/{grant}/bundle` returns
    /// the bundle itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 65535)]
    pub newest_version: Option<u16>,
    /// The list in which the grant waits for its grantee; for the grantee only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelf: Option<Shelf>,
    /// Whether the grantee has hidden the grant; for the grantee only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// The transaction that last changed the grant.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: B256,
}

/// Filters of `GET /v1/grants`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// The list to return: `given` (as patient, the default) or `received` (as grantee).
    pub side: Option<GrantSide>,
    /// Only grants over this record (hex). For received grants: only those of the record's patient, on all shelves.
    #[param(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub record: Option<RecordId>,
    /// Only grants received from this patient (hex), on all shelves. Not allowed with the side `given`.
    #[param(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    #[serde(default, with = "crate::hex_text::option")]
    pub patient: Option<Address>,
    /// Only received grants on this shelf: `known` (the default), `strangers`, `blocked` or `hidden`. Not allowed with
    /// the side `given`, nor together with `record` or `patient`.
    pub shelf: Option<ShelfQuery>,
    /// Where to continue: the `next` of the page before.
    pub cursor: Option<String>,
    /// The largest number of items, 1 to 500; 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}

/// The list in which a received grant is shown. Grants are never refused, but those of strangers are listed separately.
/// `known`: from a person for whom an accreditor vouches, or whom the grantee knows (has granted to, uploaded for,
/// asked for access, or accepted). `strangers`: from any other person. `blocked`: from a person whom the grantee has
/// blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// From a person for whom an accreditor vouches, or whom the grantee knows: the grantee has granted to them,
    /// uploaded for them, asked them for access, or accepted them.
    Known,
    /// From any other person.
    Strangers,
    /// From a person whom the grantee has blocked.
    Blocked,
}

/// The received grants to list: those on the shelf `known`, `strangers` or `blocked`, or those that the grantee has
/// hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShelfQuery {
    /// The grants on the shelf `known` that are not hidden.
    Known,
    /// The grants on the shelf `strangers` that are not hidden.
    Strangers,
    /// The grants on the shelf `blocked`.
    Blocked,
    /// The grants that the grantee has hidden.
    Hidden,
}

/// The side from which the caller takes part in the listed grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantSide {
    /// Grants that the caller gave.
    Given,
    /// Grants that the caller received.
    Received,
}

/// `POST /v1/requests`: a practitioner asks a patient for access.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    /// The signed request.
    pub signed: SignedAccessRequest,
    /// The reason: a note that only the patient can open (SPEC, section 8). Its hash is the request's `noteHash`.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub note: Bytes,
}

/// The state of a request. `open`: the patient has not answered. `approved`: the patient has given a grant for it.
/// `denied`: the patient has denied it. `lapsed`: its deadline has passed, or its requester no longer has the
/// accreditation that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// The patient has not answered.
    Open,
    /// The patient has given a grant for it.
    Approved,
    /// The patient has denied it.
    Denied,
    /// Its deadline has passed, or its requester needs an accreditation and no accreditor vouches for them any more.
    Lapsed,
}

/// A request, as its two parties see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestView {
    /// The id of the request.
    pub id: RequestId,
    /// The signed request.
    pub signed: SignedAccessRequest,
    /// The reason, for the patient.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub note: Bytes,
    /// The state of the request.
    pub state: RequestState,
    /// The time of the request, in Unix seconds.
    pub created_at: u64,
    /// The time of the answer, in Unix seconds.
    pub answered_at: Option<u64>,
}
