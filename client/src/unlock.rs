//! The seed: making it, wrapping it in the keyring, unlocking it, and its recovery words.

mod error;

pub use error::{InitError, ProveError, PutBackError, SeedError, UnlockError};

use alloy::primitives::Address;
use protocol::{
    envelope::{EnvelopeContext, Header},
    identity::IdentityKey,
    key_epochs::KeyEpochs,
    keyring::{Keyring, KeyringError, WalletMessage},
    recovery::RecoveryKit,
    secret::{DataKey, Seed},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    api::PrivateBlobName,
    chain::{Chain, ChainError, rfc3339, unix_now},
    client::Client,
    envelope::EnvelopeError,
    home::DeviceError,
    own_key,
    wallet::{Wallet, Wish},
};

const KEYRING_FILE: &str = "keyring.json";
const KIT_FILE: &str = "kit.json";
/// How many words a proof names.
const PROOF_WORDS: usize = 3;
const WORDS: usize = 24;

/// A person's unlocked keys, compared with every key epoch that the chain has of them. Wiped when dropped, never printed.
pub struct Keys {
    owner: Address,
    epochs: KeyEpochs,
    seed: Seed,
}

impl Keys {
    /// Returns the address of the person whose keys these are.
    #[must_use]
    pub const fn owner(&self) -> Address {
        self.owner
    }

    /// The newest epoch on chain whose key is of the seed; 0 while there is none.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epochs.newest_own().unwrap_or_default()
    }

    /// The epochs that the chain has, compared with the seed.
    #[must_use]
    pub const fn epochs(&self) -> &KeyEpochs {
        &self.epochs
    }

    /// The newest identity key of the seed that is on chain; before one is, the one that will be.
    #[must_use]
    pub fn identity(&self) -> IdentityKey {
        let own = self.epochs.newest_own().and_then(|epoch| self.epochs.opener(&self.seed, epoch));
        own.unwrap_or_else(|| self.next_identity())
    }

    /// The identity key that registering the next epoch publishes.
    #[must_use]
    pub fn next_identity(&self) -> IdentityKey {
        self.seed.identity_key(self.epochs.newest().saturating_add(1))
    }

    /// Returns the key of an epoch; `None` if the key that the chain has for the epoch is not of the seed.
    #[must_use]
    pub fn identity_at(&self, epoch: u32) -> Option<IdentityKey> {
        self.epochs.opener(&self.seed, epoch)
    }

    /// The keys with which others may have sealed something to this person, by epoch, the newest first.
    pub(crate) fn openers(&self) -> impl Iterator<Item = (u32, IdentityKey)> {
        self.epochs.own().filter_map(|epoch| Some((epoch, self.identity_at(epoch)?)))
    }

    /// The data key in the owner capsule of an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError::ForeignKey`] if it is sealed to a key of another seed; [`EnvelopeError::Invalid`].
    pub(crate) fn open_owner_capsule(
        &self,
        context: &EnvelopeContext,
        header: &Header,
    ) -> Result<DataKey, EnvelopeError> {
        let key = self.identity_at(header.key_epoch).ok_or(EnvelopeError::ForeignKey { epoch: header.key_epoch })?;
        Ok(header.open_owner_capsule(context, self.owner, &key)?)
    }

    /// The seed, for what derives from it.
    #[must_use]
    pub const fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Compares a seed with every key that its owner has published.
    pub(crate) async fn compared(chain: &Chain, owner: Address, seed: Seed) -> Result<Self, ChainError> {
        let history = chain.key_history(owner).await?;
        Ok(Self { owner, epochs: KeyEpochs::compare(&seed, history.hashes), seed })
    }

    /// The same keys, compared with what the chain has now.
    pub(crate) async fn compared_again(&self, chain: &Chain) -> Result<Self, ChainError> {
        Self::compared(chain, self.owner, self.seed.clone()).await
    }

    /// The same for a seed that may be somebody else's.
    ///
    /// # Errors
    /// [`SeedError::WrongKeys`] if keys are published and none is of this seed.
    pub(crate) async fn checked(chain: &Chain, owner: Address, seed: Seed) -> Result<Self, SeedError> {
        let keys = Self::compared(chain, owner, seed).await?;
        if keys.epochs.newest() > 0 && keys.epochs.newest_own().is_none() {
            return Err(SeedError::WrongKeys { published: keys.epochs.newest() });
        }
        Ok(keys)
    }
}

