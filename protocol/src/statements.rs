//! Signed statements that are not sent to the chain: access requests, denials, and the public profiles of
//! practitioners.

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolStruct,
};
use serde::{Deserialize, Serialize};

use crate::{
    deployment::{ContractName, Deployment},
    ids::RequestId,
    messages::{SignatureError, verify_signature},
    typed_data::{described, typed_data},
};

typed_data! {
    /// Somebody, usually a practitioner, asks a patient for access. Purpose and scope are not encrypted. The reason is a
    /// note that only the patient can open, and `noteHash` is the SHA-256 hash of its bytes. `until` is the end of the
    /// access that is asked for, in Unix seconds. Domain: `GrantRegistry`.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AccessRequest {
        address requester; address patient; uint8 rights; uint8 kind; bytes32 scopeId; uint16 purposes; uint40 until;
        bytes32 noteHash; uint256 nonce; uint256 deadline;
    }

    /// A patient denies an access request. Domain: `GrantRegistry`.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct DenyRequest { address patient; bytes32 request; uint256 deadline; }

    /// The public profile that an accreditor signs for a practitioner. Domain: `Accreditation`. It counts only in the
    /// accreditor's epoch that it contains. `issued` is in Unix seconds.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Profile {
        address accreditor; uint32 accreditorEpoch; address practitioner; string name; string organisation; string specialty;
        uint8 roles; uint64 issued;
    }
}

/// The longest name, organisation or specialty in a profile, in bytes.
pub const PROFILE_TEXT_BYTES_MAX: usize = 200;

macro_rules! signed {
    ($(#[$doc:meta])* $signed:ident, $message:ident, $field:ident, $contract:ident, $signer:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $signed {
            /// The statement.
            pub $field: $message,
            /// The signature: 65 bytes r ‖ s ‖ v, or a signature that the signer's contract accepts (ERC-1271).
            #[serde(with = "crate::signature_text")]
            #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 16386)]
            pub signature: Bytes,
        }

        impl $signed {
            /// Returns the hash that is signed (EIP-712).
            #[must_use]
            pub fn signing_hash($field: &$message, deployment: &Deployment) -> B256 {
                $field.eip712_signing_hash(&deployment.domain_of(ContractName::$contract))
            }

            /// Returns the address that must sign.
            #[must_use]
            pub const fn signer(&self) -> Address {
                self.$field.$signer
            }

            /// Checks the signature of an externally owned account. For contract accounts, use ERC-1271 instead.
            ///
            /// # Errors
            /// See [`SignatureError`].
            pub fn verify(&self, deployment: &Deployment) -> Result<(), SignatureError> {
                verify_signature(Self::signing_hash(&self.$field, deployment), self.signer(), &self.signature)
            }
        }
    };
}

signed! {
    /// A request for access, with its signature.
    SignedAccessRequest, AccessRequest, request, GrantRegistry, requester
}
signed! {
    /// A patient's denial of a request, with its signature.
    SignedDenial, DenyRequest, denial, GrantRegistry, patient
}
signed! {
    /// The profile of a practitioner, with its accreditor's signature.
    SignedProfile, Profile, profile, Accreditation, accreditor
}

described! { AccessRequest, DenyRequest, Profile }

impl SignedAccessRequest {
    /// Returns the id of the request.
    #[must_use]
    pub fn id(&self, deployment: &Deployment) -> RequestId {
        RequestId(Self::signing_hash(&self.request, deployment))
    }
}
