//! Checks an installation and says how to mend it.

mod web;

pub use web::{WebError, examine_web};

use std::{fmt::Display, path::Path};

use protocol::{error_code::ErrorCode, keyring::WalletFile};
use serde::Serialize;

use crate::{
    api::{PrivateBlobName, RelayerStatus},
    chain::{Chain, ChainError, unix_now},
    client::{Client, Overrides},
    error::{AnyFailure, Code, Failure, codes},
    home::Home,
    operator_key, own_key, session, set_up, unlock, upload,
};

/// How far a clock may be off, in seconds.
const CLOCK_SKEW_SECONDS_MAX: u64 = 120;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Works, but something should be done.
    Warning,
    /// Does not work.
    Bad,
    /// Could not be tried, because something before it failed.
    NotTried,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// A stable word: `config`, `rpc`, `contracts`, `api`, `deployment`, `versions`, `clock`, `secrets`, `relayers`, `keystore`,
    /// `keyring`, `key`, `kit`, `session`, `uploads`; of a web app `web_files`, `web_policy`.
    pub name: &'static str,
    /// The result.
    pub verdict: Verdict,
    /// The finding, in one sentence.
    pub what: String,
    /// The remedy; empty if the check passed.
    pub remedy: String,
    /// The code with which a command would fail because of this; only if it is bad.
    #[serde(skip)]
    pub failure: Option<Code>,
}

impl Check {
    fn good(name: &'static str, what: impl Display) -> Self {
        Self { name, verdict: Verdict::Good, what: what.to_string(), remedy: String::new(), failure: None }
    }

    fn warning(name: &'static str, what: impl Display, remedy: impl Display) -> Self {
        let (what, remedy) = (what.to_string(), remedy.to_string());
        Self { name, verdict: Verdict::Warning, what, remedy, failure: None }
    }

    fn bad(name: &'static str, error: &dyn Failure) -> Self {
        Self {
            name,
            verdict: Verdict::Bad,
            what: error.to_string(),
            remedy: error.now().into_owned(),
            failure: Some(error.code()),
        }
    }

    fn bad_with(name: &'static str, code: impl Into<Code>, what: impl Display) -> Self {
        let code = code.into();
        let (what, remedy) = (what.to_string(), code.now().to_owned());
        Self { name, verdict: Verdict::Bad, what, remedy, failure: Some(code) }
    }

    fn not_tried(name: &'static str, after: &str) -> Self {
        let what = format!("Not tried: {after} comes first.");
        Self { name, verdict: Verdict::NotTried, what, remedy: String::new(), failure: None }
    }
}

/// Checks everything; never fails, and asks for no passphrase. A `deployment` file that a setting names must be the one
/// that the account was set up with, as for every other command.
pub async fn examine(home: &Home, overrides: Overrides, deployment: Option<&Path>) -> Vec<Check> {
    let open = || -> Result<Client, AnyFailure> {
        let client = Client::open(home.clone(), overrides)?;
        set_up::expect_deployment(&client, deployment)?;
        Ok(client)
    };
    let client = match open() {
        Ok(client) => client,
        Err(error) => {
            let rest = [
                "rpc",
                "contracts",
                "api",
                "deployment",
                "versions",
                "clock",
                "secrets",
                "relayers",
                "keystore",
                "keyring",
                "key",
                "kit",
                "session",
                "uploads",
            ];
            let rest = rest.into_iter().map(|name| Check::not_tried(name, "config"));
            return std::iter::once(Check::bad("config", &*error)).chain(rest).collect();
        }
    };
    let mut checks =
        vec![Check::good("config", format_args!("{} belongs to {}.", home.dir().display(), client.address()))];
    let chain_works = check_chain(client.chain(), &mut checks).await;
    check_api(&client, &mut checks).await;
    check_keys(&client, chain_works, &mut checks).await;
    checks
}

async fn check_chain(chain: &Chain, checks: &mut Vec<Check>) -> bool {
    let head = match chain.head().await {
        Ok(head) => head,
        Err(error) => {
            checks.extend([Check::bad("rpc", &error), Check::not_tried("contracts", "rpc")]);
            return false;
        }
    };
    let verified = chain.verify_deployment().await;
    match &verified {
        Err(error @ ChainError::OtherCode { .. }) => {
            checks.extend([rpc_good(head.number), Check::bad("contracts", error)]);
        }
        Err(error) => checks.extend([Check::bad("rpc", error), Check::not_tried("contracts", "rpc")]),
        Ok(()) => checks.extend([
            rpc_good(head.number),
            Check::good("contracts", "All five contracts have the code that the deployment file names."),
        ]),
    }
    verified.is_ok()
}

