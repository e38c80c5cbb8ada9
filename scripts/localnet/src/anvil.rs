//! Anvil, the local chain.

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

/// Returns the command that runs the chain of `settings`, with its state in `folder`.
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

/// Returns the path of the chain's state.
pub(crate) fn state_file(settings: &Settings, folder: &Path) -> PathBuf {
    folder.join(&settings.state.file)
}

/// Makes sure that Anvil finds a complete state with one genesis block, or no state.
///
/// Anvil overwrites its state file in place, so it leaves a partial file when it is killed while writing. Each start
/// keeps a copy of a complete state, and uses the copy when the file is not complete.
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

/// A state that Anvil has written. Fields that are not used here stay byte for byte the same, because their numbers may
/// be larger than JSON libraries support.
type DumpedState = BTreeMap<String, Box<RawValue>>;

/// A block in Anvil's state.
#[derive(Deserialize)]
struct DumpedBlock {
    header: DumpedHeader,
}

/// The number and the time of a block.
#[derive(Deserialize)]
struct DumpedHeader {
    number: U256,
    timestamp: U256,
}

fn read_state(file: &Path) -> Option<DumpedState> {
    serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
}

/// Removes all genesis blocks except the oldest.
///
/// At each start Anvil makes a new genesis block, replaces it by the loaded one, but still writes it to the state with
/// the others. The next start may then use any of them as block 0, which would change the identity of the chain.
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

/// Sends one JSON-RPC request.
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

/// Checks that the chain answers with the expected chain id.
pub(crate) async fn probe(http: &reqwest::Client, url: &str, chain_id: u64) -> Result<(), String> {
    let answer = request(http, url, "eth_chainId", json!([])).await.map_err(|error| error.to_string())?;
    if answer == json!(format!("{chain_id:#x}")) { Ok(()) } else { Err(format!("chain id {answer}")) }
}
