//! What a caller of the SDK sees when something goes wrong: a stable code, what went wrong, and what to do now.
//!
//! A code never changes its meaning; the sentences may. The exit class is what a command ends with
//! ([`ExitClass::code`]), so that scripts need not read text. Codes of the server (`protocol::error_code`) keep their
//! own text and hint.

use protocol::{
    error_code::{ErrorCode, Problem},
    grants::GrantFormError,
};

/// The class of a failure; `medlock` ends with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExitClass {
    /// 1: anything that has no class of its own.
    Other,
    /// 2: the command or its input cannot be carried out as given.
    Usage,
    /// 3: there is no such thing, or not for this account.
    NotFound,
    /// 4: the account may not do this.
    NotAllowed,
    /// 5: something that was checked is not what it should be: do not trust it.
    VerificationFailed,
    /// 6: a server, the chain or a block source does not answer.
    Network,
}

impl ExitClass {
    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::VerificationFailed => 5,
            Self::Network => 6,
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $class:ident, $now:literal;)+) => {
        /// What kind of failure it is. The server's own codes are [`Kind::Server`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $variant,)+
            /// The server refused, with a code that this version knows.
            Server(ErrorCode),
            /// The server refused, with a code that this version does not know.
            UnknownServerCode(String),
        }

        /// Every kind that is not the server's.
        #[cfg(test)]
        const OWN_KINDS: &[Kind] = &[$(Kind::$variant),+];

        impl Kind {
            /// The stable code.
            #[must_use]
            pub fn code(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Server(code) => code.as_str(),
                    Self::UnknownServerCode(code) => code,
                }
            }

            /// The class that decides the exit code.
            #[must_use]
            pub fn class(&self) -> ExitClass {
                match self {
                    $(Self::$variant => ExitClass::$class,)+
                    Self::Server(code) => class_of(*code),
                    Self::UnknownServerCode(_) => ExitClass::Other,
                }
            }

            fn hint(&self) -> &str {
                match self {
                    $(Self::$variant => $now,)+
                    Self::Server(code) => code.hint(),
                    Self::UnknownServerCode(_) => "Use a client of the same version as the server.",
                }
            }
        }
    };
}

