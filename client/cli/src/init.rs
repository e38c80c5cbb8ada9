//! `medlock init`: creates a directory with a wallet, a seed and its keyring.

use std::path::{Path, PathBuf};

use clap::Args;
use client::{
    Client,
    error::codes,
    set_up::{self, DeploymentSource, SetUp, SetUpError},
    unlock::{self, OtherKeys},
    wallet::{LocalWallet, WALLET_FILE, Wallet, check_new_passphrase},
};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{
    failure::{self, Failure},
    kit::{self, Saved},
    prompt,
    settings::Context,
};

const DEFAULT_API: &str = "http://127.0.0.1:8400";
const DEFAULT_RPC: &str = "http://127.0.0.1:8545";

/// Set up this device: an account, encryption keys, and the recovery kit.
///
/// Creates a new account, or imports one from a file: a private key in hex, or a mnemonic. The account is stored in an
/// encrypted file. Then creates your encryption keys and shows the recovery words. Before the first upload you show
/// that you have saved them, because nothing else can restore your records when this device is lost. On a new device,
/// --words restores the encryption keys from the recovery words of the old one.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Import the account from this file: a private key, 64 hex digits.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mnemonic", "mnemonic_file"])]
    import_key_file: Option<PathBuf>,
    /// Import the account from a mnemonic, which is asked for at the terminal.
    #[arg(long, conflicts_with = "mnemonic_file")]
    mnemonic: bool,
    /// Import the account from the mnemonic in this file.
    #[arg(long, value_name = "FILE")]
    mnemonic_file: Option<PathBuf>,
    /// The index of the account in the mnemonic.
    #[arg(long, value_name = "N", default_value_t = 0)]
    index: u32,
    /// Restore the encryption keys from the recovery words of an earlier device, which are asked for at the terminal.
    #[arg(long, conflicts_with = "words_file")]
    words: bool,
    /// Restore the encryption keys from the recovery words or the kit in this file.
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// Set up although the chain has encryption keys for this address, because somebody else registered all of them.
    ///
    /// Afterwards run: medlock key register. If those keys are yours, from another device, use medlock login or --words
    /// instead, because new keys cannot open data that is sealed to the old ones.
    #[arg(long)]
    despite_other_keys: bool,
    /// A file whose first line is a new passphrase, for an account whose set-up was interrupted, for example because
    /// its passphrase is too short for encryption keys.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Write the recovery kit to this new file, instead of asking for some of its words.
    #[arg(long, value_name = "FILE")]
    kit_file: Option<PathBuf>,
}

