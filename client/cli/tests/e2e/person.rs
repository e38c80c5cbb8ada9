//! Somebody with a device of their own: a `MEDLOCK_HOME`, a wallet, keys; by the SDK and by the `medlock` command.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use alloy::primitives::Address;
use client::{
    Client, Failure, Progress,
    act::Way,
    client::Overrides,
    download::{self, Destination, DownloadError, Wanted},
    grants::{self, GrantError, Granted, NewGrants, Scope},
    home::Home,
    register, session,
    set_up::{self, DeploymentSource, SetUp},
    unlock::{self, Keys},
    upload::{self, NewUpload, Source, Target, UploadError, Uploaded},
    wallet::{LocalWallet, Wallet},
};
use localnet::process::command_without_settings;
use protocol::{
    codes::{Category, Purpose, Right},
    ids::RecordId,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Place, now};

const PASSPHRASE: &str = "correct horse battery staple";

/// Somebody with a device.
pub(crate) struct Person {
    pub(crate) device: Device,
    pub(crate) client: Client,
    pub(crate) wallet: LocalWallet,
    pub(crate) keys: Keys,
}

/// A directory with a `MEDLOCK_HOME` and room for files, on which the `medlock` command can run.
pub(crate) struct Device {
    folder: TempDir,
    pub(crate) place: Place,
}

/// How a `medlock` command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    command: String,
}

impl Device {
    /// An empty device.
    pub(crate) fn new(place: &Place) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        std::fs::write(folder.path().join("passphrase"), PASSPHRASE).expect("there is room");
        Self { folder, place: place.clone() }
    }

    /// The `MEDLOCK_HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// A path on this device, outside the `MEDLOCK_HOME`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file on this device.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("there is room");
        path
    }

    /// Runs `medlock` with these arguments, as this person, without a terminal.
    pub(crate) async fn medlock(&self, arguments: &[&str]) -> Ran {
        let mut command = command_without_settings(Path::new(env!("CARGO_BIN_EXE_medlock")));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("MEDLOCK_HOME", self.home())
            .env("MEDLOCK_API", &self.place.api)
            .env("MEDLOCK_RPC_URL", &self.place.rpc)
            .env("MEDLOCK_DEPLOYMENT", &self.place.deployment)
            .env("MEDLOCK_PASSPHRASE_FILE", self.path("passphrase"))
            .stdin(Stdio::null());
        let output = tokio::process::Command::from(command).kill_on_drop(true).output().await.expect("medlock starts");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: format!("medlock {}", arguments.join(" ")),
        }
    }

    /// The answer of `medlock --json` with these arguments, which must succeed.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        self.medlock(&arguments).await.succeeded().json()
    }
}

impl Ran {
    /// The same, which must have succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{} failed:\n{}{}", self.command, self.stderr, self.text());
        self
    }

    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.command, self.text()))
    }

    /// The last two lines of standard error: what went wrong, and what to do.
    pub(crate) fn last_lines(&self) -> (String, String) {
        let mut lines = self.stderr.lines().rev().map(ToOwned::to_owned);
        let todo = lines.next().unwrap_or_default();
        (lines.next().unwrap_or_default(), todo)
    }
}

impl Person {
    /// Somebody new with a device: set up, recovery words saved, signed in, key published.
    pub(crate) async fn new(place: &Place) -> Self {
        let person = Self::official(place, LocalWallet::generate()).await;
        person.register().await;
        Self { keys: person.unlock().await, ..person }
    }

    /// Like [`Person::new`], but with a given wallet and without a published key.
    pub(crate) async fn official(place: &Place, wallet: LocalWallet) -> Self {
        let device = Device::new(place);
        let passphrase = SecretString::from(PASSPHRASE);
        let plan = SetUp {
            api: Some(place.api.clone()),
            rpc: place.rpc.clone(),
            deployment: DeploymentSource::File(place.deployment.clone()),
            wallet: wallet.clone(),
            passphrase: passphrase.clone(),
        };
        let home = Home::open(device.home()).expect("there is room");
        let client = set_up::set_up(home, plan).await.expect("it can be set up");
        let (keys, _) = unlock::init(&client, &wallet, &passphrase).await.expect("keys can be made");
        prove_saved(&client, &keys);
        session::login(&client, &wallet).await.expect("one can sign in");
        Self { device, client, wallet, keys }
    }

    /// Publishes the key.
    async fn register(&self) {
        register::register(&self.client, &self.wallet, &self.keys, Way::Relayed)
            .await
            .expect("the key can be published");
    }

    /// The keys, unlocked again.
    pub(crate) async fn unlock(&self) -> Keys {
        let passphrase = SecretString::from(PASSPHRASE);
        unlock::unlock(&self.client, unlock::Unlocker::Passphrase(&passphrase)).await.expect("the keyring opens")
    }

    /// Whose device it is.
    pub(crate) fn address(&self) -> Address {
        self.wallet.address()
    }

    /// The address as text.
    pub(crate) fn hex(&self) -> String {
        self.address().to_checksum(None)
    }