/// The means that opens the keyring.
#[derive(Clone, Copy)]
pub enum Unlocker<'a> {
    /// The wallet signs the keyring's own message.
    Wallet(&'a dyn Wallet),
    /// A passphrase.
    Passphrase(&'a SecretString),
}

/// The keyring that `init` made.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewKeyring {
    /// Whether the wallet can unlock it; a wallet that does not sign deterministically cannot.
    pub wallet_unlocks: bool,
    /// Whether the server has a copy.
    pub on_server: bool,
}

/// How to go on when the chain has keys of this address already, and none of them is of the keys to be set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherKeys {
    /// Refuse: they may be the person's, from another device.
    #[default]
    Refuse,
    /// Go on: the person says that those keys are not theirs. Their own are registered afterwards, as the next epoch.
    NotMine,
}

/// Makes a seed and its keyring with two unlockers, wallet and passphrase.
///
/// # Errors
/// [`InitError::KeyringExists`], [`InitError::AlreadyPublished`], [`InitError::PassphraseLength`]; what wallet, server and
/// chain refuse.
pub async fn init(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
) -> Result<(Keys, NewKeyring), InitError> {
    init_beside(client, wallet, passphrase, OtherKeys::Refuse).await
}

/// The same, also where the chain has keys of this address that are not the person's.
///
/// # Errors
/// As [`init`].
pub async fn init_beside(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
    others: OtherKeys,
) -> Result<(Keys, NewKeyring), InitError> {
    client.chain().verify_deployment().await?;
    let seed = accepted_seed(client.chain(), client.address(), None, others).await?;
    make_keyring(client, wallet, passphrase, seed).await
}

/// Makes the keyring again from the recovery words, on a device that has none.
///
/// # Errors
/// As [`init`], and [`SeedError::InvalidWords`]; [`InitError::OtherWords`] if the chain has keys for this address and none
/// is of the words.
pub async fn init_from_words(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
    words: &SecretString,
    others: OtherKeys,
) -> Result<(Keys, NewKeyring), InitError> {
    client.chain().verify_deployment().await?;
    let seed = accepted_seed(client.chain(), client.address(), Some(words), others).await?;
    let (keys, made) = make_keyring(client, wallet, passphrase, seed).await?;
    // Whoever types the words has them.
    record_proof(client)?;
    Ok((keys, made))
}

/// Checks that [`init_beside`] or, with words, [`init_from_words`] would not be refused because of the words, or because of
/// the keys that the chain has of this address; to be called before anything is written.
///
/// # Errors
/// As those two.
pub async fn check_init(
    chain: &Chain,
    owner: Address,
    words: Option<&SecretString>,
    others: OtherKeys,
) -> Result<(), InitError> {
    accepted_seed(chain, owner, words, others).await.map(drop)
}

/// The seed of these words, or a new one, if the chain has nothing against it.
async fn accepted_seed(
    chain: &Chain,
    owner: Address,
    words: Option<&SecretString>,
    others: OtherKeys,
) -> Result<Seed, InitError> {
    let seed = words.map(seed_of_words).transpose()?;
    match (seed, others) {
        (Some(seed), OtherKeys::NotMine) => Ok(seed),
        (None, OtherKeys::NotMine) => Ok(Seed::generate(&mut rand::rng())),
        (Some(seed), OtherKeys::Refuse) => Ok(Keys::checked(chain, owner, seed).await?.seed),
        (None, OtherKeys::Refuse) if chain.find_key(owner).await?.is_some() => Err(InitError::AlreadyPublished),
        (None, OtherKeys::Refuse) => Ok(Seed::generate(&mut rand::rng())),
    }
}

/// The seed of recovery words: 24 words, or the text of a kit.
pub(crate) fn seed_of_words(words: &SecretString) -> Result<Seed, SeedError> {
    let text = words.expose_secret();
    let seed = if text.contains("medlock recovery kit") {
        RecoveryKit::parse(text).map(|kit| kit.seed.clone())
    } else {
        Seed::from_words(text)
    };
    seed.map_err(|error| SeedError::InvalidWords(error.to_string()))
}

