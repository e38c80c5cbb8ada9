//! The seed: making it, wrapping it in the keyring, unlocking it, and its recovery words.

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
    chain::{Chain, rfc3339, unix_now},
    client::Client,
    download::stream::open_error,
    error::{ClientError, Kind},
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
    /// Whose keys.
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

    /// What opens something that is bound to an epoch; `None` for an epoch whose key on chain is not of the seed.
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
    /// [`Kind::ForeignKey`] if it is sealed to a key of another seed, [`Kind::Commitment`], [`Kind::InvalidEnvelope`].
    pub(crate) fn open_owner_capsule(
        &self,
        context: &EnvelopeContext,
        header: &Header,
    ) -> Result<DataKey, ClientError> {
        let key = self.identity_at(header.key_epoch).ok_or_else(|| {
            ClientError::new(
                Kind::ForeignKey,
                format!("It is sealed to encryption key {} of your address, which is not yours.", header.key_epoch),
            )
        })?;
        header.open_owner_capsule(context, self.owner, &key).map_err(open_error)
    }

    /// The seed, for what derives from it.
    #[must_use]
    pub const fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Compares a seed with every key that its owner has published.
    pub(crate) async fn compared(chain: &Chain, owner: Address, seed: Seed) -> Result<Self, ClientError> {
        let history = chain.key_history(owner).await?;
        Ok(Self { owner, epochs: KeyEpochs::compare(&seed, history.hashes), seed })
    }

    /// The same keys, compared with what the chain has now.
    pub(crate) async fn compared_again(&self, chain: &Chain) -> Result<Self, ClientError> {
        Self::compared(chain, self.owner, self.seed.clone()).await
    }

    /// The same for a seed that may be somebody else's.
    ///
    /// # Errors
    /// [`Kind::WrongKeys`] if keys are published and none is of this seed.
    pub(crate) async fn checked(chain: &Chain, owner: Address, seed: Seed) -> Result<Self, ClientError> {
        let keys = Self::compared(chain, owner, seed).await?;
        if keys.epochs.newest() > 0 && keys.epochs.newest_own().is_none() {
            let what = match keys.epochs.newest() {
                1 => "The encryption key that the chain has for this address is not of these keys.".to_owned(),
                count => {
                    format!("None of the {count} encryption keys that the chain has for this address is of these keys.")
                }
            };
            return Err(ClientError::new(Kind::WrongKeys, what));
        }
        Ok(keys)
    }
}

/// By what the keyring is opened.
#[derive(Clone, Copy)]
pub enum Unlocker<'a> {
    /// The wallet signs the keyring's own message.
    Wallet(&'a dyn Wallet),
    /// A passphrase.
    Passphrase(&'a SecretString),
}

/// What `init` made.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewKeyring {
    /// Whether the wallet can unlock it; a wallet that does not sign deterministically cannot.
    pub wallet_unlocks: bool,
    /// Whether the server has a copy.
    pub on_server: bool,
}

/// What to do when the chain has keys of this address already, and none of them is of the keys to be set up.
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
/// [`Kind::AlreadySetUp`] if this device or the server has a keyring, or the chain a key of this address;
/// [`Kind::Usage`] for a passphrase that is too short.
pub async fn init(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
) -> Result<(Keys, NewKeyring), ClientError> {
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
) -> Result<(Keys, NewKeyring), ClientError> {
    client.chain().verify_deployment().await?;
    let seed = accepted_seed(client.chain(), client.address(), None, others).await?;
    make_keyring(client, wallet, passphrase, seed).await
}

/// Makes the keyring again from the recovery words, on a device that has none.
///
/// # Errors
/// [`Kind::InvalidWords`], [`Kind::WrongKeys`] if the chain has keys for this address and none is of the words.
pub async fn init_from_words(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
    words: &SecretString,
    others: OtherKeys,
) -> Result<(Keys, NewKeyring), ClientError> {
    client.chain().verify_deployment().await?;
    let seed = accepted_seed(client.chain(), client.address(), Some(words), others).await?;
    let (keys, made) = make_keyring(client, wallet, passphrase, seed).await?;
    // Whoever types the words has them.
    record_proof(client)?;
    Ok((keys, made))
}

/// Whether [`init_beside`] or, with words, [`init_from_words`] would be refused because of the words, or because of the keys
/// that the chain has of this address: to be asked before anything is written.
///
/// # Errors
/// As those two.
pub async fn check_init(
    chain: &Chain,
    owner: Address,
    words: Option<&SecretString>,
    others: OtherKeys,
) -> Result<(), ClientError> {
    accepted_seed(chain, owner, words, others).await.map(drop)
}

