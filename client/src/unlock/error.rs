use protocol::keyring::{KeyringError, MIN_PASSPHRASE_CHARS};

use crate::{
    api::ServerError,
    chain::ChainError,
    error::{codes, failure, sentence},
    home::DeviceError,
    wallet::WalletError,
};

/// Why a seed cannot be used for an address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The words are not those of a seed. The cause is left out: it could repeat a word.
    #[error("These are no recovery words: {0}.")]
    InvalidWords(String),
    /// The chain has keys of the address, and none of them is of the seed.
    #[error("{}", none_of(*.published))]
    WrongKeys {
        /// The number of keys that the chain has.
        published: u32,
    },
    /// The chain cannot be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

failure! { SeedError {
    InvalidWords => codes::INVALID_WORDS;
    WrongKeys => codes::WRONG_KEYS;
    ..Chain;
} }

fn none_of(published: u32) -> String {
    match published {
        1 => "The encryption key that the chain has for this address is not of these keys.".to_owned(),
        count => format!("None of the {count} encryption keys that the chain has for this address is of these keys."),
    }
}

/// Why no keyring was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// The address has published a key, so it has a seed already.
    #[error("This address has published an encryption key already.")]
    AlreadyPublished,
    /// The recovery words are not those of the keys that the address has published.
    #[error("{}", none_of(*.published))]
    OtherWords {
        /// The number of keys that the chain has.
        published: u32,
    },
    /// There is a keyring already.
    #[error("There is a keyring {place} already.")]
    KeyringExists {
        /// The place of the other keyring.
        place: &'static str,
    },
    /// The wallet is not the one of the directory.
    #[error("The wallet is not the one of this directory.")]
    OtherWallet,
    /// The passphrase is too short or too long.
    #[error("{}", sentence(.0))]
    PassphraseLength(#[source] KeyringError),
    /// The keyring cannot be made.
    #[error("The keyring cannot be used: {0}.")]
    Unusable(#[source] KeyringError),
    /// The recovery words cannot be used.
    #[error(transparent)]
    Seed(SeedError),
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

failure! { InitError {
    AlreadyPublished => codes::ALREADY_SET_UP,
        "Sign in to get its keyring (medlock login), or use the recovery words: medlock init --words. \
         If you never made that key: medlock init --despite-other-keys.";
    OtherWords => codes::WRONG_KEYS,
        "Use the recovery words of exactly this address. If they are, and the keys on chain are not \
         yours, add --despite-other-keys.";
    KeyringExists => codes::ALREADY_SET_UP, "Unlock it: medlock key. It may be the only way to older records.";
    OtherWallet => codes::WRONG_KEYS;
    PassphraseLength => codes::USAGE, format!("Use at least {MIN_PASSPHRASE_CHARS} characters.");
    Unusable => codes::NOT_UNLOCKED, OTHER_COPY;
    ..Seed;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

const OTHER_COPY: &str = "Use another copy of the keyring, or the recovery words: medlock init --words.";

impl From<SeedError> for InitError {
    fn from(error: SeedError) -> Self {
        match error {
            SeedError::WrongKeys { published } => Self::OtherWords { published },
            SeedError::Chain(error) => Self::Chain(error),
            other => Self::Seed(other),
        }
    }
}

/// Why the keys are not unlocked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// Neither the device nor the server has a keyring.
    #[error("Neither this device nor the server has a keyring.")]
    NoKeyring,
    /// The device has no keyring, and the server cannot be asked without a session.
    #[error("This device has no keyring.")]
    NotOnDevice,
    /// The passphrase does not open the keyring.
    #[error("The keyring does not open with this passphrase.")]
    WrongPassphrase,
    /// The wallet does not open the keyring.
    #[error("The keyring does not open with this wallet.")]
    WrongWallet,
    /// No wallet was added to the keyring.
    #[error("No wallet can unlock this keyring.")]
    NoWalletUnlocks,
    /// The keyring is damaged, or of another person or chain.
    #[error("The keyring cannot be used: {0}.")]
    Unusable(#[source] KeyringError),
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

failure! { UnlockError {
    NoKeyring => codes::NO_KEYRING;
    NotOnDevice => codes::NO_KEYRING,
        "Run: medlock login, to get it from the server; or medlock init, if you never had one.";
    WrongPassphrase => codes::NOT_UNLOCKED, "Type the passphrase again; it is that of this account.";
    WrongWallet => codes::NOT_UNLOCKED, "Use the wallet that made this keyring, or the passphrase.";
    NoWalletUnlocks => codes::WALLET_NOT_DETERMINISTIC;
    Unusable => codes::NOT_UNLOCKED, OTHER_COPY;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

/// Why it is not noted that the recovery words were saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// Too few different words were given.
    #[error("{needed} different words are needed.")]
    TooFewWords {
        /// How many are needed.
        needed: usize,
    },
    /// A word is not the one of its place.
    #[error("Word {place} is another one.")]
    WrongWord {
        /// Its place, from 1.
        place: usize,
    },
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { ProveError {
    TooFewWords => codes::INVALID_WORDS;
    WrongWord => codes::INVALID_WORDS;
    ..Device;
} }

/// Why the server was not given this device's copy of the keyring.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutBackError {
    /// The device has no keyring.
    #[error("This device has no keyring.")]
    NoKeyring,
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { PutBackError {
    NoKeyring => codes::NO_KEYRING;
    ..Server;
    ..Device;
} }
