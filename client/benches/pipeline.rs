//! Measures uploads and downloads of whole documents with all steps (encrypt, CID, HTTP, pin, register; fetch, check,
//! decrypt), in turns with `age -r … | ipfs add` and `ipfs cat | age -d` on the same running Kubo daemon.
//!
//! Peak memory is `VmHWM`: of the `medlock` command for each size, which shows that it does not grow, and of the API
//! process over all sizes.
#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

mod people;

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use client::{
    Progress,
    act::Way,
    download::{self, Destination, Wanted},
    upload::{self, NewUpload, Source, Target},
    wallet::Wallet,
};
use localnet::{Stack, StackConfig, process::command_without_settings, programs};
use protocol::{codes::Category, ids::RecordId};

use crate::people::{PASSPHRASE, Person};

const SIZES: [(&str, u64, usize); 2] = [("100mb", 100_000_000, 5), ("1gb", 1_000_000_000, 3)];

/// One size: the medians of both sides.
struct Measured {
    name: &'static str,
    size: u64,
    upload: Duration,
    age_add: Duration,
    download: Duration,
    age_cat: Duration,
    /// The peak memory of the `medlock` command, in MiB.
    client_peak: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = StackConfig::for_tests()?
        .with_api_setting("MEDLOCK_QUOTA_BYTES", (1_u64 << 40).to_string())
        .with_api_setting("MEDLOCK_ENVELOPE_BYTES_MAX", (1_u64 << 33).to_string());
    let mut stack = Stack::start(config).await?;
    let home = folder.path().join("home");
    let person = Person::new(&stack, &home).await?;
    let peer = Peer::new(&stack, folder.path())?;

    let mut measured = Vec::new();
    for (name, size, rounds) in SIZES {
        let document = folder.path().join(format!("document-{name}"));
        write_random(&document, size)?;
        let (mut uploads, mut adds, mut downloads, mut cats) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut last = None;
        for _ in 0..rounds {
            let (cid, time) = peer.add(&document)?;
            adds.push(time);
            let (record, time) = upload_once(&person, &document).await?;
            uploads.push(time);
            cats.push(peer.cat(&cid, &folder.path().join("peer-out"))?);
            let out = folder.path().join("out");
            downloads.push(download_once(&person, record, &out).await?);
            ensure!(same(&document, &out)?, "the download is not the upload");
            std::fs::remove_file(&out)?;
            last = Some(record);
        }
        let record = last.context("something was measured")?;
        let client_peak = command_peaks(&stack, folder.path(), &home, &document, record)?;
        measured.push(Measured {
            name,
            size,
            upload: median(uploads),
            age_add: median(adds),
            download: median(downloads),
            age_cat: median(cats),
            client_peak,
        });
    }
    let api_pid = stack.api(0).context("the API runs")?.pid();
    let api_peak = peak_kib(api_pid)? as f64 / 1024.0;
    stack.stop().await;

    println!("{:<8} {:<38} {:>10} {:>12} {:>8}", "size", "", "MB/s", "peer MB/s", "ratio");
    for size in &measured {
        for (what, ours, peers) in [
            ("upload beside age | ipfs add", size.upload, size.age_add),
            ("download beside ipfs cat | age -d", size.download, size.age_cat),
        ] {
            let rate = |time: Duration| size.size as f64 / 1e6 / time.as_secs_f64();
            println!(
                "{:<8} {what:<38} {:>10.0} {:>12.0} {:>8.2}",
                size.name,
                rate(ours),
                rate(peers),
                ratio(ours, peers)
            );
        }
    }
    for size in &measured {
        println!("{:<8} peak memory of medlock: {:.1} MiB", size.name, size.client_peak);
    }
    println!("{:<8} peak memory of the API: {api_peak:.1} MiB", "both");
    let client_peak = measured.iter().map(|size| size.client_peak).fold(0.0, f64::max);
    let [small, large] = measured.as_slice() else { bail!("two sizes are measured") };
    let result = serde_json::json!({
        "bench": "pipeline",
        "upload_vs_age_ipfs_100mb": ratio(small.upload, small.age_add),
        "upload_vs_age_ipfs_1gb": ratio(large.upload, large.age_add),
        "download_vs_ipfs_age_100mb": ratio(small.download, small.age_cat),
        "download_vs_ipfs_age_1gb": ratio(large.download, large.age_cat),
        "client_peak_mib": (client_peak * 10.0).round() / 10.0,
        "api_peak_mib": (api_peak * 10.0).round() / 10.0,
    });
    println!("{result}");
    Ok(())
}

async fn upload_once(person: &Person, document: &Path) -> anyhow::Result<(RecordId, Duration)> {
    let new = NewUpload {
        source: Source::File(document.to_owned()),
        target: Target::NewRecord { patient: person.wallet.address(), category: Category::Imaging },
        file_name: "document".into(),
        media_type: None,
        way: Way::Relayed,
    };
    let begun = Instant::now();
    let uploaded = upload::upload(&person.client, &person.wallet, new, &Progress::silent()).await?;
    Ok((uploaded.record, begun.elapsed()))
}