/// The seed of these words, or a new one, if the chain has nothing against it.
async fn accepted_seed(
    chain: &Chain,
    owner: Address,
    words: Option<&SecretString>,
    others: OtherKeys,
) -> Result<Seed, ClientError> {
    let seed = words.map(seed_of_words).transpose()?;
    match (seed, others) {
        (Some(seed), OtherKeys::NotMine) => Ok(seed),
        (None, OtherKeys::NotMine) => Ok(Seed::generate(&mut rand::rng())),
        (Some(seed), OtherKeys::Refuse) => {
            let keys = Keys::checked(chain, owner, seed).await.map_err(|error| match error.kind() {
                Kind::WrongKeys => error.remedy(
                    "Use the recovery words of exactly this address. If they are, and the keys on chain are not \
                     yours, add --despite-other-keys.",
                ),
                _ => error,
            })?;
            Ok(keys.seed)
        }
        (None, OtherKeys::Refuse) if chain.find_key(owner).await?.is_some() => {
            Err(ClientError::new(Kind::AlreadySetUp, "This address has published an encryption key already.").remedy(
                "Sign in to get its keyring (medlock login), or use the recovery words: medlock init --words. \
                 If you never made that key: medlock init --despite-other-keys.",
            ))
        }
        (None, OtherKeys::Refuse) => Ok(Seed::generate(&mut rand::rng())),
    }
}

/// The seed of recovery words: 24 words, or the text of a kit.
pub(crate) fn seed_of_words(words: &SecretString) -> Result<Seed, ClientError> {
    let text = words.expose_secret();
    let seed = if text.contains("medlock recovery kit") {
        RecoveryKit::parse(text).map(|kit| kit.seed.clone())
    } else {
        Seed::from_words(text)
    };
    seed.map_err(|error| ClientError::new(Kind::InvalidWords, format!("These are no recovery words: {error}.")))
}

async fn make_keyring(
    client: &Client,
    wallet: &dyn Wallet,
    passphrase: &SecretString,
    seed: Seed,
) -> Result<(Keys, NewKeyring), ClientError> {
    let _held = client.home().lock()?;
    let owner = client.address();
    if wallet.address() != owner {
        return Err(ClientError::new(Kind::WrongKeys, "The wallet is not the one of this directory."));
    }
    let exists = |place: &str| {
        ClientError::new(Kind::AlreadySetUp, format!("There is a keyring {place} already."))
            .remedy("Unlock it: medlock key. It may be the only way to older records.")
    };
    if client.home().read(KEYRING_FILE)?.is_some() {
        return Err(exists("on this device"));
    }
    if client.is_signed_in() && client.api()?.private_blob(PrivateBlobName::Keyring).await?.is_some() {
        return Err(exists("at the server"));
    }

    let chain_id = client.deployment().chain_id;
    let mut keyring = Keyring::new(chain_id, owner);
    keyring.add_passphrase(&seed, passphrase.expose_secret(), &mut rand::rng()).map_err(|error| match error {
        KeyringError::PassphraseLength => ClientError::new(Kind::Usage, format!("{}.", capital(&error.to_string())))
            .remedy(format!("Use at least {} characters.", protocol::keyring::MIN_PASSPHRASE_CHARS)),
        other => unusable(other),
    })?;
    let wallet_unlocks = add_wallet(client, wallet, &seed, &mut keyring).await?;

    // Before anything is written: what the chain says about these keys.
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
) -> Result<bool, ClientError> {
    let domain = client.api().ok().and_then(|api| api.base().host_str().map(str::to_owned)).unwrap_or("medlock".into());
    let uri = client.api().map_or_else(|_| "medlock:".to_owned(), |api| api.base().to_string());
    let issued_at = rfc3339(unix_now())?;
    let chain_id = client.deployment().chain_id;
    let message = WalletMessage::new(client.address(), chain_id, &domain, &uri, &issued_at, &mut rand::rng())
        .map_err(unusable)?;
    let text = message.to_string();
    let wish = Wish { sentence: "Let this wallet unlock my health records (signed twice, to see that it can)." };
    let first = wallet.sign_message(&text, wish).await?;
    let second = wallet.sign_message(&text, wish).await?;
    match keyring.add_wallet(seed, message, &first, &second, &mut rand::rng()) {
        Ok(()) => Ok(true),
        // A contract's signature has no r and s of its owner's key: it cannot unlock either.
        Err(KeyringError::UnstableSignature | KeyringError::InvalidSignature) => Ok(false),
        Err(error) => Err(unusable(error)),
    }
}

