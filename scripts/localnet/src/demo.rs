//! The demo. It runs the real `medlock` command for one person after the other, and prints each command with its
//! answer.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use alloy::primitives::Address;
use anyhow::{Context, Result, bail};
use localnet::{Role, Stack, programs, settings};
use serde_json::Value;
use tokio::process::Command;

/// The passphrase of every demo account. Their keys are public knowledge.
const PASSPHRASE: &str = "demo passphrase";

/// A person with their own `medlock` folder.
#[derive(Debug)]
struct Actor<'a> {
    stack: &'a Stack,
    program: &'a Path,
    name: &'static str,
    folder: PathBuf,
    address: Address,
}

impl Actor<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from(self.stack.cli(self.program, &self.folder.join("home")));
        command.args(arguments).env("MEDLOCK_PASSPHRASE_FILE", passphrase_file(&self.folder)).kill_on_drop(true);
        command
    }

    fn announce(&self, arguments: &[&str]) {
        say!("\n{}$ medlock {}", self.name, shell_words(arguments));
    }

    /// Runs a command whose answer is printed.
    async fn run(&self, arguments: &[&str]) -> Result<()> {
        self.announce(arguments);
        let status = self.command(arguments).status().await.context("cannot start medlock")?;
        if !status.success() {
            bail!("medlock {} ended with {status}", arguments[0]);
        }
        Ok(())
    }

    /// Runs a command that must be refused.
    async fn is_refused(&self, arguments: &[&str]) -> Result<()> {
        self.announce(arguments);
        let status = self.command(arguments).status().await.context("cannot start medlock")?;
        if status.success() {
            bail!("medlock {} was not refused", arguments[0]);
        }
        Ok(())
    }

    /// Runs a command without printing and returns its JSON.
    async fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.command(arguments);
        let output = command.arg("--json").stderr(Stdio::inherit()).output().await.context("cannot start medlock")?;
        if !output.status.success() {
            bail!("medlock {} ended with {}", arguments[0], output.status);
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("medlock {} --json did not answer with JSON", arguments[0]))
    }
}

/// Runs the demo once.
pub(crate) async fn play(stack: &Stack, state_dir: &Path) -> Result<()> {
    let people = state_dir.join("people");
    if people.exists() {
        bail!("the demo was interrupted last time\n  do: rm -rf {} && ./scripts/up", state_dir.display());
    }
    let program = programs::own("medlock", "MEDLOCK_BIN")?;
    let actor = |role: Role| prepare(stack, &program, &people, role);
    let owner = actor(Role::Owner)?;
    let accreditor = actor(Role::Accreditor)?;
    let patient = actor(Role::Patient)?;
    let doctor = actor(Role::Doctor)?;
    let lab = actor(Role::Lab)?;
    let auditor = actor(Role::Auditor)?;

    set_up(&[&owner, &accreditor, &patient, &doctor, &lab, &auditor]).await?;
    accredit(&owner, &accreditor, &doctor, &lab, &auditor).await?;
    let report = upload(&patient, &lab).await?;
    ask_and_read(&patient, &doctor, &report).await?;
    revoke(&patient, &doctor, &auditor, &report).await?;
    restore(&patient).await
}

