//! The stable codes, each with its exit class and the usual remedy.

use std::borrow::Cow;

use protocol::error_code::ErrorCode;

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

/// A stable code, with its class and the usual remedy. Two codes are equal if their texts are.
#[derive(Clone, Debug)]
pub struct Code {
    text: Cow<'static, str>,
    class: ExitClass,
    now: &'static str,
    is_retryable: bool,
}

impl Code {
    const fn new(text: &'static str, class: ExitClass, now: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), class, now, is_retryable: false }
    }

    const fn retryable(mut self) -> Self {
        self.is_retryable = true;
        self
    }

    /// A server's code that this version does not know.
    pub(crate) fn unknown(text: String) -> Self {
        let now = "Use a client of the same version as the server.";
        Self { text: Cow::Owned(text), ..Self::new("", ExitClass::Other, now) }
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The class that decides the exit code.
    #[must_use]
    pub const fn class(&self) -> ExitClass {
        self.class
    }

    /// The usual remedy: what to do now, in one sentence.
    #[must_use]
    pub const fn now(&self) -> &'static str {
        self.now
    }

    /// Returns whether the same call may succeed in a moment.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.is_retryable
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Code {}

impl PartialEq<&str> for Code {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        let known = Self::new(code.as_str(), class_of(code), now_of(code));
        match code {
            ErrorCode::Unavailable | ErrorCode::RateLimited | ErrorCode::InProgress | ErrorCode::RequestTimeout => {
                known.retryable()
            }
            _ => known,
        }
    }
}

