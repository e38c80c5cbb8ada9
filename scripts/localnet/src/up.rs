//! The commands `up`, `down` and `status`.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use localnet::{LocalnetConfig, Ports, Role, Settings, Stack, StackConfig, StartError, ports, process::tail};
use rustix::process::{Pid, Signal, kill_process, setsid};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    demo,
    state::{State, holder},
};

/// The last line that is printed when everything runs; `--detach` waits for it.
const READY: &str = "medlock is up.";
/// The indexer's exit code when the mirror must be rebuilt.
const MUST_REINDEX: i32 = 3;
/// The environment variable that `--detach` sets for the process in the background.
const DETACHED: &str = "MEDLOCK_LOCALNET_DETACHED";
/// The longest time for starting, deploying and the demo together.
const DETACH_PATIENCE: Duration = Duration::from_secs(600);
/// The time that `down` waits. Every server may need some time to end properly.
const DOWN_PATIENCE: Duration = Duration::from_secs(90);

/// Runs everything until Ctrl-C or SIGTERM.
pub(crate) async fn foreground(state_dir: &Path, is_empty: bool, api_settings: Vec<(String, String)>) -> Result<()> {
    if std::env::var_os(DETACHED).is_some() {
        // Leaves the terminal's session, so that closing the terminal does not end it.
        setsid().context("cannot leave the terminal")?;
    }
    let state = State::hold(state_dir)?;
    let settings = Settings::find()?;
    state.check_contracts()?;
    let ports = state.ports(&settings)?;

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut asked_to_stop = async || tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} };

    let mut starting = std::pin::pin!(start(&state, ports, api_settings));
    let mut is_stopping = false;
    let stack = loop {
        tokio::select! {
            stack = &mut starting => break stack?,
            // Servers that are still starting would have to be killed, and a killed chain loses a second, so wait for
            // them.
            () = asked_to_stop() => {
                if is_stopping {
                    bail!("interrupted while starting");
                }
                is_stopping = true;
                say!("stopping as soon as everything has started (again: at once)");
            }
        }
    };
    let mut result = Ok(());
    if !is_stopping {
        result = tokio::select! {
            result = use_it(&stack, &state, ports, is_empty) => result,
            () = asked_to_stop() => Ok(()),
        };
    }
    say!("\nstopping");
    stack.stop().await;
    say!("stopped; the state is kept in {}", state.folder().display());
    result
}

/// Starts every server.
async fn start(state: &State, ports: Ports, api_settings: Vec<(String, String)>) -> Result<Stack> {
    let start = Instant::now();
    let is_new = !state.folder().join("deployment.json").exists();
    say!("starting chain, block store and database{}", if is_new { ", deploying the contracts" } else { "" });
    let mut config = StackConfig::on(LocalnetConfig::kept(state.folder(), ports)?)?;
    if let Some(folder) = web_build() {
        // The address that wallets get when they do not know this chain, and that auditors ask in addition to their
        // wallet.
        let node = format!("http://127.0.0.1:{}", ports.anvil);
        config = config
            .with_api_setting("MEDLOCK_WEB_DIR", folder.display().to_string())
            .with_api_setting("MEDLOCK_WEB_RPC", node);
    }
    config.api_settings.extend(api_settings);
    let mut stack = Stack::without_servers(config).await?;
    say!("starting indexer and API");
    start_indexer(&mut stack).await?;
    stack.start_api(0).await?;
    say!("running after {:.1} s", start.elapsed().as_secs_f32());
    Ok(stack)
}

/// Returns the folder of the checkout's built web app, if there is one: `npm run build --workspace client/web`.
fn web_build() -> Option<PathBuf> {
    let folder = localnet::settings::checkout().ok()?.join("client/web/dist");
    folder.join("index.html").is_file().then_some(folder)
}

/// Runs the demo if it was not completed before, prints where everything is, and waits for ever.
async fn use_it(stack: &Stack, state: &State, ports: Ports, is_empty: bool) -> Result<()> {
    if !is_empty && !state.demo_is_done() {
        demo::play(stack, state.folder())
            .await
            .context("the demo stopped here; ./scripts/up --empty starts without it")?;
        state.set_demo_done()?;
    }
    print_addresses(stack, ports);
    if state.demo_is_done() {
        demo::print_next_steps(state.folder());
    }
    say!("\n{READY}");
    if std::env::var_os(DETACHED).is_none() {
        say!("Ctrl-C stops it and loses nothing.");
    }
    std::future::pending().await
}