fn rpc_good(block: u64) -> Check {
    Check::good("rpc", format_args!("The Ethereum node answers; its newest block is {block}."))
}

async fn check_api(client: &Client, checks: &mut Vec<Check>) {
    let rest = ["deployment", "versions", "clock", "secrets", "relayers"];
    let api = match client.api() {
        Ok(api) => api,
        Err(error) => {
            checks.push(Check::warning("api", &error, error.now()));
            checks.extend(rest.map(|name| Check::not_tried(name, "api")));
            return;
        }
    };
    let (info, challenge) = match tokio::try_join!(api.server_info(), api.challenge()) {
        Ok(both) => both,
        Err(error) => {
            checks.push(Check::bad("api", &error));
            checks.extend(rest.map(|name| Check::not_tried(name, "api")));
            return;
        }
    };
    checks.push(Check::good("api", "The server answers."));
    checks.push(match operator_key::check(client, &info.deployment, operator_key::SERVER) {
        Ok(key) => Check::good(
            "deployment",
            format_args!(
                "The server serves the same deployment; the operator's encryption key is number {}.",
                key.epoch
            ),
        ),
        Err(error) => Check::bad("deployment", &error),
    });
    let ours = env!("CARGO_PKG_VERSION");
    checks.push(if info.version == ours {
        Check::good("versions", format_args!("Client and server have version {ours}."))
    } else {
        let theirs = crate::error::printable(&info.version);
        Check::warning(
            "versions",
            format_args!("The client has version {ours}, the server {theirs}."),
            "Use the same version on both sides.",
        )
    });
    let skew = challenge.server_time.abs_diff(unix_now());
    checks.push(if skew <= CLOCK_SKEW_SECONDS_MAX {
        Check::good("clock", format_args!("This device's clock and the server's are {skew} s apart."))
    } else {
        let what = format_args!("This device's clock and the server's are {skew} s apart.");
        Check::bad_with("clock", ErrorCode::ClockSkew, what)
    });
    match api.readiness().await {
        Ok(readiness) => checks.extend([check_secrets(readiness.secrets), check_relayers(&readiness.lines)]),
        Err(error) => checks.extend(["secrets", "relayers"].map(|name| Check::warning(name, &error, error.now()))),
    }
}

/// Checks whether the server can open the sealed data in its databases. If not, the operator must mend it at once: data that
/// is stored meanwhile may never open again.
fn check_secrets(fit: Option<bool>) -> Check {
    match fit {
        Some(true) => Check::good("secrets", "The server's databases are sealed under the secrets that it has."),
        Some(false) => Check::warning(
            "secrets",
            "The server's secrets are not those that its databases were sealed under.",
            "Tell the operator: stop the server, put back the secret file as it was, or the database that belongs to it.",
        ),
        None => Check::warning("secrets", "The server does not say whether its secrets fit.", "Tell the operator."),
    }
}

/// Checks whether the server's relayers can send transactions. If not, the operator must mend it; a wallet with ether can
/// still send its own.
fn check_relayers(relayers: &[RelayerStatus]) -> Check {
    let held: Vec<String> = relayers
        .iter()
        .filter(|relayer| !relayer.has_funds || relayer.is_at_fee_ceiling)
        .map(|relayer| {
            let why = if relayer.has_funds { "pays less than the chain costs" } else { "has too little ether" };
            format!("the {} relayer {} {why}", crate::error::printable(&relayer.line), relayer.relayer)
        })
        .collect();
    if relayers.is_empty() {
        return Check::warning("relayers", "The server does not say how its relayers are.", "Tell the operator.");
    }
    if held.is_empty() {
        return Check::good("relayers", format_args!("The server's {} relayers can pay.", relayers.len()));
    }
    let what = format!("{}.", held.join("; "));
    Check::warning("relayers", what, "Tell the operator, or send what is urgent yourself: --direct.")
}