/// Returns the remedy of a server's code. The server's own hint is for every client; here it names the command.
const fn now_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NotSignedIn => "Sign in again: medlock login.",
        ErrorCode::LiftPeriodOver => "If you have a copy, upload it again: medlock upload.",
        ErrorCode::NoGrant => "Ask the patient for access: medlock request.",
        ErrorCode::GrantExpired => "Ask the patient to share again: medlock request.",
        ErrorCode::GrantRevoked => "Ask the patient again if you still need it: medlock request.",
        ErrorCode::KeyNotRegistered => "That person must first run: medlock register.",
        ErrorCode::ShareMissing => "The patient must run: medlock reissue.",
        ErrorCode::BudgetExceeded => "Try tomorrow, or send it yourself: --direct.",
        ErrorCode::NotInvited => {
            "Ask your accreditor or the operator for an invitation, or send it yourself: --direct."
        }
        ErrorCode::RelayerPoor => "Try again later, tell the operator, or send it yourself: --direct.",
        _ => code.hint(),
    }
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

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $class:ident, $now:literal $(, $retryable:ident)?;)+) => {
        $($(#[$doc])* pub const $name: Code = Code::new($text, ExitClass::$class, $now)$(.$retryable())?;)+

        /// Every code that is not the server's.
        #[cfg(test)]
        pub(super) const ALL: &[Code] = &[$($name),+];
    };
}

codes! {
    /// An argument or option cannot be used.
    USAGE = "usage", Usage, "Correct the command; --help shows what it takes.";
    /// There is no configuration yet.
    NOT_SET_UP = "not_set_up", Usage, "Run: medlock init.";
    /// The directory holds somebody's keys already.
    ALREADY_SET_UP = "already_set_up", Usage, "Use the existing account, or another MEDLOCK_HOME.";
    /// The configuration cannot be read.
    INVALID_CONFIG = "invalid_config", Usage, "Correct config.toml in MEDLOCK_HOME; medlock doctor names the mistake.";
    /// The deployment file cannot be read.
    INVALID_DEPLOYMENT = "invalid_deployment", Usage, "Get the deployment file again from whoever runs the server.";
    /// A file of this device cannot be read or written.
    LOCAL_FILE = "local_file", Other, "Check the path, its permissions and the free space.";
    /// Another command holds this directory.
    BUSY = "busy", Other, "Wait until the other medlock command has ended.", retryable;
    /// The wallet file does not open.
    WRONG_PASSPHRASE = "wrong_passphrase", Usage, "Type the passphrase again.";
    /// The wallet file is malformed, was changed, or holds another key than it says.
    INVALID_WALLET = "invalid_wallet", VerificationFailed, "Restore wallet.json from a backup, or set up again with the account's private key: medlock init --import-key-file FILE.";
    /// No wallet file.
    NO_WALLET = "no_wallet", Usage, "Run: medlock init.";
    /// The person did not agree to sign.
    NOT_CONFIRMED = "not_confirmed", Usage, "Nothing was signed or sent.";
    /// The wallet failed.
    WALLET = "wallet", Other, "Check the wallet and try again.";
    /// No keyring on this device nor on the server.
    NO_KEYRING = "no_keyring", Usage, "Run: medlock init. If you had keys before, run: medlock init --words.";
    /// No unlocker of the keyring opens.
    NOT_UNLOCKED = "not_unlocked", Usage, "Type the passphrase again, or use the wallet that made this keyring.";
    /// The wallet does not sign deterministically.
    WALLET_NOT_DETERMINISTIC = "wallet_not_deterministic", Usage, "Use the passphrase; this wallet cannot unlock the keyring.";
    /// The recovery words have not been saved.
    KIT_NOT_SAVED = "kit_not_saved", Usage, "Run: medlock kit. Write the words down. Then run: medlock kit --prove.";
    /// The words are not those of a seed.
    INVALID_WORDS = "invalid_words", Usage, "Check the spelling and the order of the words.";
    /// The words or keys belong to somebody else.
    WRONG_KEYS = "wrong_keys", VerificationFailed, "Use the keyring or the words of exactly this address.";
    /// The key on chain is not of this person's seed, or something is sealed to such a key.
    FOREIGN_KEY = "foreign_key", VerificationFailed, "To let others seal to your own key again, run: medlock key register. Then ask for what is missing once more.";
    /// This device has not seen the person's own key yet.
    OWN_KEY_UNKNOWN = "own_key_unknown", Usage, "To let this device learn your public key, run: medlock key.";
    /// Some items could not be done, the others were.
    NOT_ALL_DONE = "not_all_done", Other, "Look at what is told for each item; everything else was done.";
    /// No session on this device.
    NO_SESSION = "no_session", NotAllowed, "Run: medlock login.";
    /// The server's login challenge must not be signed.
    SUSPICIOUS_CHALLENGE = "suspicious_challenge", VerificationFailed, "Do not sign in; check the address of the server.";
    /// This operation needs the server, and none is configured.
    NO_API = "no_api", Usage, "Set `api` in config.toml, or give --api.";
    /// The server serves another deployment.
    OTHER_DEPLOYMENT = "other_deployment", VerificationFailed, "Use the deployment file of this server, after checking it with its operator.";
    /// The operator's encryption keys are not those that this device has seen, or are not signed.
    OPERATOR_KEYS = "operator_keys", VerificationFailed, "Do not go on. Ask the operator, in another way than through this server, which deployment file is right.";
    /// The node is on another chain.
    OTHER_CHAIN = "other_chain", VerificationFailed, "Name a node of the deployment's chain with --rpc, or in config.toml (`rpc`).";
    /// A contract's code is not the one of the deployment file.
    OTHER_CODE = "other_code", VerificationFailed, "Do not go on: the contracts are not those that the deployment file names.";
    /// The Ethereum node does not answer, or its answer makes no sense.
    RPC = "rpc", Network, "Check the network, or name another Ethereum node with --rpc; then try again.", retryable;
    /// The Ethereum node no longer has old events.
    NO_HISTORY = "no_history", Network, "Name an Ethereum node that keeps all events with --rpc.";
    /// The server does not answer.
    UNREACHABLE = "unreachable", Network, "Check the network, or name another server with --api; then try again.", retryable;
    /// The server answered something that this client does not understand.
    INVALID_ANSWER = "invalid_answer", Network, "Use a client of the same version as the server.";
    /// A transaction was mined and failed.
    REVERTED = "reverted", NotAllowed, "The message says what the contract refuses.";
    /// A relayed action was not mined in time.
    STILL_PENDING = "still_pending", Network, "It is accepted and will be mined; look again later. Nothing needs to be sent twice.";
    /// The wallet cannot pay.
    NO_FUNDS = "no_funds", Usage, "Send some ETH to the wallet, or leave --direct out.";
    /// There is no such record on chain.
    UNKNOWN_RECORD = "unknown_record", NotFound, "Check the record id.";
    /// There is no such version of the record.
    UNKNOWN_VERSION = "unknown_version", NotFound, "Leave the version out for the newest one.";
    /// The record was withdrawn.
    RECORD_TOMBSTONED = "record_tombstoned", NotFound, "The record was withdrawn; ask its patient.";
    /// A withdrawn record can no longer be put back.
    LIFT_PERIOD_OVER = "lift_period_over", NotFound, "If you have a copy, upload it again: medlock upload.";
    /// There is no such person, request, grant or contact.
    NOT_FOUND = "not_found", NotFound, "Check the name; it may also be that nobody shared it with you.";
    /// Nobody granted it.
    NO_GRANT = "no_grant", NotAllowed, "Ask the patient for access: medlock request.";
    /// Only somebody else may do this.
    NOT_ALLOWED = "not_allowed", NotAllowed, "Ask the person whose data it is, or use another account.";
    /// The person has published no key.
    KEY_NOT_REGISTERED = "key_not_registered", NotFound, "They must first run: medlock register.";
    /// The server's copy of a key is not the one on chain.
    WRONG_PUBLIC_KEY = "wrong_public_key", VerificationFailed, "Do not go on: the server gave another key than the chain; tell its operator.";
    /// The server's answer contradicts the chain.
    WRONG_ANSWER = "wrong_answer", VerificationFailed, "Do not rely on this server's answer; tell its operator.";
    /// The stored bytes are not what the CID says.
    CID_MISMATCH = "cid_mismatch", VerificationFailed, "The storage is faulty or lies; try another source.";
    /// The server stored other bytes than were sent.
    STORED_OTHER_BYTES = "stored_other_bytes", VerificationFailed, "Upload again; if it persists, do not use this server.";
    /// The envelope cannot be opened: damaged, truncated, or made for something else.
    INVALID_ENVELOPE = "invalid_envelope", VerificationFailed, "The file is damaged or was never what it claims; ask its uploader for a new version.";
    /// The chain has a version for which the server has no envelope.
    ENVELOPE_MISSING = "envelope_missing", NotFound, "Ask its uploader to upload it again; it may never have been stored.";
    /// The key in the envelope and the key from the shares differ.
    COMMITMENT = "commitment", VerificationFailed, "Do not trust this record: its uploader did not follow the protocol.";
    /// The bundle is not the one that the chain names.
    WRONG_BUNDLE = "wrong_bundle", VerificationFailed, "Ask the patient to share again, or to run: medlock reissue.";
    /// The operator's receipt does not hold.
    WRONG_RECEIPT = "wrong_receipt", VerificationFailed, "The operator may not have logged this read; keep the message and tell an auditor.";
    /// The log does not hold.
    LOG_BROKEN = "log_broken", VerificationFailed, "Keep the report: it is evidence against the operator.";
    /// A signed profile, request or statement does not hold.
    INVALID_STATEMENT = "invalid_statement", VerificationFailed, "Do not rely on it; tell the server's operator.";
    /// The encrypted address book was made by other keys, or was changed.
    INVALID_ADDRESS_BOOK = "invalid_address_book", VerificationFailed, "Use the keys that wrote it; the server may have changed it.";
    /// Somebody else keeps changing it.
    CONTENDED = "contended", Other, "Try again.", retryable;
    /// Something changed while this was going on.
    CHANGED = "changed", Other, "Try again; the state has changed meanwhile.";
    /// The file changed while it was read.
    SOURCE_CHANGED = "source_changed", Usage, "Upload it again when nothing writes to it.";
    /// The file has no content.
    EMPTY_FILE = "empty_file", Usage, "Choose a file that has content.";
    /// The file is too large for this server or for the format.
    TOO_LARGE = "too_large", Usage, "Send a smaller file, or ask the operator for a larger limit.";
    /// The file exists already.
    FILE_EXISTS = "file_exists", Usage, "Give another name, or --force.";
    /// A block source does not have the block.
    BLOCK_MISSING = "block_missing", NotFound, "Use another block source: a gateway, a Kubo node or a CAR file that has it.";
    /// The range lies outside the document.
    INVALID_RANGE = "invalid_range", Usage, "Ask for a range inside the document.";
}
