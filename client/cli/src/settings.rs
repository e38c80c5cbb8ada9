//! The settings of every command, and the handles that are made from them: the screen, the home directory, the client,
//! the wallet and the keys. Each is opened when it is first needed. The passphrase is asked for once.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::{ArgAction, Args};
use client::{
    Client, Progress,
    act::Way,
    api::Api,
    client::Overrides,
    error::codes,
    home::Home,
    set_up,
    unlock::{self, Keys, Unlocker},
    wallet::{LocalWallet, WALLET_FILE, Wallet, Wish, check_new_passphrase},
};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use super::{
    failure::{self, Failure},
    moment::{self, Counted, Edge},
    prompt,
    screen::Screen,
};

/// Settings of every command; each also has an environment variable, or a line in `config.toml`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// The directory that holds your account.
    #[arg(long, global = true, env = "MEDLOCK_HOME", value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// URL of the API.
    #[arg(long, global = true, env = "MEDLOCK_API", value_name = "URL")]
    pub(crate) api: Option<String>,
    /// URL of an Ethereum node of your choice, as an independent view of the chain.
    #[arg(long = "rpc", global = true, env = "MEDLOCK_RPC_URL", value_name = "URL")]
    pub(crate) rpc: Option<String>,
    /// The deployment file, which names the contracts and the operator.
    #[arg(long, global = true, env = "MEDLOCK_DEPLOYMENT", value_name = "FILE")]
    pub(crate) deployment: Option<PathBuf>,
    /// A file whose first line is the passphrase. If left out, you are asked for it.
    #[arg(long, global = true, env = "MEDLOCK_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Answer with one JSON value, for programs.
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub(crate) json: bool,
    /// No remarks and no progress bars.
    #[arg(long, short, global = true, action = ArgAction::SetTrue)]
    pub(crate) quiet: bool,
}

impl Settings {
    /// Returns the screen for these settings.
    pub(crate) fn screen(&self) -> Screen {
        Screen::new(self.json, self.quiet)
    }
}

/// The way in which an action reaches the chain.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Sending {
    /// Send the transaction from your own wallet and pay for it, instead of having the server relay it.
    #[arg(long)]
    direct: bool,
}

impl Sending {
    /// Returns the way for the SDK.
    pub(crate) const fn way(self) -> Way {
        if self.direct { Way::Direct } else { Way::Relayed }
    }
}

/// The handles that a command uses.
pub(crate) struct Context {
    /// The output.
    pub(crate) screen: Screen,
    /// The settings.
    pub(crate) settings: Settings,
    passphrase: OnceCell<SecretString>,
    told_foreign: AtomicBool,
    opened: Opened,
}

/// The client that a command has opened, for checks after it has ended.
pub(crate) type Opened = Arc<std::sync::OnceLock<Client>>;

/// Fails if the server's lists had items that could not be read. The answer was shown without them.
pub(crate) fn unreadable(opened: &Opened) -> Result<(), Failure> {
    let count = opened.get().and_then(|client| client.api().ok()).map_or(0, Api::unreadable);
    if count == 0 {
        return Ok(());
    }
    Err(Failure::new(
        codes::INVALID_ANSWER,
        format!("{count} of the server's entries could not be read and were left out"),
    ))
}

impl Context {
    /// Creates a context that has opened nothing yet.
    pub(crate) fn new(settings: Settings, screen: Screen) -> Self {
        Self {
            screen,
            settings,
            passphrase: OnceCell::new(),
            told_foreign: AtomicBool::new(false),
            opened: Opened::default(),
        }
    }

    /// Returns the place for the client that the command opens.
    pub(crate) fn opened(&self) -> Opened {
        Arc::clone(&self.opened)
    }

    /// Returns the directory of the account. It is created if it is missing.
    pub(crate) fn home(&self) -> Result<Home, Failure> {
        let dir = match &self.settings.home {
            Some(dir) => dir.clone(),
            None => Home::default_dir()?,
        };
        Ok(Home::open(dir)?)
    }