kinds! {
    /// An argument or option cannot be used.
    Usage = "usage", Usage, "Correct the command; --help shows what it takes.";
    /// There is no configuration yet.
    NotSetUp = "not_set_up", Usage, "Run: medlock init.";
    /// The directory holds somebody's keys already.
    AlreadySetUp = "already_set_up", Usage, "Use the existing account, or another MEDLOCK_HOME.";
    /// The configuration cannot be read.
    InvalidConfig = "invalid_config", Usage, "Correct config.toml in MEDLOCK_HOME; medlock doctor names the mistake.";
    /// The deployment file cannot be read.
    InvalidDeployment = "invalid_deployment", Usage, "Get the deployment file again from whoever runs the server.";
    /// A file of this device cannot be read or written.
    LocalFile = "local_file", Other, "Check the path, its permissions and the free space.";
    /// Another command holds this directory.
    Busy = "busy", Other, "Wait until the other medlock command has ended.";
    /// The wallet file does not open.
    WrongPassphrase = "wrong_passphrase", Usage, "Type the passphrase again.";
    /// The wallet file is none, was changed, or holds another key than it says.
    InvalidWallet = "invalid_wallet", VerificationFailed, "Restore wallet.json from a backup, or set up again with the account's private key: medlock init --import-key-file FILE.";
    /// No wallet file.
    NoWallet = "no_wallet", Usage, "Run: medlock init.";
    /// The user did not agree to sign.
    NotConfirmed = "not_confirmed", Usage, "Nothing was signed or sent.";
    /// The wallet failed.
    Wallet = "wallet", Other, "Check the wallet and try again.";
    /// No keyring on this device nor on the server.
    NoKeyring = "no_keyring", Usage, "Run: medlock init; if you had keys before, run: medlock restore.";
    /// No unlocker of the keyring opens.
    NotUnlocked = "not_unlocked", Usage, "Type the passphrase again, or use the wallet that made this keyring.";
    /// The wallet does not sign deterministically.
    WalletNotDeterministic = "wallet_not_deterministic", Usage, "Use the passphrase; this wallet cannot unlock the keyring.";
    /// The recovery words have not been saved.
    KitNotSaved = "kit_not_saved", Usage, "Run: medlock kit, write the words down, then: medlock kit --prove.";
    /// The words are not those of a seed.
    InvalidWords = "invalid_words", Usage, "Check the spelling and the order of the words.";
    /// The words or keys belong to somebody else.
    WrongKeys = "wrong_keys", VerificationFailed, "Use the keyring or the words of exactly this address.";
    /// The key on chain is not of this person's seed, or something is sealed to such a key.
    ForeignKey = "foreign_key", VerificationFailed, "Run: medlock key register, so that others seal to your own key again; then ask for what is missing once more.";
    /// This device has not seen the person's own key yet.
    OwnKeyUnknown = "own_key_unknown", Usage, "Run: medlock key, which unlocks your keys once and remembers the public one.";
    /// Something was told, and the rest was done.
    NotAllDone = "not_all_done", Other, "Look at what is told for each item; everything else was done.";
    /// No session on this device.
    NoSession = "no_session", NotAllowed, "Run: medlock login.";
    /// The server's login challenge is not one to sign.
    SuspiciousChallenge = "suspicious_challenge", VerificationFailed, "Do not sign in; check the address of the server.";
    /// This operation needs the server, and none is configured.
    NoApi = "no_api", Usage, "Set `api` in config.toml, or give --api.";
    /// The server serves another deployment.
    OtherDeployment = "other_deployment", VerificationFailed, "Use the deployment file of this server, after checking it with its operator.";
    /// The operator's encryption keys are not those that this device has seen, or are not signed.
    OperatorKeys = "operator_keys", VerificationFailed, "Do not go on. Ask the operator, in another way than through this server, which deployment file is right.";
    /// The chain behind the RPC is another one.
    OtherChain = "other_chain", VerificationFailed, "Set `rpc` in config.toml to a node of the deployment's chain.";
    /// A contract's code is not the one of the deployment file.
    OtherCode = "other_code", VerificationFailed, "Do not go on: the contracts are not those that the deployment file names.";
    /// The RPC does not answer, or answers nonsense.
    Rpc = "rpc", Network, "Check `rpc` in config.toml; then try again.";
    /// The RPC has given up its old logs.
    NoHistory = "no_history", Network, "Use an RPC node that keeps all logs.";
    /// The server does not answer.
    Unreachable = "unreachable", Network, "Check `api` in config.toml and the network; then try again.";
    /// The server answered something that this client does not understand.
    InvalidAnswer = "invalid_answer", Network, "Use a client of the same version as the server.";
    /// A transaction was mined and failed.
    Reverted = "reverted", NotAllowed, "The message says what the contract refuses.";
    /// A relayed action was not mined in time.
    StillPending = "still_pending", Network, "It is accepted and will be mined; look again later. Nothing needs to be sent twice.";
    /// The wallet cannot pay.
    NoFunds = "no_funds", Usage, "Send some ETH to the wallet, or leave --direct out.";
    /// There is no such record on chain.
    UnknownRecord = "unknown_record", NotFound, "Check the record id.";
    /// There is no such version of the record.
    UnknownVersion = "unknown_version", NotFound, "Leave the version out for the newest one.";
    /// The record was withdrawn.
    Tombstoned = "record_tombstoned", NotFound, "The record was withdrawn; ask its patient.";
    /// A withdrawn record can no longer be put back.
    LiftPeriodOver = "lift_period_over", NotFound, "If you have a copy, upload it again: medlock upload.";
    /// There is no such person, request, grant or contact.
    NotFound = "not_found", NotFound, "Check the name; it may also be that nobody shared it with you.";
    /// Nobody granted it.
    NoGrant = "no_grant", NotAllowed, "Ask the patient for access: medlock request.";
    /// Only somebody else may do this.
    NotAllowed = "not_allowed", NotAllowed, "Ask the person whose data it is, or use another account.";
    /// The person has published no key.
    KeyNotRegistered = "key_not_registered", NotFound, "They must first run: medlock register.";
    /// The server's copy of a key is not the one on chain.
    WrongPublicKey = "wrong_public_key", VerificationFailed, "Do not go on: the server gave another key than the chain; tell its operator.";
    /// The server's answer contradicts the chain.
    WrongAnswer = "wrong_answer", VerificationFailed, "Do not rely on this server's answer; tell its operator.";
    /// The stored bytes are not what the CID says.
    CidMismatch = "cid_mismatch", VerificationFailed, "The storage is faulty or lies; try another source.";
    /// The server stored something else than what was sent.
    StoredOtherBytes = "stored_other_bytes", VerificationFailed, "Upload again; if it persists, do not use this server.";
    /// The envelope cannot be opened: damaged, truncated, or made for something else.
    InvalidEnvelope = "invalid_envelope", VerificationFailed, "The file is damaged or was never what it claims; ask its uploader for a new version.";
    /// A version stands on chain, and the server has no envelope for it.
    EnvelopeMissing = "envelope_missing", NotFound, "Ask its uploader to upload it again; it may never have been stored.";
    /// The key in the envelope and the key from the shares differ.
    Commitment = "commitment", VerificationFailed, "Do not trust this record: its uploader did not follow the protocol.";
    /// The bundle is not the one that the chain names.
    WrongBundle = "wrong_bundle", VerificationFailed, "Ask the patient to share again, or to run: medlock reissue.";
    /// The operator's receipt does not hold.
    WrongReceipt = "wrong_receipt", VerificationFailed, "The operator may not have logged this read; keep the message and tell an auditor.";
    /// The log does not hold.
    LogBroken = "log_broken", VerificationFailed, "Keep the report: it is evidence against the operator.";
    /// A signed profile, request or statement does not hold.
    InvalidStatement = "invalid_statement", VerificationFailed, "Do not rely on it; tell the server's operator.";
    /// The encrypted address book was made by other keys, or was changed.
    InvalidAddressBook = "invalid_address_book", VerificationFailed, "Use the keys that wrote it; the server may have changed it.";
    /// Somebody else keeps changing it.
    Contended = "contended", Other, "Try again.";
    /// Something changed while this was going on.
    Changed = "changed", Other, "Try again; the state has changed meanwhile.";
    /// The file changed while it was read.
    SourceChanged = "source_changed", Usage, "Upload it again when nothing writes to it.";
    /// The file has no content.
    EmptyFile = "empty_file", Usage, "Choose a file that has content.";
    /// The file is too large for this server or for the format.
    TooLarge = "too_large", Usage, "Send a smaller file, or ask the operator for a larger limit.";
    /// The file exists already.
    FileExists = "file_exists", Usage, "Give another name, or --force.";
    /// A block source does not have the block.
    BlockMissing = "block_missing", NotFound, "Use another block source: a gateway, a Kubo node or a CAR file that has it.";
    /// The range lies outside the document.
    InvalidRange = "invalid_range", Usage, "Ask for a range inside the document.";
}