impl Init {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let home = context.home()?;
        // All input is checked here, before anything is written.
        if let Some(path) = self.kit_file.as_deref().filter(|path| path.exists()) {
            return Err(Failure::new(codes::FILE_EXISTS, format!("{} already exists", path.display()))
                .remedy("Choose another name"));
        }
        let words = self.recovery_words()?;
        let others = if self.despite_other_keys { OtherKeys::NotMine } else { OtherKeys::Refuse };
        // An init that was interrupted after its first half continues from there.
        let half_done = if home.is_set_up() { Some(context.client()?) } else { None };
        if let Some(client) = &half_done
            && unlock::has_keyring(client)?
        {
            let what = format!("{} is already set up, for {}", home.dir().display(), client.address());
            return Err(Failure::new(codes::ALREADY_SET_UP, what));
        }
        let wallet_file = home.path(WALLET_FILE);
        if self.new_passphrase_file.is_some() && !wallet_file.exists() {
            return Err(failure::usage("there is no account yet, so there is no passphrase to replace")
                .remedy("Leave --new-passphrase-file out; a new account gets the passphrase of --passphrase-file"));
        }
        let account = if wallet_file.exists() {
            self.earlier_account(&context, &wallet_file).await?
        } else {
            Account {
                wallet: self.new_wallet()?,
                passphrase: context.new_passphrase().await?.clone(),
                has_new_passphrase: false,
            }
        };
        let client = match half_done {
            Some(client) => {
                client.chain().verify_deployment().await?;
                unlock::check_init(client.chain(), client.address(), words.as_ref(), others).await?;
                account.replace_passphrase(&context, &wallet_file)?;
                client
            }
            None => {
                let plan = SetUp {
                    api: Some(context.settings.api.clone().unwrap_or_else(|| DEFAULT_API.to_owned())),
                    rpc: context.settings.rpc.clone().unwrap_or_else(|| DEFAULT_RPC.to_owned()),
                    deployment: self.deployment(&context),
                    wallet: account.wallet.clone(),
                    passphrase: account.passphrase.clone(),
                };
                let prepared = set_up::prepare(&home, plan).await?;
                unlock::check_init(prepared.chain(), account.wallet.address(), words.as_ref(), others).await?;
                account.replace_passphrase(&context, &wallet_file)?;
                prepared.write(home)?
            }
        };
        let passphrase = &account.passphrase;
        let wallet = context.wallet_with(&client, passphrase)?;
        let (keys, keyring) = match words {
            Some(words) => unlock::init_from_words(&client, &wallet, passphrase, &words, others).await?,
            None => unlock::init_beside(&client, &wallet, passphrase, others).await?,
        };
        if !keyring.wallet_unlocks {
            context
                .screen
                .warn("This wallet cannot unlock your keys by itself; the passphrase and the recovery words can.");
        }
        kit::save_at_first(&context, &client, &keys, self.kit_file.as_deref())?;
        let answer = serde_json::json!({
            "address": format!("{:#x}", wallet.address()),
            "home": client.home().dir(),
            "wallet_unlocks": keyring.wallet_unlocks,
            "keyring_on_server": keyring.on_server,
            "kit_saved": unlock::is_saved(&client)?,
        });
        context.screen.answer(&answer, || ready_in_words(&client))
    }

    fn deployment(&self, context: &Context) -> DeploymentSource {
        match &context.settings.deployment {
            Some(path) => DeploymentSource::File(path.clone()),
            None => {
                context.screen.warn(
                    "The deployment file comes from the server itself. It is stored and compared from now on; get it from \
                     somebody you trust and pass --deployment to be sure from the start.",
                );
                DeploymentSource::Server
            }
        }
    }

    fn new_wallet(&self) -> Result<LocalWallet, Failure> {
        Ok(self.imported_wallet()?.unwrap_or_else(LocalWallet::generate))
    }

    fn imported_wallet(&self) -> Result<Option<LocalWallet>, Failure> {
        if let Some(path) = &self.import_key_file {
            return Ok(Some(LocalWallet::from_private_key(&secret_file(path)?)?));
        }
        if let Some(path) = &self.mnemonic_file {
            return Ok(Some(LocalWallet::from_mnemonic(&secret_file(path)?, self.index)?));
        }
        if self.mnemonic {
            let words = ask_for_words("Mnemonic of the account: ")?;
            return Ok(Some(LocalWallet::from_mnemonic(&words, self.index)?));
        }
        Ok(None)
    }

    /// Returns the account of an existing wallet file. Its passphrase may be shorter than a keyring accepts, because
    /// earlier versions accepted shorter ones.
    async fn earlier_account(&self, context: &Context, wallet_file: &Path) -> Result<Account, Failure> {
        let given = context.passphrase().await?.clone();
        let wallet = LocalWallet::from_file(wallet_file, &given)?;
        if self.imported_wallet()?.is_some_and(|imported| imported.address() != wallet.address()) {
            return Err(SetUpError::OtherWallet(wallet_file.to_owned()).into());
        }
        let is_short = check_new_passphrase(&given).is_err();
        let passphrase = match &self.new_passphrase_file {
            Some(path) => prompt::passphrase_from(path)?,
            None if is_short && prompt::is_interactive() => {
                context
                    .screen
                    .warn("The passphrase of this account is too short for encryption keys. Choose another one.");
                prompt::new_passphrase()?
            }
            None => given,
        };
        check_new_passphrase(&passphrase).map_err(|error| {
            Failure::from(error).remedy(format!(
                "Write a new one of at least {} characters into a file and add --new-passphrase-file FILE: the account and \
                 the encryption keys will use it.",
                protocol::keyring::MIN_PASSPHRASE_CHARS
            ))
        })?;
        Ok(Account { wallet, passphrase, has_new_passphrase: is_short || self.new_passphrase_file.is_some() })
    }

    fn recovery_words(&self) -> Result<Option<SecretString>, Failure> {
        match &self.words_file {
            Some(path) => Saved::read(path).map(|saved| Some(saved.words)),
            None if self.words => ask_for_words("Recovery words: ").map(Some),
            None => Ok(None),
        }
    }
}

/// The account that is being set up.
struct Account {
    wallet: LocalWallet,
    passphrase: SecretString,
    /// Whether its wallet file exists and still has an earlier passphrase.
    has_new_passphrase: bool,
}

impl Account {
    /// Gives an earlier wallet file its new passphrase.
    fn replace_passphrase(&self, context: &Context, wallet_file: &Path) -> Result<(), Failure> {
        if !self.has_new_passphrase {
            return Ok(());
        }
        self.wallet.save_again(wallet_file, &self.passphrase)?;
        context.screen.note(format!("{} now has the new passphrase.", wallet_file.display()));
        Ok(())
    }
}

fn ready_in_words(client: &Client) -> String {
    format!(
        "Your account is {}, stored in {}.\nNext: medlock login, then medlock register, so that others can share with you.",
        client.address().to_checksum(None),
        client.home().dir().display()
    )
}

/// Asks for words without showing them.
pub(crate) fn ask_for_words(question: &str) -> Result<SecretString, Failure> {
    if !prompt::is_interactive() {
        return Err(failure::usage("words are needed, and there is no terminal to ask for them")
            .remedy("Name a file that contains them"));
    }
    let words = prompt::hidden(question)?;
    Saved::parse(&words).map(|saved| saved.words)
}

/// Reads the whole text of a file that contains a secret.
fn secret_file(path: &Path) -> Result<SecretString, Failure> {
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| failure::file(path, "read", &error))?);
    Ok(SecretString::from(text.trim()))
}