/// Makes each person's account and encryption keys, and signs in for the first time.
async fn set_up(everybody: &[&Actor<'_>]) -> Result<()> {
    step("Every person sets up medlock with their own wallet");
    for person in everybody {
        let key = person.folder.join("account.key");
        let kit = person.folder.join("kit.txt");
        person.run(&["init", "--import-key-file", text(&key), "--kit-file", text(&kit)]).await?;
        person.run(&["login"]).await?;
        if ["patient", "doctor", "lab"].contains(&person.name) {
            person.run(&["register"]).await?;
        }
    }
    Ok(())
}

/// The owner names the accreditor, who vouches for the others.
async fn accredit(
    owner: &Actor<'_>,
    accreditor: &Actor<'_>,
    doctor: &Actor<'_>,
    lab: &Actor<'_>,
    auditor: &Actor<'_>,
) -> Result<()> {
    step("An accreditor vouches for a doctor, a laboratory and an auditor");
    owner.run(&["accreditor", "add", &accreditor.address.to_string()]).await?;
    for (person, role, name, organisation) in [
        (doctor, "doctor", "Dr. Ada Example", "Elm Street Clinic"),
        (lab, "lab", "Elm Street Laboratory", "Elm Street Clinic"),
        (auditor, "auditor", "Open Audit", "Open Audit Society"),
    ] {
        let address = person.address.to_string();
        accreditor.run(&["accredit", &address, "--role", role, "--name", name, "--organisation", organisation]).await?;
    }
    doctor.run(&["directory"]).await
}

/// The lab uploads a report for the patient, who adds two files. Returns the report's record id.
async fn upload(patient: &Actor<'_>, lab: &Actor<'_>) -> Result<String> {
    step("The patient lets the laboratory upload; files are encrypted before they leave the device");
    let samples = settings::checkout()?.join("scripts/samples");
    let sample = |name: &str| samples.join(name).display().to_string();
    let (patient_address, lab_address) = (patient.address.to_string(), lab.address.to_string());
    patient.run(&["contacts", "add", "lab", &lab_address]).await?;
    patient.run(&["grant", "--write", "--category", "laboratory", "--to", "lab", "--for", "30d"]).await?;
    lab.run(&["upload", &sample("lab-report.json"), "--patient", &patient_address, "--category", "laboratory"]).await?;
    patient.run(&["upload", &sample("discharge-letter.pdf"), &sample("chest-scan.png")]).await?;
    patient.run(&["list"]).await?;

    let listed = patient.ask(&["list", "--category", "laboratory"]).await?;
    let report = listed["records"][0]["id"].as_str().context("the uploaded report is not in the patient's list")?;
    Ok(report.to_owned())
}

/// The doctor asks, the patient approves, and the doctor reads the identical bytes. The read is in the log.
async fn ask_and_read(patient: &Actor<'_>, doctor: &Actor<'_>, report: &str) -> Result<()> {
    step("A doctor asks, the patient approves, the doctor reads: every read is logged before the key is released");
    let (patient_address, doctor_address) = (patient.address.to_string(), doctor.address.to_string());
    patient.run(&["contacts", "add", "ada", &doctor_address]).await?;
    let reason = "Follow-up after your fall";
    doctor
        .run(&["request", "--patient", &patient_address, "--record", report, "--until", "7d", "--reason", reason])
        .await?;
    patient.run(&["requests"]).await?;
    let requests = patient.ask(&["requests", "--open"]).await?;
    let request = requests["requests"][0]["id"].as_str().context("the request did not reach the patient")?;
    patient.run(&["approve", request]).await?;

    let opened = doctor.folder.join("lab-report.json");
    doctor.run(&["get", report, "--output", text(&opened)]).await?;
    let original = settings::checkout()?.join("scripts/samples/lab-report.json");
    if fs::read(&opened)? != fs::read(&original)? {
        bail!("{} differs from {}", opened.display(), original.display());
    }
    say!("the doctor's copy has the same bytes as the laboratory's file");
    patient.run(&["log"]).await
}

/// The patient stops sharing, the doctor is refused, and an auditor checks the log.
async fn revoke(patient: &Actor<'_>, doctor: &Actor<'_>, auditor: &Actor<'_>, report: &str) -> Result<()> {
    step("The patient stops sharing; the next read is refused");
    patient.run(&["revoke", "--to", "ada"]).await?;
    let again = doctor.folder.join("again.json");
    doctor.is_refused(&["get", report, "--output", text(&again)]).await?;

    step("An auditor recomputes the log from the chain alone");
    // The log is anchored within two seconds.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    auditor.run(&["audit", "verify"]).await
}

/// Restores all records from the words of the kit, the chain and the block store alone.
async fn restore(patient: &Actor<'_>) -> Result<()> {
    step("With the recovery kit, the chain and IPFS alone, the patient gets everything back");
    let kit = patient.folder.join("kit.txt");
    let restored = patient.folder.join("restored");
    let kubo = patient.stack.localnet().kubo_url();
    patient.run(&["restore", "--words-file", text(&kit), "--kubo", &kubo, "--output", text(&restored)]).await?;
    let files = fs::read_dir(&restored).with_context(|| format!("cannot read {}", restored.display()))?.count();
    if files < 3 {
        bail!("only {files} of 3 files were restored");
    }
    Ok(())
}

fn prepare<'a>(stack: &'a Stack, program: &'a Path, people: &Path, role: Role) -> Result<Actor<'a>> {
    let person = stack.localnet().person(role);
    let folder = people.join(role.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    write_private(&passphrase_file(&folder), PASSPHRASE)?;
    write_private(&folder.join("account.key"), &person.private_key_hex())?;
    Ok(Actor { stack, program, name: role.name(), folder, address: person.address })
}

fn passphrase_file(folder: &Path) -> PathBuf {
    folder.join("passphrase")
}

fn write_private(path: &Path, content: &str) -> Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.write_all(content.as_bytes())?)
}

fn step(what: &str) {
    say!("\n== {what}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the state folder was found by a name that is text")
}

/// Quotes arguments for a shell.
fn shell_words(arguments: &[&str]) -> String {
    let quoted = arguments.iter().map(|argument| {
        if argument.contains([' ', '\'', '"', '$']) { format!("'{argument}'") } else { (*argument).to_owned() }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Prints the commands to continue as one of the demo people.
pub(crate) fn print_next_steps(state_dir: &Path) {
    let people = state_dir.join("people");
    let program = programs::own("medlock", "MEDLOCK_BIN").unwrap_or_else(|_| "medlock".into());
    say!("\n  continue as the patient (passphrase: {PASSPHRASE})");
    say!("    export MEDLOCK_HOME={0}/patient/home MEDLOCK_PASSPHRASE_FILE={0}/patient/passphrase", people.display());
    say!("    alias medlock={}", program.display());
    say!("    medlock list        medlock log        medlock grants        medlock --help");
    say!("  the others: owner, accreditor, doctor, lab, auditor");
}