async fn download_once(person: &Person, record: RecordId, out: &Path) -> anyhow::Result<Duration> {
    let wanted = Wanted { record, version: None, purpose: None, range: None };
    let destination = Destination::File { path: out.to_owned(), replace: true };
    let begun = Instant::now();
    download::get(&person.client, &person.keys, &wanted, &destination, &Progress::silent()).await?;
    Ok(begun.elapsed())
}

/// age and the ipfs command, with the running daemon.
struct Peer {
    identity: PathBuf,
    recipient: String,
    api: String,
}

impl Peer {
    fn new(stack: &Stack, folder: &Path) -> anyhow::Result<Self> {
        let identity = folder.join("age.key");
        let made = Command::new("age-keygen").arg("-o").arg(&identity).stderr(Stdio::null()).status();
        ensure!(made.context("age-keygen does not start")?.success(), "age-keygen failed");
        let shown = Command::new("age-keygen").arg("-y").arg(&identity).output()?;
        let recipient = String::from_utf8(shown.stdout)?.trim().to_owned();
        let port = stack.localnet().kubo_url().trim_end_matches('/').rsplit_once(':').context("a port")?.1.to_owned();
        Ok(Self { identity, recipient, api: format!("/ip4/127.0.0.1/tcp/{port}") })
    }

    fn ipfs(&self) -> Command {
        let mut ipfs = Command::new("ipfs");
        ipfs.args(["--api", &self.api]);
        ipfs
    }

    /// `age -r … | ipfs add`
    fn add(&self, document: &Path) -> anyhow::Result<(String, Duration)> {
        let begun = Instant::now();
        let mut age = Command::new("age")
            .args(["-r", &self.recipient])
            .stdin(File::open(document)?)
            .stdout(Stdio::piped())
            .spawn()?;
        let pipe = age.stdout.take().context("age has a pipe")?;
        let added = self
            .ipfs()
            .args(["add", "-Q", "--pin", "--cid-version", "1", "--raw-leaves", "--chunker", "size-1048576"])
            .stdin(pipe)
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(age.wait()?.success() && added.status.success(), "age | ipfs add failed");
        let time = begun.elapsed();
        Ok((String::from_utf8(added.stdout)?.trim().to_owned(), time))
    }

    /// `ipfs cat | age -d`
    fn cat(&self, cid: &str, out: &Path) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut cat = self.ipfs().args(["cat", cid]).stdout(Stdio::piped()).spawn()?;
        let pipe = cat.stdout.take().context("ipfs has a pipe")?;
        let opened =
            Command::new("age").arg("-d").arg("-i").arg(&self.identity).arg("-o").arg(out).stdin(pipe).status()?;
        ensure!(cat.wait()?.success() && opened.success(), "ipfs cat | age -d failed");
        let time = begun.elapsed();
        std::fs::remove_file(out)?;
        Ok(time)
    }
}

/// Returns the peak memory of the `medlock` command, in MiB, for one upload and one download.
fn command_peaks(stack: &Stack, folder: &Path, home: &Path, document: &Path, record: RecordId) -> anyhow::Result<f64> {
    let passphrase = folder.join("passphrase");
    std::fs::write(&passphrase, PASSPHRASE)?;
    let program = programs::own("medlock", "MEDLOCK_BIN")?;
    let run = |arguments: &[&std::ffi::OsStr]| -> anyhow::Result<f64> {
        let mut command = command_without_settings(&program);
        let mut child = command
            .args(arguments)
            .env("MEDLOCK_HOME", home)
            .env("MEDLOCK_API", stack.api_url(0))
            .env("MEDLOCK_RPC_URL", stack.localnet().rpc_url())
            .env("MEDLOCK_PASSPHRASE_FILE", &passphrase)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut peak = 0;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            // VmHWM only grows, so the last sample is the peak, except for the last moments.
            peak = peak_kib(child.id()).unwrap_or(peak).max(peak);
            std::thread::sleep(Duration::from_millis(5));
        };
        if !status.success() {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut child.stderr.take().context("stderr")?, &mut text)?;
            bail!("medlock failed: {text}");
        }
        Ok(peak as f64 / 1024.0)
    };
    let out = folder.join("command-out");
    let record = record.to_string();
    let uploaded = run(&["upload".as_ref(), document.as_os_str(), "--category".as_ref(), "imaging".as_ref()])?;
    let downloaded = run(&["get".as_ref(), record.as_ref(), "-o".as_ref(), out.as_os_str()])?;
    std::fs::remove_file(&out)?;
    Ok(uploaded.max(downloaded))
}

fn peak_kib(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the process has ended")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

fn write_random(path: &Path, size: u64) -> anyhow::Result<()> {
    use rand::{Rng, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(size);
    let mut file = std::io::BufWriter::new(File::create(path)?);
    let mut piece = vec![0; 1 << 20];
    let mut left = size;
    while left > 0 {
        rng.fill_bytes(&mut piece);
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        file.write_all(&piece[..now])?;
        left -= now as u64;
    }
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

fn same(one: &Path, other: &Path) -> anyhow::Result<bool> {
    Ok(Command::new("cmp").arg("-s").arg(one).arg(other).status()?.success())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Returns how many times as fast as the other program it is.
fn ratio(ours: Duration, peers: Duration) -> f64 {
    (peers.as_secs_f64() / ours.as_secs_f64() * 100.0).round() / 100.0
}