async fn make_keyring(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
    seed: Seed,
) -> Result<(Keys, NewKeyring), InitError> {
    let _held = client.home().lock()?;
    let owner = client.address();
    if wallet.address() != owner {
        return Err(InitError::OtherWallet);
    }
    if client.home().read(KEYRING_FILE)?.is_some() {
        return Err(InitError::KeyringExists { place: "on this device" });
    }
    if client.is_signed_in() && client.api()?.private_blob(PrivateBlobName::Keyring).await?.is_some() {
        return Err(InitError::KeyringExists { place: "at the server" });
    }

    let chain_id = client.deployment().chain_id;
    let mut keyring = Keyring::new(chain_id, owner);
    keyring.add_passphrase(&seed, passphrase.expose_secret(), &mut rand::rng()).map_err(|error| match error {
        KeyringError::PassphraseLength => InitError::PassphraseLength(error),
        other => InitError::Unusable(other),
    })?;
    let wallet_unlocks = add_wallet(client, wallet, &seed, &mut keyring).await?;

    // The keys are compared with the chain before anything is written.
    let keys = Keys::compared(client.chain(), owner, seed).await?;
    client.home().write(KEYRING_FILE, &keyring.to_json())?;
    own_key::keep(client, keys.owner(), keys.identity().public_key())?;
    let on_server = client.is_signed_in() && put_back(client).await.unwrap_or(false);
    Ok((keys, NewKeyring { wallet_unlocks, on_server }))
}

/// Adds the wallet as an unlocker; `false` for a wallet whose two signatures differ.
async fn add_wallet(
    client: &Client,
    wallet: &dyn Wallet,
    seed: &Seed,
    keyring: &mut Keyring,
) -> Result<bool, InitError> {
    let domain = client.api().ok().and_then(|api| api.base().host_str().map(str::to_owned)).unwrap_or("medlock".into());
    let uri = client.api().map_or_else(|_| "medlock:".to_owned(), |api| api.base().to_string());
    let issued_at = rfc3339(unix_now()).expect("the clock of a device is before the year 9999");
    let chain_id = client.deployment().chain_id;
    let message = WalletMessage::new(client.address(), chain_id, &domain, &uri, &issued_at, &mut rand::rng())
        .map_err(InitError::Unusable)?;
    let text = message.to_string();
    let wish = Wish { sentence: "Let this wallet unlock my health records (signed twice, to see that it can)." };
    let first = wallet.sign_message(&text, wish).await?;
    let second = wallet.sign_message(&text, wish).await?;
    match keyring.add_wallet(seed, message, &first, &second, &mut rand::rng()) {
        Ok(()) => Ok(true),
        // A contract's signature has no r and s of its owner's key: it cannot unlock either.
        Err(KeyringError::UnstableSignature | KeyringError::InvalidSignature) => Ok(false),
        Err(error) => Err(InitError::Unusable(error)),
    }
}

/// Opens the keyring (this device's copy, else the server's) and compares the seed with every key epoch of the chain.
///
/// A newest key on chain that is not of the seed does not keep anybody out: [`Keys::epochs`] says so.
///
/// # Errors
/// [`UnlockError`].
pub async fn unlock(client: &Client, unlocker: Unlocker<'_>) -> Result<Keys, UnlockError> {
    client.chain().verify_deployment().await?;
    let owner = client.address();
    let local = client.home().read(KEYRING_FILE)?;
    let is_local = local.is_some();
    let json = match local {
        Some(json) => json,
        None if client.is_signed_in() => {
            let found = client.api()?.private_blob(PrivateBlobName::Keyring).await?;
            found.ok_or(UnlockError::NoKeyring)?.0
        }
        None => {
            return Err(UnlockError::NotOnDevice);
        }
    };
    let keyring = Keyring::from_json(&json, client.deployment().chain_id, owner).map_err(UnlockError::Unusable)?;
    let seed = match unlocker {
        Unlocker::Passphrase(passphrase) => keyring.open_with_passphrase(passphrase.expose_secret()),
        Unlocker::Wallet(wallet) => open_with_wallet(&keyring, wallet).await?,
    };
    let seed = seed.map_err(|error| match error {
        KeyringError::NoMatch | KeyringError::InvalidSignature => match unlocker {
            Unlocker::Passphrase(_) => UnlockError::WrongPassphrase,
            Unlocker::Wallet(_) => UnlockError::WrongWallet,
        },
        other => UnlockError::Unusable(other),
    })?;
    let keys = Keys::compared(client.chain(), owner, seed).await?;
    if !is_local {
        client.home().write(KEYRING_FILE, &json)?;
    }
    own_key::keep(client, keys.owner(), keys.identity().public_key())?;
    Ok(keys)
}