async fn check_keys(client: &Client, chain_works: bool, checks: &mut Vec<Check>) {
    checks.push(if client.home().path(crate::wallet::WALLET_FILE).exists() {
        check_wallet_file(client)
    } else {
        Check::bad_with("keystore", codes::NO_WALLET, "There is no wallet file in this directory.")
    });
    checks.push(check_keyring(client).await);
    checks.push(if !chain_works {
        Check::not_tried("key", "rpc")
    } else {
        check_key(client).await.unwrap_or_else(|error| Check::bad("key", &*error))
    });
    checks.push(match unlock::is_saved(client) {
        Ok(true) => Check::good("kit", "The recovery words were saved."),
        Ok(false) => Check::warning("kit", "The recovery words are not saved yet.", codes::KIT_NOT_SAVED.now()),
        Err(error) => Check::bad("kit", &error),
    });
    checks.push(match session::current(client) {
        Ok(session) => Check::good(
            "session",
            format_args!("Signed in for {} more minutes.", session.expires_at().saturating_sub(unix_now()) / 60),
        ),
        Err(error) => Check::warning("session", &error, error.now()),
    });
    checks.push(match upload::pending(client) {
        Ok((_, damaged)) if !damaged.is_empty() => Check::warning(
            "uploads",
            format_args!("{} note(s) of interrupted uploads cannot be read: {}", damaged.len(), damaged[0]),
            "Remove the named file; an upload that it was about begins anew.",
        ),
        Ok((pending, _)) if pending.is_empty() => Check::good("uploads", "No upload is unfinished."),
        Ok((pending, _)) => Check::warning(
            "uploads",
            format_args!("{} upload(s) were interrupted.", pending.len()),
            format_args!(
                "Run the same medlock upload again; it completes what it began. To give one up, delete its file in {}.",
                client.home().path("uploads").display()
            ),
        ),
        Err(error) => Check::bad("uploads", &error),
    });
}

fn check_wallet_file(client: &Client) -> Check {
    let path = client.home().path(crate::wallet::WALLET_FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => return Check::bad("keystore", &crate::home::local_file(&path, error)),
    };
    match WalletFile::from_json(&bytes) {
        Ok(file) if file.address() == client.address() => Check::good("keystore", "The wallet file is here."),
        Ok(_) => {
            let what = "The wallet file holds another account than config.toml names.";
            Check::bad_with("keystore", codes::INVALID_WALLET, what)
        }
        Err(_) if crate::wallet::is_older(&bytes) => Check::warning(
            "keystore",
            "The wallet file is of the older form, whose passphrase is easier to guess.",
            "Run any command that signs, for example medlock login: it replaces the file.",
        ),
        Err(_) => Check::bad_with("keystore", codes::INVALID_WALLET, "The wallet file cannot be read."),
    }
}

async fn check_key(client: &Client) -> Result<Check, AnyFailure> {
    let Some(published) = client.chain().find_key(client.address()).await? else {
        return Ok(Check::warning("key", "No encryption key is published.", "Run: medlock register."));
    };
    let epoch = published.epoch;
    // The doctor asks for no passphrase, so it uses the key that was kept when the keys were last unlocked.
    Ok(match own_key::find_kept(client)? {
        Some(kept) if kept.hash() == published.hash => {
            Check::good("key", format_args!("Encryption key {epoch} is published, and is this device's."))
        }
        Some(_) => Check::warning(
            "key",
            format_args!("Encryption key {epoch} is published; it is not the one that this device knows as yours."),
            "Run: medlock key, which compares all your keys; if it is not yours: medlock key register.",
        ),
        None => Check::good("key", format_args!("Encryption key {epoch} is published.")),
    })
}

async fn check_keyring(client: &Client) -> Check {
    match unlock::has_keyring(client) {
        Ok(false) => {
            return Check::warning("keyring", "This device has no keyring.", "Run: medlock login, or medlock init.");
        }
        Err(error) => return Check::bad("keyring", &error),
        Ok(true) => {}
    }
    if !client.is_signed_in() {
        return Check::good("keyring", "This device has a keyring.");
    }
    let on_server = match client.api() {
        Ok(api) => api.private_blob(PrivateBlobName::Keyring).await,
        Err(error) => Err(error),
    };
    match on_server {
        Ok(Some(_)) => Check::good("keyring", "This device and the server have a keyring."),
        Ok(None) => Check::warning(
            "keyring",
            "The server has no copy of the keyring.",
            "Run: medlock login, which puts it back.",
        ),
        Err(error) => Check::warning("keyring", &error, error.now()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_empty_directory_is_told_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        let checks = examine(&home, Overrides::default(), None).await;
        assert_eq!((checks[0].name, checks[0].verdict), ("config", Verdict::Bad));
        assert_eq!(checks[0].remedy, "Run: medlock init.");
        assert!(checks[1..].iter().all(|check| check.verdict == Verdict::NotTried));
    }
}
