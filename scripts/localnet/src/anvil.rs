//! Anvil: the chain.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::{Settings, StartError, process::command_without_settings};

/// The command that runs the chain of `settings`, kept in `folder`.
pub(crate) fn command(program: &Path, settings: &Settings, folder: &Path, port: u16) -> Command {
    let mut command = command_without_settings(program);
    command.args(["--host", "127.0.0.1", "--silent"]);
    command.arg("--port").arg(port.to_string());
    command.arg("--chain-id").arg(settings.chain_id.to_string());
    command.arg("--hardfork").arg(&settings.hardfork);
    command.arg("--mnemonic").arg(&settings.mnemonic);
    command.arg("--accounts").arg(settings.accounts.to_string());
    command.arg("--balance").arg(settings.balance_ether.to_string());
    command.arg("--state").arg(state_file(settings, folder));
    command.arg("--state-interval").arg(settings.state.interval_seconds.to_string());
    if settings.block_time_seconds > 0 {
        command.arg("--block-time").arg(settings.block_time_seconds.to_string());
    }
    command.current_dir(folder);
    command
}

/// Where the chain is kept.
pub(crate) fn state_file(settings: &Settings, folder: &Path) -> PathBuf {
    folder.join(&settings.state.file)
}

/// Makes sure that Anvil finds a whole state, or none.
///
/// Anvil writes its state in place, so one that is killed while it writes leaves half a file. Each start sets a whole
/// one aside and falls back on it.
pub(crate) fn check_state(settings: &Settings, folder: &Path) -> Result<(), StartError> {
    let file = state_file(settings, folder);
    let aside = file.with_extension("previous.json");
    if !file.exists() {
        return Ok(());
    }
    let (from, to) = if is_whole(&file) {
        (&file, &aside)
    } else if is_whole(&aside) {
        tracing::warn!("the chain was killed while it wrote its state; going back to the start before");
        (&aside, &file)
    } else {
        return Err(StartError::State {
            reason: format!("{} is damaged: the chain was killed while it wrote", file.display()),
            remedy: format!("rm -rf {}", folder.display()),
        });
    };
    fs::copy(from, to).map(drop).map_err(|source| StartError::Io {
        what: "copy the chain's state to",
        path: to.clone(),
        source,
    })
}

fn is_whole(file: &Path) -> bool {
    fs::File::open(file)
        .map(std::io::BufReader::new)
        .is_ok_and(|reader| serde_json::from_reader::<_, IgnoredAny>(reader).is_ok())
}

/// One JSON-RPC request.
pub(crate) async fn request(
    http: &reqwest::Client,
    url: &str,
    method: &str,
    params: Value,
) -> Result<Value, StartError> {
    let failed = |reason: String| StartError::Chain { method: method.into(), reason };
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let answer = http.post(url).json(&body).send().await.map_err(|error| failed(error.to_string()))?;
    let mut answer: Value = answer.json().await.map_err(|error| failed(error.to_string()))?;
    match answer.get("error") {
        Some(error) => Err(failed(error.to_string())),
        None => Ok(answer["result"].take()),
    }
}

/// Healthy: it answers with the chain id that was asked for.
pub(crate) async fn probe(http: &reqwest::Client, url: &str, chain_id: u64) -> Result<(), String> {
    let answer = request(http, url, "eth_chainId", json!([])).await.map_err(|error| error.to_string())?;
    if answer == json!(format!("{chain_id:#x}")) { Ok(()) } else { Err(format!("chain id {answer}")) }
}
