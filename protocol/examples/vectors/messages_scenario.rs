//! Vectors for the messages that people and sessions sign. A message is in the JSON form of the API, so that the
//! vectors check this form too.

use alloy::primitives::{Address, B256, Bytes};
use protocol::{
    deployment::Deployment,
    ids::LeafHash,
    messages::Action,
    reads::{Leaf, SignedReceipt},
    recovery::RecoveryKit,
    secret::Seed,
    session::{LoginMessage, parse_session_resource, verify_session_signature},
    statements::{AccessRequest, DenyRequest, Profile, SignedAccessRequest, SignedDenial, SignedProfile},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::number;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionScenario {
    deployment: Deployment,
    action: Value,
    signing_hash: B256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementScenario {
    deployment: Deployment,
    statement: Value,
    signing_hash: B256,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Statement {
    AccessRequest(AccessRequest),
    DenyRequest(DenyRequest),
    Profile(Profile),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadScenario {
    deployment: Deployment,
    leaf: Value,
    signed_bytes: Bytes,
    leaf_hash: LeafHash,
    receipt: Value,
    receipt_signature: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginScenario {
    domain: String,
    address: Address,
    uri: String,
    chain_id: String,
    nonce: String,
    issued_at: String,
    expiration_time: String,
    session_key: Bytes,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KitScenario {
    chain_id: String,
    owner: Address,
    seed: B256,
    text: String,
}

/// The operator's encryption keys, optionally with the deployment file that a client has kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperatorKeysScenario {
    pub(crate) deployment: Deployment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<Deployment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest_epoch: Option<u32>,
}

impl OperatorKeysScenario {
    pub(crate) fn run(&self) -> &'static str {
        let kept = |_: &_| self.kept.as_ref().map_or(Ok(()), |kept| self.deployment.expect_extends(kept));
        match self.deployment.operator_key().and_then(|newest| kept(&newest).map(|()| newest)) {
            Ok(newest) => {
                assert_eq!(Some(newest.epoch), self.newest_epoch);
                "ok"
            }
            Err(error) => error.class(),
        }
    }
}

/// Reads a value and checks that writing it again gives the same JSON.
fn read<T: DeserializeOwned + Serialize>(json: &Value) -> T {
    let value: T = serde_json::from_value(json.clone()).expect("the JSON of the API");
    assert_eq!(serde_json::to_value(&value).expect("texts and numbers"), *json);
    value
}

impl ActionScenario {
    pub(crate) fn run(&self) -> &'static str {
        assert_eq!(read::<Action>(&self.action).signing_hash(&self.deployment), self.signing_hash);
        "ok"
    }
}

impl StatementScenario {
    pub(crate) fn run(&self) -> &'static str {
        let hash = match read(&self.statement) {
            Statement::AccessRequest(m) => SignedAccessRequest::signing_hash(&m, &self.deployment),
            Statement::DenyRequest(m) => SignedDenial::signing_hash(&m, &self.deployment),
            Statement::Profile(m) => SignedProfile::signing_hash(&m, &self.deployment),
        };
        assert_eq!(hash, self.signing_hash);
        "ok"
    }
}

impl ReadScenario {
    pub(crate) fn run(&self) -> &'static str {
        let leaf: Leaf = read(&self.leaf);
        assert_eq!(leaf.request.signed_bytes(&self.deployment), self.signed_bytes);
        assert_eq!(leaf.request.login_hash.as_slice(), Sha256::digest(&leaf.login_message).as_slice());
        let resource = leaf.login_message.rsplit("- ").next().expect("a resource");
        let key = parse_session_resource(resource).expect("a session key");
        assert!(verify_session_signature(&key, &self.signed_bytes, &leaf.signature));
        assert_eq!(leaf.hash(&self.deployment), self.leaf_hash);
        let signed = SignedReceipt { receipt: read(&self.receipt), signature: self.receipt_signature.clone() };
        assert_eq!(signed.receipt.leaf, self.leaf_hash.0);
        assert_eq!(signed.receipt.anchorBy, leaf.anchor_by);
        assert!(leaf.is_promised_in_time());
        signed.verify(&self.deployment).expect("the operator's receipt");
        "ok"
    }
}

impl LoginScenario {
    pub(crate) fn run(&self) -> &'static str {
        let message = LoginMessage {
            domain: &self.domain,
            address: self.address,
            uri: &self.uri,
            chain_id: number(&self.chain_id),
            nonce: &self.nonce,
            issued_at: &self.issued_at,
            expiration_time: &self.expiration_time,
            session_key: self.session_key.as_ref().try_into().expect("65 bytes"),
        };
        assert_eq!(message.to_string(), self.text);
        "ok"
    }
}

impl KitScenario {
    pub(crate) fn run(&self) -> &'static str {
        let kit =
            RecoveryKit { chain_id: number(&self.chain_id), owner: self.owner, seed: Seed::from_bytes(self.seed.0) };
        assert_eq!(*kit.to_text(), self.text);
        let parsed = RecoveryKit::parse(&self.text).expect("a kit");
        assert!(parsed.seed == kit.seed && parsed.owner == kit.owner && parsed.chain_id == kit.chain_id);
        "ok"
    }
}
