//! Child processes that end with their owner.
//!
//! A child ends in three cases: its owner stops or drops it; its owner panics, which drops it too; its owner is killed.
//! For the last case, a [`Watchdog`] reads the ids of running children from a pipe. When the owner ends, the pipe is
//! closed, and the watchdog kills the children that still run. This needs no `unsafe`, does not depend on threads, and
//! works on every system with a POSIX shell.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::StartError;

/// The number of bytes of a log that an error shows.
const TAIL_BYTES: u64 = 2_000;
/// The time between two probes of a starting server.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// The watchdog's script. Reads `+ PID` and `- PID`; at the end of its input it kills the remaining process groups and
/// removes `$1`.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
left=
while read -r verb pid; do
  case $verb in
    +) left="$left $pid" ;;
    -) kept=; for other in $left; do [ "$other" = "$pid" ] || kept="$kept $other"; done; left=$kept ;;
  esac
done
for pid in $left; do kill -s KILL -- "-$pid" 2>/dev/null; done
[ -z "$1" ] || rm -rf -- "$1"
"#;

/// Kills the registered processes when this process has ended, and then removes a temporary folder.
#[derive(Debug)]
pub struct Watchdog {
    pipe: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
}

impl Watchdog {
    /// Starts a watchdog. `temporary`, if given, is removed when the owner has ended.
    ///
    /// # Errors
    /// [`StartError::Spawn`] when there is no shell.
    pub fn start(temporary: Option<&Path>) -> Result<Arc<Self>, StartError> {
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(WATCHDOG)
            .arg("medlock-watchdog")
            .arg(temporary.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| StartError::Spawn { name: "the watchdog".into(), program: "/bin/sh".into(), source })?;
        let pipe = child.stdin.take();
        Ok(Arc::new(Self { pipe: Mutex::new(pipe), child: Mutex::new(child) }))
    }

    fn tell(&self, verb: char, pid: u32) {
        if let Some(pipe) = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // A watchdog that was killed is no reason to fail, because drop still ends the children.
            let _ = writeln!(pipe, "{verb} {pid}");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// A running server with a log file. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    watchdog: Arc<Watchdog>,
    has_ended: bool,
}

impl Process {
    /// Starts `command` in its own process group, without input. Its output is appended to `log`.
    ///
    /// # Errors
    /// [`StartError::Spawn`] when it cannot be started, [`StartError::Io`] when the log cannot be opened.
    pub fn spawn(mut command: Command, name: &str, log: &Path, watchdog: &Arc<Watchdog>) -> Result<Self, StartError> {
        let unwritable = |source| StartError::Io { what: "write the log", path: log.to_owned(), source };
        let output = OpenOptions::new().create(true).append(true).open(log).map_err(unwritable)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(unwritable)?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .map_err(|source| StartError::Spawn { name: name.into(), program: command.get_program().into(), source })?;
        watchdog.tell('+', child.id());
        Ok(Self { name: name.into(), child, log: log.to_owned(), watchdog: Arc::clone(watchdog), has_ended: false })
    }

    /// Returns the server's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the process id, which is also the id of its process group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the path of the log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Returns the exit status, if the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten();
        if status.is_some() && !self.has_ended {
            self.has_ended = true;
            self.watchdog.tell('-', self.child.id());
        }
        status
    }

    fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            // The process may end meanwhile; then there is nothing to signal.
            let _ = pid.map(|pid| kill_process_group(pid, signal));
        }
    }

    /// Kills the process, as `kill -9` does, and waits until it has ended.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
        self.ended();
    }

    /// Suspends the process: it does not end, but does not answer until [`Self::resume`].
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Resumes a paused process.
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Asks the process to end (SIGTERM), and kills it when it runs after `patience`. Returns whether it ended by
    /// itself.
    pub async fn stop(&mut self, patience: Duration) -> bool {
        self.signal(Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < patience {
            if self.ended().is_some() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.kill();
        false
    }

    /// Waits until `probe` says that the server is healthy.
    ///
    /// # Errors
    /// [`StartError::Ended`] when the process ends first, [`StartError::NotHealthy`] when it is not healthy after
    /// `patience`. Both show the end of its log.
    pub async fn wait_until_healthy<Probe, Answer>(
        &mut self,
        patience: Duration,
        probe: Probe,
    ) -> Result<(), StartError>
    where
        Probe: Fn() -> Answer,
        Answer: Future<Output = Result<(), String>>,
    {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                let (name, log) = (self.name.clone(), self.log.clone());
                return Err(StartError::Ended { name, status, tail: tail(&log), log });
            }
            let last = match tokio::time::timeout(Duration::from_secs(2), probe()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(reason)) => reason,
                Err(_) => "no answer within 2 s".into(),
            };
            if start.elapsed() > patience {
                let (name, log) = (self.name.clone(), self.log.clone());
                return Err(StartError::NotHealthy { name, seconds: patience.as_secs(), last, tail: tail(&log), log });
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
    }
}

/// Returns a command that inherits none of our settings, so that only the given settings count.
#[must_use]
pub fn command_without_settings(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MEDLOCK_") {
            command.env_remove(name);
        }
    }
    command
}

/// Returns the last lines of a log, indented.
#[must_use]
pub fn tail(log: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() || bytes.is_empty() {
        return "  (empty)".into();
    }
    String::from_utf8_lossy(&bytes).lines().map(|line| format!("  {line}\n")).collect()
}

/// Makes a folder and its parents.
pub(crate) fn make_folder(path: &Path) -> Result<(), StartError> {
    fs::create_dir_all(path).map_err(|source| StartError::Io { what: "make the folder", path: path.to_owned(), source })
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(path: &Path, content: &str) -> Result<(), StartError> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |source| StartError::Io { what: "write", path: path.to_owned(), source };
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(content.as_bytes()).map_err(failed)
}