/// A failure: a stable code, what went wrong, what to do now.
#[derive(Debug)]
pub struct ClientError {
    kind: Kind,
    what: String,
    now: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ClientError {
    /// A failure of this kind; `what` is one sentence for people.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), now: None, source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, now: impl Into<String>) -> Self {
        self.now = Some(now.into());
        self
    }

    /// What kind it is.
    #[must_use]
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.kind.code()
    }

    /// What went wrong, in one sentence.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do now, in one sentence.
    #[must_use]
    pub fn now(&self) -> &str {
        self.now.as_deref().unwrap_or_else(|| self.kind.hint())
    }

    /// The class that decides the exit code.
    #[must_use]
    pub fn class(&self) -> ExitClass {
        self.kind.class()
    }

    /// Whether the same call may succeed in a moment.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            Kind::Unreachable
                | Kind::Rpc
                | Kind::Busy
                | Kind::Contended
                | Kind::Server(
                    ErrorCode::Unavailable | ErrorCode::RateLimited | ErrorCode::InProgress | ErrorCode::RequestTimeout
                )
        )
    }
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl From<Problem> for ClientError {
    fn from(problem: Problem) -> Self {
        let kind = ErrorCode::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == problem.code)
            .map_or_else(|| Kind::UnknownServerCode(problem.code.clone()), Kind::Server);
        let what = match kind {
            Kind::Server(ErrorCode::Internal) if !problem.request_id.is_empty() => {
                format!("{} (request {})", printable(&problem.detail), printable(&problem.request_id))
            }
            _ => printable(&problem.detail),
        };
        Self::new(kind, what)
    }
}