    /// The same device, talking to another server.
    pub(crate) fn through(&self, api: &str) -> Client {
        let overrides = Overrides { api: Some(api.to_owned()), rpc: None };
        Client::open(Home::open(self.device.home()).expect("there is room"), overrides).expect("it is set up")
    }

    /// Signs in again.
    pub(crate) async fn login(&self) {
        session::login(&self.client, &self.wallet).await.expect("one can sign in");
    }

    /// Uploads a document of one's own.
    pub(crate) async fn upload(&self, name: &str, content: &[u8]) -> Uploaded {
        self.try_upload(&self.client, self.address(), name, content).await.expect("it can be uploaded")
    }

    /// Uploads a document for somebody, through a given client.
    pub(crate) async fn try_upload(
        &self,
        client: &Client,
        patient: Address,
        name: &str,
        content: &[u8],
    ) -> Result<Uploaded, UploadError> {
        let target = Target::NewRecord { patient, category: Category::Laboratory };
        let new = self.new_upload(target, name, content);
        upload::upload(client, &self.wallet, new, &Progress::silent()).await
    }

    /// A new version of a record of one's own.
    pub(crate) async fn upload_version(&self, record: RecordId, name: &str, content: &[u8]) -> Uploaded {
        let new = self.new_upload(Target::NewVersion(record), name, content);
        upload::upload(&self.client, &self.wallet, new, &Progress::silent()).await.expect("it can be uploaded")
    }

    /// What the SDK needs for an upload.
    pub(crate) fn new_upload(&self, target: Target, name: &str, content: &[u8]) -> NewUpload {
        NewUpload {
            source: Source::File(self.device.file(name, content)),
            target,
            file_name: name.to_owned(),
            media_type: None,
            way: Way::Relayed,
        }
    }

    /// Shares records for treatment.
    pub(crate) async fn share(&self, records: &[RecordId], with: &Self, seconds: u64) -> Granted {
        self.try_share(&self.client, records, with, seconds).await.expect("it can be shared")
    }

    /// Shares records for treatment, through a given client.
    pub(crate) async fn try_share(
        &self,
        client: &Client,
        records: &[RecordId],
        with: &Self,
        seconds: u64,
    ) -> Result<Granted, GrantError> {
        let scopes = records.iter().copied().map(Scope::Record).collect();
        let new = NewGrants { right: Right::Read, scopes, ..Self::terms(with, seconds) };
        grants::grant(client, &self.wallet, &self.keys, &new).await
    }

    /// Lets somebody upload to every category.
    pub(crate) async fn let_upload(&self, with: &Self) -> Granted {
        let new = NewGrants { right: Right::Write, scopes: vec![Scope::All], ..Self::terms(with, 86_400) };
        grants::grant(&self.client, &self.wallet, &self.keys, &new).await.expect("it can be granted")
    }

    /// For treatment, from now on; what is granted is still to be said.
    pub(crate) fn terms(with: &Self, seconds: u64) -> NewGrants {
        NewGrants {
            grantee: with.address(),
            right: Right::Read,
            scopes: Vec::new(),
            purposes: vec![Purpose::Treatment],
            not_before: 0,
            not_after: now() + seconds,
            request: None,
            way: Way::Relayed,
        }
    }

    /// Opens the newest version of a record for treatment.
    pub(crate) async fn open(&self, record: RecordId) -> Result<Vec<u8>, DownloadError> {
        self.open_through(&self.client, record, None).await
    }

    /// Opens a version through a given client. Whatever happens, nothing is left of a document that was refused.
    pub(crate) async fn open_through(
        &self,
        client: &Client,
        record: RecordId,
        version: Option<u16>,
    ) -> Result<Vec<u8>, DownloadError> {
        let folder = tempfile::tempdir_in(self.device.folder.path()).expect("there is room");
        let path = folder.path().join("opened");
        let wanted = Wanted { record, version, purpose: None, range: None };
        let destination = Destination::File { path: path.clone(), replace: false };
        let opened = download::get(client, &self.keys, &wanted, &destination, &Progress::silent()).await;
        if opened.is_err() {
            let left: Vec<_> = std::fs::read_dir(folder.path()).expect("it exists").collect();
            assert!(left.is_empty(), "a refused document left {left:?}");
        }
        opened.map(|_| std::fs::read(path).expect("it was written"))
    }

    /// Opens a record as soon as the mirror shows it.
    pub(crate) async fn open_soon(&self, record: RecordId) -> Vec<u8> {
        crate::world::eventually("the record opens", || async {
            self.open(record).await.map_err(|error| format!("{}: {error}", error.code()))
        })
        .await
    }
}

/// Answers with words of the kit, as somebody does who has written them down.
pub(crate) fn prove_saved(client: &Client, keys: &Keys) {
    let kit = unlock::kit(client, keys);
    let words: Vec<&str> = kit.words.expose_secret().split(' ').collect();
    let answers: Vec<(usize, String)> =
        unlock::places_to_prove().into_iter().map(|place| (place, words[place - 1].to_owned())).collect();
    unlock::prove_saved(client, keys, &answers).expect("the words are right");
}
