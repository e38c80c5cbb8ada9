//! The recovery kit: the seed as 24 words (BIP-39, English), with the chain and the account that it belongs to.

use alloy::primitives::Address;
use bip39::{Language, Mnemonic};
use zeroize::{Zeroize, Zeroizing};

use crate::secret::Seed;

const TITLE: &str = "medlock recovery kit, version 1";
const WORDS: usize = 24;
const MAX_TEXT_LEN: usize = 4_096;

/// The reason why words or a kit cannot be read. Never contains a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// The number of words is not 24.
    #[error("a recovery kit has 24 words")]
    Count,
    /// The word at this position (counted from 1) is not in the list.
    #[error("word {0} is not in the list")]
    UnknownWord(usize),
    /// Every word is in the list, but the checksum is wrong: a word is wrong, or two words are swapped.
    #[error("the checksum does not match: a word is wrong, or two words are swapped")]
    Checksum,
    /// The text is not that of a kit.
    #[error("this is not the text of a recovery kit")]
    Malformed,
}

impl Seed {
    /// Returns the 24 words of the seed.
    #[must_use]
    pub fn to_words(&self) -> Zeroizing<String> {
        let mnemonic =
            Mnemonic::from_entropy_in(Language::English, self.expose()).expect("32 bytes are valid BIP-39 entropy");
        Zeroizing::new(mnemonic.to_string())
    }

    /// Returns the seed for 24 words. Accepts upper and lower case, and any white space between words.
    ///
    /// # Errors
    /// [`RecoveryError`]. For a word that is not in the list, it contains the position of the word.
    pub fn from_words(words: &str) -> Result<Self, RecoveryError> {
        if words.len() > MAX_TEXT_LEN {
            return Err(RecoveryError::Count);
        }
        let lower = Zeroizing::new(words.to_lowercase());
        let words: Zeroizing<Vec<String>> = Zeroizing::new(lower.split_whitespace().map(str::to_owned).collect());
        if words.len() != WORDS {
            return Err(RecoveryError::Count);
        }
        let line = Zeroizing::new(words.join(" "));
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, &line).map_err(|error| match error {
            bip39::Error::UnknownWord(index) => RecoveryError::UnknownWord(index + 1),
            bip39::Error::InvalidChecksum => RecoveryError::Checksum,
            _ => RecoveryError::Count,
        })?;
        let (mut entropy, _) = mnemonic.to_entropy_array();
        let seed = entropy.first_chunk().copied().map(Self::from_bytes);
        entropy.zeroize();
        seed.ok_or(RecoveryError::Count)
    }
}

/// The content of the recovery kit, which `medlock kit` prints. Together with the chain and the blocks, it is enough to
/// restore everything.
#[derive(Clone)]
pub struct RecoveryKit {
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The account that the seed belongs to.
    pub owner: Address,
    /// The seed.
    pub seed: Seed,
}

impl RecoveryKit {
    /// Returns the text to print on paper: a title, chain and owner, and six lines of four numbered words.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        use std::fmt::Write;
        let words = self.seed.to_words();
        let mut text = Zeroizing::new(String::with_capacity(1_024));
        let mut write = |part: std::fmt::Arguments<'_>| text.write_fmt(part).expect("writing to memory does not fail");
        write(format_args!("{TITLE}\nchain id: {}\nowner: {}\n", self.chain_id, self.owner.to_checksum(None)));
        for (i, word) in words.split(' ').enumerate() {
            let end = if i % 4 == 3 { "\n" } else { "   " };
            write(format_args!("{:2} {word}{end}", i + 1));
        }
        text
    }

    /// Parses the text of a kit.
    ///
    /// # Errors
    /// [`RecoveryError`] when the text is malformed or the words are wrong.
    pub fn parse(text: &str) -> Result<Self, RecoveryError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(RecoveryError::Malformed);
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut field = |prefix: &str| lines.next().and_then(|line| line.strip_prefix(prefix)).map(str::trim);
        field(TITLE).ok_or(RecoveryError::Malformed)?;
        let chain_id = field("chain id:").and_then(|text| text.parse().ok()).ok_or(RecoveryError::Malformed)?;
        let owner = field("owner:").and_then(|text| text.parse().ok()).ok_or(RecoveryError::Malformed)?;
        let mut words = Zeroizing::new(String::with_capacity(512));
        for part in lines.flat_map(str::split_whitespace) {
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                words.push_str(part);
                words.push(' ');
            }
        }
        Ok(Self { chain_id, owner, seed: Seed::from_words(&words)? })
    }
}