impl From<GrantFormError> for ClientError {
    fn from(error: GrantFormError) -> Self {
        let text = error.to_string();
        let (first, rest) = text.split_at(1);
        Self::new(Kind::Usage, format!("{}{rest}.", first.to_uppercase()))
    }
}

/// A server's text as it may be shown on a terminal: one line, no control characters, not endless.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

fn class_of(code: ErrorCode) -> ExitClass {
    match code {
        ErrorCode::NotFound
        | ErrorCode::UnknownRecord
        | ErrorCode::RecordTombstoned
        | ErrorCode::LiftPeriodOver
        | ErrorCode::KeyNotRegistered => ExitClass::NotFound,
        ErrorCode::CidMismatch => ExitClass::VerificationFailed,
        ErrorCode::Unavailable | ErrorCode::RateLimited | ErrorCode::InProgress | ErrorCode::RequestTimeout => {
            ExitClass::Network
        }
        ErrorCode::Internal => ExitClass::Other,
        other => match other.status() {
            401 | 403 => ExitClass::NotAllowed,
            400 | 405 | 413 | 414 | 415 | 416 | 422 | 431 => ExitClass::Usage,
            _ => ExitClass::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, exit code and remedy of every failure: what scripts and people rely on. `INSTA_UPDATE=always cargo test -p
    /// client` writes the snapshot anew.
    #[test]
    fn every_failure_is_the_one_in_the_snapshot() {
        let kinds = OWN_KINDS.iter().cloned().chain(ErrorCode::ALL.iter().copied().map(Kind::Server));
        let lines = kinds.map(|kind| format!("{} ({}): {}", kind.code(), kind.class().code(), kind.hint()));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_problem_keeps_its_code_and_hint() {
        let problem = Problem {
            kind: "urn:medlock:error:grant_revoked".into(),
            status: 403,
            code: "grant_revoked".into(),
            detail: "the grant was\u{1b}[31m revoked".into(),
            hint: "ignored".into(),
            request_id: "r".into(),
        };
        let error = ClientError::from(problem);
        assert_eq!(error.code(), "grant_revoked");
        assert_eq!(error.class().code(), 4);
        assert_eq!(error.now(), ErrorCode::GrantRevoked.hint());
        assert!(!error.what().contains('\u{1b}'), "a server cannot drive the terminal");
    }

    #[test]
    fn an_unknown_code_is_kept_as_text() {
        let problem = Problem {
            kind: String::new(),
            status: 418,
            code: "teapot".into(),
            detail: "short and stout".into(),
            hint: String::new(),
            request_id: String::new(),
        };
        let error = ClientError::from(problem);
        assert_eq!((error.code(), error.class()), ("teapot", ExitClass::Other));
    }
}
