//! Anvil: the chain.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use alloy::primitives::U256;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

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

/// Makes sure that Anvil finds a whole state with one genesis block, or none.
///
/// Anvil writes its state in place, so one that is killed while it writes leaves half a file. Each start sets a whole
/// one aside and falls back on it.
pub(crate) fn check_state(settings: &Settings, folder: &Path) -> Result<(), StartError> {
    let file = state_file(settings, folder);
    let aside = file.with_extension("previous.json");
    if !file.exists() {
        return Ok(());
    }
    let state = match read_state(&file) {
        Some(state) => state,
        None => {
            tracing::warn!("the chain was killed while it wrote its state; going back to the start before");
            read_state(&aside).ok_or_else(|| StartError::State {
                reason: format!("{} is damaged: the chain was killed while it wrote", file.display()),
                remedy: format!("rm -rf {}", folder.display()),
            })?
        }
    };
    let text = serde_json::to_string(&with_one_genesis(state)).expect("a state that was read can be written");
    let write = |path: &Path| {
        let new = path.with_extension("new");
        fs::write(&new, &text).and_then(|()| fs::rename(&new, path)).map_err(|source| StartError::Io {
            what: "write the chain's state to",
            path: path.to_owned(),
            source,
        })
    };
    write(&aside)?;
    write(&file)
}

/// What Anvil dumps, piece by piece. What does not concern us stays as it is, to the letter: numbers may be larger than
/// JSON libraries like.
type DumpedState = BTreeMap<String, Box<RawValue>>;

/// A block of a dumped state.
#[derive(Deserialize)]
struct DumpedBlock {
    header: DumpedHeader,
}

/// Its number and time.
#[derive(Deserialize)]
struct DumpedHeader {
    number: U256,
    timestamp: U256,
}

fn read_state(file: &Path) -> Option<DumpedState> {
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

/// Drops all genesis blocks but the oldest.
///
/// Each start of Anvil makes a genesis block of that moment, forgets it for the loaded one, and yet dumps it with the
/// others. The next start then takes any of them for block 0, and the chain would have changed its identity.
fn with_one_genesis(mut state: DumpedState) -> DumpedState {
    let Some(mut blocks) =
        state.get("blocks").and_then(|blocks| serde_json::from_str::<Vec<Box<RawValue>>>(blocks.get()).ok())
    else {
        return state;
    };
    let genesis_time = |block: &RawValue| {
        let block: DumpedBlock = serde_json::from_str(block.get()).ok()?;
        (block.header.number == U256::ZERO).then_some(block.header.timestamp)
    };
    let oldest = blocks.iter().filter_map(|block| genesis_time(block)).min();
    let mut has_genesis = false;
    blocks.retain(|block| match genesis_time(block) {
        None => true,
        Some(time) => Some(time) == oldest && !std::mem::replace(&mut has_genesis, true),
    });
    let blocks = serde_json::value::to_raw_value(&blocks).expect("blocks that were read can be written");
    state.insert("blocks".into(), blocks);
    state
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
