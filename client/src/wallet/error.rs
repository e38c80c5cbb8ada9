use std::path::PathBuf;

use protocol::keyring::{MAX_PASSPHRASE_LEN, MIN_PASSPHRASE_CHARS};

use crate::{
    error::{Cause, codes, failure},
    home::DeviceError,
};

/// Why a wallet does not open, is not written, or does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// The text is not a private key. The cause is left out: it would repeat a part of the key.
    #[error("This is not a private key.")]
    NotAKey,
    /// The words are not a mnemonic.
    #[error("These words are not a mnemonic.")]
    NotAMnemonic(#[source] Cause),
    /// There is no wallet file.
    #[error("There is no wallet file {}.", .0.display())]
    NoFile(PathBuf),
    /// The file is not a wallet file.
    #[error("{} is not a wallet file.", path.display())]
    NotAWallet {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Cause,
    },
    /// The file was changed after it was written.
    #[error("{} was changed.", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Cause,
    },
    /// The key in the file is not the one of the address that it names.
    #[error("{} holds another key.", .0.display())]
    OtherKey(PathBuf),
    /// The file is a keystore of another program.
    #[error("{} is a keystore that medlock did not write.", .0.display())]
    OtherKeystore(PathBuf),
    /// The passphrase does not open the file.
    #[error("The wallet file does not open with this passphrase.")]
    WrongPassphrase(#[source] Option<Cause>),
    /// The function behind the passphrase needs more memory than there is.
    #[error("There is not enough memory for the passphrase.")]
    Memory,
    /// The new passphrase is too short or too long.
    #[error("The passphrase is too short or too long.")]
    PassphraseLength(#[source] Cause),
    /// A new wallet file would replace another file.
    #[error("{} exists already.", .0.display())]
    FileExists(PathBuf),
    /// The wallet file cannot be written.
    #[error("{} cannot be written.", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Cause,
    },
    /// The person did not agree.
    #[error("You did not agree; nothing was signed.")]
    NotConfirmed,
    /// The wallet did not sign.
    #[error("The wallet did not sign.")]
    NotSigned(#[source] Cause),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { WalletError {
    NotAKey => codes::INVALID_WORDS, "Use a file with 64 hex digits.";
    NotAMnemonic => codes::INVALID_WORDS;
    NoFile => codes::NO_WALLET;
    NotAWallet => codes::INVALID_WALLET;
    Changed => codes::INVALID_WALLET;
    OtherKey => codes::INVALID_WALLET;
    OtherKeystore => codes::INVALID_WALLET,
        "Move it away, export its private key with the program that wrote it, then run: \
         medlock init --import-key-file FILE.";
    WrongPassphrase => codes::WRONG_PASSPHRASE;
    Memory => codes::WALLET;
    PassphraseLength => codes::USAGE, format!(
        "Use at least {MIN_PASSPHRASE_CHARS} characters and at most {MAX_PASSPHRASE_LEN} bytes; \
         a few random words are good."
    );
    FileExists => codes::FILE_EXISTS;
    NotWritten => codes::LOCAL_FILE;
    NotConfirmed => codes::NOT_CONFIRMED;
    NotSigned => codes::WALLET;
    ..Device;
} }
