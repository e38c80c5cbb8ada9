//! A person with a device, ready to act, for measurements.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, Bytes},
};
use async_trait::async_trait;
use client::{
    Client,
    act::Way,
    home::Home,
    register, session,
    set_up::{self, DeploymentSource, SetUp},
    unlock::{self, Keys},
    wallet::{LocalWallet, Wallet, WalletError, Wish},
};
use localnet::Stack;
use secrecy::{ExposeSecret, SecretString};

/// The passphrase of every measured keystore and keyring.
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// A person with a device: set up, recovery words saved, signed in.
pub(crate) struct Person {
    pub(crate) client: Client,
    pub(crate) wallet: TimedWallet,
    pub(crate) keys: Keys,
}

impl Person {
    /// Creates a person whose directory is `home`, with a new wallet and a published key.
    pub(crate) async fn new(stack: &Stack, home: &Path) -> anyhow::Result<Self> {
        let person = Self::with_wallet(stack, home, LocalWallet::generate()).await?;
        register::register(&person.client, &person.wallet, &person.keys, Way::Relayed).await?;
        let passphrase = SecretString::from(PASSPHRASE);
        let keys = unlock::unlock(&person.client, unlock::Unlocker::Passphrase(&passphrase)).await?;
        Ok(Self { keys, ..person })
    }

    /// Creates a person whose directory is `home`, with this wallet and no published key.
    pub(crate) async fn with_wallet(stack: &Stack, home: &Path, wallet: LocalWallet) -> anyhow::Result<Self> {
        let wallet = TimedWallet { inner: wallet, asked: Arc::default() };
        let passphrase = SecretString::from(PASSPHRASE);
        let plan = SetUp {
            api: Some(stack.api_url(0)),
            rpc: stack.localnet().rpc_url(),
            deployment: DeploymentSource::File(stack.deployment().to_owned()),
            wallet: wallet.inner.clone(),
            passphrase: passphrase.clone(),
        };
        let client = set_up::set_up(Home::open(home)?, plan).await?;
        let (keys, _) = unlock::init(&client, &wallet, &passphrase).await?;
        let kit = unlock::kit(&client, &keys);
        let words: Vec<&str> = kit.words.expose_secret().split(' ').collect();
        let answers = unlock::places_to_prove().map(|place| (place, words[place - 1].to_owned()));
        unlock::prove_saved(&client, &keys, &answers)?;
        session::login(&client, &wallet).await?;
        Ok(Self { client, wallet, keys })
    }
}

/// A wallet that records the time of the last request for a signature.
#[derive(Clone)]
pub(crate) struct TimedWallet {
    inner: LocalWallet,
    /// The time of the last request to sign an EIP-712 message.
    pub(crate) asked: Arc<Mutex<Option<Instant>>>,
}

#[async_trait]
impl Wallet for TimedWallet {
    fn address(&self) -> Address {
        self.inner.address()
    }

    async fn sign_message(&self, text: &str, wish: Wish<'_>) -> Result<Bytes, WalletError> {
        self.inner.sign_message(text, wish).await
    }

    async fn sign_typed(&self, hash: B256, wish: Wish<'_>) -> Result<Bytes, WalletError> {
        *self.asked.lock().expect("nobody panics while holding it") = Some(Instant::now());
        self.inner.sign_typed(hash, wish).await
    }

    fn sender(&self) -> Option<EthereumWallet> {
        self.inner.sender()
    }

    fn confirm(&self, wish: Wish<'_>) -> Result<(), WalletError> {
        self.inner.confirm(wish)
    }
}