/// Opens the keyring (this device's copy, else the server's) and compares the seed with every key epoch of the chain.
///
/// A newest key on chain that is not of the seed does not keep anybody out: [`Keys::epochs`] says so.
///
/// # Errors
/// [`Kind::NoKeyring`], [`Kind::NotUnlocked`].
pub async fn unlock(client: &Client, unlocker: Unlocker<'_>) -> Result<Keys, ClientError> {
    client.chain().verify_deployment().await?;
    let owner = client.address();
    let local = client.home().read(KEYRING_FILE)?;
    let is_local = local.is_some();
    let json = match local {
        Some(json) => json,
        None if client.is_signed_in() => {
            let found = client.api()?.private_blob(PrivateBlobName::Keyring).await?;
            found
                .ok_or_else(|| ClientError::new(Kind::NoKeyring, "Neither this device nor the server has a keyring."))?
                .0
        }
        None => {
            return Err(ClientError::new(Kind::NoKeyring, "This device has no keyring.")
                .remedy("Run: medlock login, to get it from the server; or medlock init, if you never had one."));
        }
    };
    let keyring = Keyring::from_json(&json, client.deployment().chain_id, owner).map_err(unusable)?;
    let seed = match unlocker {
        Unlocker::Passphrase(passphrase) => keyring.open_with_passphrase(passphrase.expose_secret()),
        Unlocker::Wallet(wallet) => open_with_wallet(&keyring, wallet).await?,
    };
    let seed = seed.map_err(|error| match error {
        KeyringError::NoMatch | KeyringError::InvalidSignature => {
            ClientError::new(Kind::NotUnlocked, "The keyring does not open with this.")
        }
        other => unusable(other),
    })?;
    let keys = Keys::compared(client.chain(), owner, seed).await?;
    if !is_local {
        client.home().write(KEYRING_FILE, &json)?;
    }
    own_key::keep(client, keys.owner(), keys.identity().public_key())?;
    Ok(keys)
}

async fn open_with_wallet(keyring: &Keyring, wallet: &dyn Wallet) -> Result<Result<Seed, KeyringError>, ClientError> {
    if keyring.wallet_messages().next().is_none() {
        return Err(ClientError::new(Kind::WalletNotDeterministic, "No wallet can unlock this keyring."));
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

/// What a person needs to restore everything, to be printed or written down.
pub struct Kit {
    /// The seed as 24 words.
    pub words: SecretString,
    /// Everything on one sheet: chain, owner, numbered words. `restore` reads it back.
    pub text: SecretString,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whose.
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
/// [`Kind::InvalidWords`] if one is wrong or fewer than three places are answered.
pub fn prove_saved(client: &Client, keys: &Keys, answers: &[(usize, String)]) -> Result<(), ClientError> {
    let words = keys.seed.to_words();
    let words: Vec<&str> = words.split(' ').collect();
    let mut places: Vec<usize> = answers.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    places.dedup();
    if places.len() < PROOF_WORDS {
        return Err(ClientError::new(Kind::InvalidWords, format!("{PROOF_WORDS} different words are needed.")));
    }
    for (place, word) in answers {
        let right = place.checked_sub(1).and_then(|index| words.get(index));
        if !right.is_some_and(|right| right.eq_ignore_ascii_case(word.trim())) {
            return Err(ClientError::new(Kind::InvalidWords, format!("Word {place} is another one.")));
        }
    }
    record_proof(client)
}

/// `kit.json`.
#[derive(Serialize, Deserialize)]
struct Proof {
    #[serde(with = "protocol::hex_text")]
    owner: Address,
    proved_at: u64,
}

fn record_proof(client: &Client) -> Result<(), ClientError> {
    client.home().write_json(KIT_FILE, &Proof { owner: client.address(), proved_at: unix_now() })
}

/// Whether the words were saved and proved on this device.
///
/// # Errors
/// [`Kind::LocalFile`].
pub fn is_saved(client: &Client) -> Result<bool, ClientError> {
    Ok(client.home().read_json::<Proof>(KIT_FILE)?.is_some_and(|proof| proof.owner == client.address()))
}

/// Gives the server this device's copy of the keyring if it has none. Says whether it did.
///
/// # Errors
/// What the server refuses; [`Kind::NoKeyring`].
pub async fn put_back(client: &Client) -> Result<bool, ClientError> {
    let Some(json) = client.home().read(KEYRING_FILE)? else {
        return Err(ClientError::new(Kind::NoKeyring, "This device has no keyring."));
    };
    let api = client.api()?;
    if api.private_blob(PrivateBlobName::Keyring).await?.is_some() {
        return Ok(false);
    }
    api.put_private_blob(PrivateBlobName::Keyring, &json, None).await?;
    Ok(true)
}

/// Whether this device has a keyring.
///
/// # Errors
/// [`Kind::LocalFile`].
pub fn has_keyring(client: &Client) -> Result<bool, ClientError> {
    Ok(client.home().read(KEYRING_FILE)?.is_some())
}

fn unusable(error: KeyringError) -> ClientError {
    ClientError::new(Kind::NotUnlocked, format!("The keyring cannot be used: {error}."))
        .because(error)
        .remedy("Use another copy of the keyring, or the recovery words: medlock init --words.")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
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
