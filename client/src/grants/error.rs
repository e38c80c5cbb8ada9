use protocol::{bundle::BundleError, grants::GrantFormError};

use super::own_versions::VersionsError;
use crate::{
    act::ActError,
    api::ServerError,
    chain::ChainError,
    envelope::EnvelopeError,
    error::{codes, failure, lift, sentence},
    home::DeviceError,
    lookup::LookupError,
    operator_key::OperatorKeyError,
    published_key::PublicKeyError,
    wallet::WalletError,
};

/// Why nothing was granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// This cannot be granted.
    #[error("{}", sentence(.0))]
    Form(#[from] GrantFormError),
    /// No record can be shared; the reason of the first.
    #[error(transparent)]
    Versions(VersionsError),
    /// Nothing can be sealed to the grantee.
    #[error(transparent)]
    GranteeKey(PublicKeyError),
    /// The grant was not carried out.
    #[error(transparent)]
    Act(ActError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { GrantError {
    Form => codes::USAGE;
    ..Versions;
    ..GranteeKey;
    ..Act;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

lift! { VersionsError => GrantError { Server, Chain, Device, ..Versions } }
lift! { PublicKeyError => GrantError { Chain, ..GranteeKey } }
lift! { ActError => GrantError { Server, Chain, Wallet, ..Act } }

/// Why no grant was ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// None of these grants is active.
    #[error("There is no such active grant.")]
    NothingStands,
    /// The person may do nothing.
    #[error("You share nothing with this person now.")]
    NothingShared,
    /// The revocation was not carried out.
    #[error(transparent)]
    Act(ActError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

failure! { RevokeError {
    NothingStands => codes::NOT_FOUND, "To see what you share: medlock grants.";
    NothingShared => codes::NOT_FOUND, "To see what you share: medlock grants.";
    ..Act;
    ..Server;
    ..Chain;
    ..Wallet;
} }

lift! { ActError => RevokeError { Server, Chain, Wallet, ..Act } }

/// Why a catch-up stopped, or why one item of it was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatchUpError {
    /// The server no longer has the capsules of a grant.
    #[error("The server has lost the capsules of a grant: run medlock reissue.")]
    LostBundle(#[source] ServerError),
    /// The server's capsules are not those that the patient signed.
    #[error("The server's copy of a grant's capsules is not what the chain names.")]
    WrongBundle,
    /// The server's capsules are not a bundle.
    #[error("The server's copy of a grant's capsules is malformed.")]
    MalformedBundle(#[from] BundleError),
    /// The versions of a record cannot be shared.
    #[error(transparent)]
    Versions(VersionsError),
    /// A version does not open.
    #[error(transparent)]
    Envelope(EnvelopeError),
    /// Nothing can be sealed to a grantee.
    #[error(transparent)]
    GranteeKey(PublicKeyError),
    /// The server's deployment file cannot be trusted.
    #[error(transparent)]
    OperatorKey(OperatorKeyError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { CatchUpError {
    LostBundle => codes::WRONG_BUNDLE;
    WrongBundle => codes::WRONG_BUNDLE;
    MalformedBundle => codes::WRONG_BUNDLE;
    ..Versions;
    ..Envelope;
    ..GranteeKey;
    ..OperatorKey;
    ..Server;
    ..Chain;
    ..Device;
} }

lift! { VersionsError => CatchUpError { Server, Chain, Device, ..Versions } }
lift! { EnvelopeError => CatchUpError { Server, Chain, Device, ..Envelope } }
lift! { PublicKeyError => CatchUpError { Chain, ..GranteeKey } }
lift! { OperatorKeyError => CatchUpError { Server, Device, ..OperatorKey } }
lift! { LookupError => CatchUpError { Server, Chain } }