async fn open_with_wallet(keyring: &Keyring, wallet: &dyn Wallet) -> Result<Result<Seed, KeyringError>, UnlockError> {
    if keyring.wallet_messages().next().is_none() {
        return Err(UnlockError::NoWalletUnlocks);
    }
    let mut result = Err(KeyringError::NoMatch);
    for message in keyring.wallet_messages() {
        let wish = Wish { sentence: "Unlock my health records on this device." };
        let signature = wallet.sign_message(&message.to_string(), wish).await?;
        result = keyring.open_with_wallet(message, &signature);
        if result.is_ok() {
            break;
        }
    }
    Ok(result)
}

/// Everything that a person needs to restore their records, to be printed or written down.
pub struct Kit {
    /// The seed as 24 words.
    pub words: SecretString,
    /// Everything on one sheet: chain, owner, numbered words. `restore` reads it back.
    pub text: SecretString,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The address of their owner.
    pub owner: Address,
}

/// The recovery kit.
#[must_use]
pub fn kit(client: &Client, keys: &Keys) -> Kit {
    let chain_id = client.deployment().chain_id;
    let sheet = RecoveryKit { chain_id, owner: keys.owner, seed: keys.seed.clone() };
    Kit {
        words: keys.seed.to_words().as_str().into(),
        text: sheet.to_text().as_str().into(),
        chain_id,
        owner: keys.owner,
    }
}

/// Which words to ask for as a proof that they were saved: three different places, counted from 1.
#[must_use]
pub fn places_to_prove() -> [usize; 3] {
    let mut places: Vec<usize> = (1..=WORDS).collect();
    // Shuffles the first three places (Fisher and Yates).
    for place in 0..PROOF_WORDS {
        let other = rand::random_range(place..WORDS);
        places.swap(place, other);
    }
    let mut chosen = [places[0], places[1], places[2]];
    chosen.sort_unstable();
    chosen
}

/// Records that the person has saved the words: each answer is a place (from 1) and the word there.
///
/// # Errors
/// [`ProveError::WrongWord`]; [`ProveError::TooFewWords`] if fewer than three places are answered.
pub fn prove_saved(client: &Client, keys: &Keys, answers: &[(usize, String)]) -> Result<(), ProveError> {
    let words = keys.seed.to_words();
    let words: Vec<&str> = words.split(' ').collect();
    let mut places: Vec<usize> = answers.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    places.dedup();
    if places.len() < PROOF_WORDS {
        return Err(ProveError::TooFewWords { needed: PROOF_WORDS });
    }
    for (place, word) in answers {
        let right = place.checked_sub(1).and_then(|index| words.get(index));
        if !right.is_some_and(|right| right.eq_ignore_ascii_case(word.trim())) {
            return Err(ProveError::WrongWord { place: *place });
        }
    }
    Ok(record_proof(client)?)
}

/// `kit.json`.
#[derive(Serialize, Deserialize)]
struct Proof {
    #[serde(with = "protocol::hex_text")]
    owner: Address,
    proved_at: u64,
}

fn record_proof(client: &Client) -> Result<(), DeviceError> {
    client.home().write_json(KIT_FILE, &Proof { owner: client.address(), proved_at: unix_now() })
}

/// Returns whether the words were saved and proved on this device.
///
/// # Errors
/// [`DeviceError::File`].
pub fn is_saved(client: &Client) -> Result<bool, DeviceError> {
    Ok(client.home().read_json::<Proof>(KIT_FILE)?.is_some_and(|proof| proof.owner == client.address()))
}

/// Gives the server this device's copy of the keyring if it has none. Returns whether it did.
///
/// # Errors
/// [`PutBackError`].
pub async fn put_back(client: &Client) -> Result<bool, PutBackError> {
    let Some(json) = client.home().read(KEYRING_FILE)? else {
        return Err(PutBackError::NoKeyring);
    };
    let api = client.api()?;
    if api.private_blob(PrivateBlobName::Keyring).await?.is_some() {
        return Ok(false);
    }
    api.put_private_blob(PrivateBlobName::Keyring, &json, None).await?;
    Ok(true)
}

/// Returns whether this device has a keyring.
///
/// # Errors
/// [`DeviceError::File`].
pub fn has_keyring(client: &Client) -> Result<bool, DeviceError> {
    Ok(client.home().read(KEYRING_FILE)?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_not_impl_any!(Keys: std::fmt::Debug, std::fmt::Display, Serialize);

    #[test]
    fn three_different_places_are_asked() {
        for _ in 0..200 {
            let [a, b, c] = places_to_prove();
            assert!(1 <= a && a < b && b < c && c <= WORDS);
        }
    }
}