/// Starts the indexer. A chain that was killed may be behind the mirror. Then the mirror is rebuilt, because on a local
/// network the chain is always right.
async fn start_indexer(stack: &mut Stack) -> Result<(), StartError> {
    match stack.start_indexer().await {
        Err(StartError::Ended { status, .. }) if status.code() == Some(MUST_REINDEX) => {
            say!("the mirror does not match the chain (was the chain killed?): rebuilding it from the chain");
            stack.stop_indexer().await;
            stack.reindex().await?;
            stack.start_indexer().await
        }
        other => other,
    }
}

fn print_addresses(stack: &Stack, ports: Ports) {
    let localnet = stack.localnet();
    match web_build() {
        Some(_) => say!("\n  web app    {}/", stack.api_url(0)),
        None => say!("\n  web app    not built: npm run build --workspace client/web, then start again"),
    }
    say!("  API        {}", stack.api_url(0));
    say!("  chain      {}  (chain id {})", localnet.rpc_url(), localnet.config().settings.chain_id);
    say!("  MongoDB    {}  (database {})", localnet.mongodb_uri(), stack.database());
    say!("  Kubo RPC   {}", localnet.kubo_url());
    say!("  gateway    {}", localnet.gateway_url());
    say!("  indexer    {}/metrics", stack.indexer_url());
    say!("  contracts  {}", stack.deployment().display());
    say!("  logs       {}", localnet.state_dir().join("logs").display());
    debug_assert_eq!(ports, localnet.config().ports);
    say!("\n  accounts of anvil.toml (their keys are known to everybody)");
    for role in Role::ALL {
        say!("    {:<14} {}", role.name(), localnet.person(role).address);
    }
}

/// Starts `up` as a background process and returns when it is ready.
pub(crate) async fn detached(state_dir: &Path, is_empty: bool, api_settings: &[(String, String)]) -> Result<()> {
    fs::create_dir_all(state_dir).with_context(|| format!("cannot make {}", state_dir.display()))?;
    let log = state_dir.join("up.log");
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("up").arg("--state-dir").arg(state_dir).env(DETACHED, "1");
    if is_empty {
        command.arg("--empty");
    }
    for (name, value) in api_settings {
        command.arg("--api-setting").arg(format!("{name}={value}"));
    }
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().context("cannot start")?;

    let start = Instant::now();
    let mut reader = BufReader::new(File::open(&log)?);
    loop {
        // Checked first, so that the last messages of an ended process are still printed below.
        let ended = child.try_wait()?;
        let mut is_ready = false;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 {
            if !line.ends_with('\n') {
                // An incomplete line: read it again when it is complete.
                reader.seek(SeekFrom::Current(-i64::try_from(line.len())?))?;
                break;
            }
            say!("{}", line.trim_end());
            is_ready |= line.trim_end() == READY;
            line.clear();
        }
        if is_ready {
            say!("it runs in the background; ./scripts/down stops it, and {} has its output", log.display());
            return Ok(());
        }
        if let Some(status) = ended {
            bail!("up ended with {status}; see {}", log.display());
        }
        if start.elapsed() > DETACH_PATIENCE {
            // The process has its own process group, so ask it to stop all servers in order.
            terminate(i32::try_from(child.id())?);
            bail!(
                "up was not ready after {} s; the end of {}:\n{}",
                DETACH_PATIENCE.as_secs(),
                log.display(),
                tail(&log)
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn terminate(pid: i32) {
    // The process may have ended already.
    let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::TERM));
}

/// Stops the servers that run with this state folder.
pub(crate) async fn down(state_dir: &Path) -> Result<()> {
    let Some(pid) = holder(state_dir) else {
        say!("medlock does not run with the state in {}", state_dir.display());
        return Ok(());
    };
    say!("stopping process {pid}");
    terminate(pid);
    let start = Instant::now();
    while holder(state_dir).is_some() {
        if start.elapsed() > DOWN_PATIENCE {
            bail!(
                "process {pid} still runs after {} s\n  do: kill -9 {pid} (its servers end with it)",
                DOWN_PATIENCE.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    say!("stopped; the state is kept in {}", state_dir.display());
    Ok(())
}

/// Prints which servers run, and where.
pub(crate) async fn status(state_dir: &Path) -> Result<()> {
    match holder(state_dir) {
        Some(pid) => say!("medlock runs with the state in {} (process {pid})", state_dir.display()),
        None => say!("medlock does not run with the state in {}", state_dir.display()),
    }
    let file = state_dir.join("ports.json");
    let Ok(mut opened) = File::open(&file) else { return Ok(()) };
    let mut text = String::new();
    opened.read_to_string(&mut text)?;
    let ports: Ports = serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
    for (name, port) in ports.named() {
        say!("  {name:<8} 127.0.0.1:{port}  {}", if ports::is_free(port) { "silent" } else { "answers" });
    }
    Ok(())
}