    /// Returns the settings of the command line that override `config.toml`.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides { api: self.settings.api.clone(), rpc: self.settings.rpc.clone() }
    }

    /// Returns the client of an account that is set up. A deployment file named by a setting must be the one it was set
    /// up with.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client = Client::open(self.home()?, self.overrides())?;
        set_up::expect_deployment(&client, self.settings.deployment.as_deref())?;
        // A command opens one client. The unreadable items of a second one would not be counted.
        let _ = self.opened.set(client.clone());
        Ok(client)
    }

    /// Returns whether the passphrase is available without asking.
    pub(crate) fn has_passphrase(&self) -> bool {
        self.settings.passphrase_file.is_some() || self.passphrase.initialized()
    }

    /// Returns the passphrase: from the file that a setting names, otherwise by asking once.
    pub(crate) async fn passphrase(&self) -> Result<&SecretString, Failure> {
        self.passphrase.get_or_try_init(|| async { self.read_passphrase(prompt::passphrase) }).await
    }

    /// Returns the passphrase of a new account: from the same file, otherwise by asking twice. A passphrase that would
    /// be refused later is refused here.
    pub(crate) async fn new_passphrase(&self) -> Result<&SecretString, Failure> {
        let passphrase =
            self.passphrase.get_or_try_init(|| async { self.read_passphrase(prompt::new_passphrase) }).await?;
        check_new_passphrase(passphrase)?;
        Ok(passphrase)
    }

    fn read_passphrase(&self, ask: fn() -> Result<SecretString, Failure>) -> Result<SecretString, Failure> {
        match &self.settings.passphrase_file {
            Some(path) => prompt::passphrase_from(path),
            None => ask(),
        }
    }

    /// Returns the wallet. It announces each signature.
    pub(crate) async fn wallet(&self, client: &Client) -> Result<LocalWallet, Failure> {
        self.wallet_with(client, self.passphrase().await?)
    }

    /// Returns the wallet. It announces an action with `sentence`, which has the names that this device knows, in place
    /// of the action's own sentence, which begins with `start`. Anything else is announced as it is.
    pub(crate) async fn wallet_saying(
        &self,
        client: &Client,
        start: &'static str,
        sentence: String,
    ) -> Result<LocalWallet, Failure> {
        let screen = self.screen;
        let wallet = self.wallet(client).await?;
        Ok(wallet.confirmed_by(Arc::new(move |wish: Wish<'_>| {
            match wish.sentence.starts_with(start) {
                true => screen.signing(&sentence),
                false => screen.signing(&moment::with_times(wish.sentence)),
            }
            true
        })))
    }

    /// Returns the wallet, opened with a given passphrase.
    pub(crate) fn wallet_with(&self, client: &Client, passphrase: &SecretString) -> Result<LocalWallet, Failure> {
        let wallet = LocalWallet::from_file(&client.home().path(WALLET_FILE), passphrase)?;
        if wallet.address() != client.address() {
            let what = "wallet.json holds a different account from the one in config.toml";
            return Err(Failure::new(codes::INVALID_WALLET, what));
        }
        Ok(self.announced(wallet))
    }

    /// Returns a wallet that announces each signature in one sentence.
    pub(crate) fn announced(&self, wallet: LocalWallet) -> LocalWallet {
        let screen = self.screen;
        wallet.confirmed_by(Arc::new(move |wish: Wish<'_>| {
            screen.signing(&moment::with_times(wish.sentence));
            true
        }))
    }

    /// Returns the unlocked keys. Warns if the newest key on chain is not one of them.
    pub(crate) async fn keys(&self, client: &Client) -> Result<Keys, Failure> {
        let keys = unlock::unlock(client, Unlocker::Passphrase(self.passphrase().await?)).await?;
        if keys.epochs().is_newest_foreign() && !self.told_foreign.swap(true, Ordering::Relaxed) {
            self.screen.warn(format!(
                "The chain's newest encryption key for your address (number {}) is NOT yours. What others seal to you now, \
                 somebody else can open and you cannot. If you set medlock up with other recovery words elsewhere, use \
                 those; else run: medlock key register",
                keys.epochs().newest()
            ));
        }
        Ok(keys)
    }

    /// Returns the unlocked keys, for commands that also work with only the wallet. Returns `None` if the keyring is
    /// missing or does not open.
    pub(crate) async fn keys_if_any(&self, client: &Client) -> Result<Option<Keys>, Failure> {
        match self.keys(client).await {
            Ok(keys) => Ok(Some(keys)),
            Err(failure) if [codes::NO_KEYRING, codes::NOT_UNLOCKED, codes::WRONG_KEYS].contains(&failure.code()) => {
                self.screen.note(format!("Your keys are not available; going on with only the wallet: {failure}"));
                Ok(None)
            }
            // If the server does not answer, it cannot provide a copy of the keyring either.
            Err(failure) if !unlock::has_keyring(client)? => {
                self.screen.note(format!("Your keys are not available; going on with only the wallet: {failure}"));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Parses a time that the user typed, and returns its Unix seconds. A duration counts from now on.
    pub(crate) fn moment(&self, text: &str, edge: Edge) -> Result<u64, Failure> {
        moment::parse_moment(text, moment::now(), &TimeZone::system(), edge, Counted::Forwards).map_err(failure::usage)
    }

    /// Parses a time of something that has happened, and returns its Unix seconds. A duration counts back from now.
    pub(crate) fn past_moment(&self, text: &str, edge: Edge) -> Result<u64, Failure> {
        moment::parse_moment(text, moment::now(), &TimeZone::system(), edge, Counted::Backwards).map_err(failure::usage)
    }

    /// Returns a progress bar for a long operation, and the handle that updates it. The bar disappears when it is
    /// dropped.
    pub(crate) fn watch(&self, what: &str) -> (super::screen::Bar, Progress) {
        self.screen.watch(what)
    }
}
