//! Deploys the contracts with `contracts/script/Deploy.s.sol`, once for each chain.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use serde::Deserialize;
use serde_json::json;

use crate::{
    Localnet, Role, StartError,
    process::{command_without_settings, make_folder},
    programs, settings,
};

/// The part of a deployment file that this crate needs; `protocol::deployment` has all of it.
#[derive(Clone, Debug, Deserialize)]
struct Deployed {
    genesis_hash: String,
    operator_keys: Vec<serde_json::Value>,
    contracts: std::collections::BTreeMap<String, DeployedContract>,
}

/// A contract of a deployment file.
#[derive(Clone, Debug, Deserialize)]
struct DeployedContract {
    address: String,
    code_hash: String,
}

/// Deploys the contracts of this checkout on the local chain and writes the deployment file to `out`.
///
/// Runs the script with the owner's account, for which Anvil signs, so no key is passed.
///
/// # Errors
/// [`StartError`] with Forge's output when it fails.
pub async fn deploy(localnet: &Localnet, out: &Path) -> Result<(), StartError> {
    let checkout = settings::checkout()?;
    let owner = localnet.person(Role::Owner).address;
    let operator = localnet.person(Role::Operator).address;
    // Forge may write only inside the checkout (see fs_permissions in foundry.toml).
    let folder = checkout.join("contracts/cache/deployments");
    make_folder(&folder)?;
    let written = folder.join(format!("{}-{}.json", std::process::id(), localnet.config().ports.anvil));
    let log = localnet.log_named("deploy");

    let mut command = command_without_settings(&programs::forge()?);
    command
        .current_dir(&checkout)
        .args(["script", "contracts/script/Deploy.s.sol", "--broadcast", "--slow", "--unlocked", "--non-interactive"])
        .arg("--rpc-url")
        .arg(localnet.rpc_url())
        .arg("--sender")
        .arg(owner.to_string())
        .env("FOUNDRY_BROADCAST", localnet.state_dir().join("broadcast"))
        .env("MEDLOCK_DEPLOYMENT_OUT", &written)
        .env("MEDLOCK_GENESIS_HASH", localnet.genesis_hash().await?)
        .env("MEDLOCK_OWNER", owner.to_string())
        .env("MEDLOCK_OPERATOR", operator.to_string())
        .stdin(Stdio::null());
    if let Some(seconds) = localnet.config().lift_period_seconds {
        command.env("MEDLOCK_LIFT_PERIOD", seconds.to_string());
    }
    let output = File::create(&log)
        .and_then(|file| Ok((file.try_clone()?, file)))
        .map_err(|source| StartError::Io { what: "write the log", path: log.clone(), source })?;
    command.stdout(output.0).stderr(output.1);

    let lock_path = folder.join("lock");
    let result = tokio::task::spawn_blocking(move || {
        // Only one Forge runs at a time, because all share a compiler cache.
        let lock = File::create(&lock_path)
            .and_then(|lock| lock.lock().map(|()| lock))
            .map_err(|source| StartError::Io { what: "lock", path: lock_path, source })?;
        let status = command.status().map_err(|source| StartError::Spawn {
            name: "forge script".into(),
            program: command.get_program().into(),
            source,
        })?;
        drop(lock);
        Ok::<_, StartError>(status)
    });
    let status = result.await.expect("running Forge does not panic")?;
    if !status.success() {
        return Err(StartError::Ended { name: "forge script".into(), status, tail: crate::process::tail(&log), log });
    }
    let failed = |source| StartError::Io { what: "write", path: out.to_owned(), source };
    fs::copy(&written, out).map_err(failed)?;
    fs::remove_file(&written).map_err(failed)
}

/// Returns whether a deployment file already has an encryption key of the operator. The API does not start without one.
///
/// # Errors
/// An error when the file cannot be read.
pub(crate) fn has_operator_key(file: &Path) -> Result<bool, StartError> {
    let failed = |source| StartError::Io { what: "read", path: file.to_owned(), source };
    let text = fs::read_to_string(file).map_err(failed)?;
    let deployed: Result<Deployed, _> = serde_json::from_str(&text);
    Ok(deployed.is_ok_and(|deployed| !deployed.operator_keys.is_empty()))
}

/// Checks that the chain has the contracts of a deployment file, with exactly the same code.
///
/// # Errors
/// [`StartError::State`] when it does not, with the command that repairs it.
pub async fn check(localnet: &Localnet, file: &Path) -> Result<(), StartError> {
    let state = |reason| StartError::State {
        reason,
        remedy: format!("./scripts/down && rm -rf {}", localnet.state_dir().display()),
    };
    let text =
        fs::read_to_string(file).map_err(|source| StartError::Io { what: "read", path: file.to_owned(), source })?;
    let deployed: Deployed = serde_json::from_str(&text)
        .map_err(|error| state(format!("{} is not a deployment file: {error}", file.display())))?;
    if !deployed.genesis_hash.eq_ignore_ascii_case(&localnet.genesis_hash().await?) {
        return Err(state(format!("{} belongs to another chain", file.display())));
    }
    for (name, contract) in &deployed.contracts {
        let code = localnet.rpc("eth_getCode", json!([contract.address, "latest"])).await?;
        let code = hex::decode(code.as_str().unwrap_or_default().trim_start_matches("0x")).unwrap_or_default();
        let hash = alloy::primitives::keccak256(&code).to_string();
        if code.is_empty() || !hash.eq_ignore_ascii_case(&contract.code_hash) {
            return Err(state(format!("the chain does not have {name} at {}", contract.address)));
        }
    }
    Ok(())
}
