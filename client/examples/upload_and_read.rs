//! Uploads a file as a record of your own, then opens the record: fetched, checked and decrypted on this device.
//!
//! Set the account up first: `medlock init`, `medlock login`, `medlock register`. Then:
//! `cargo run -p client --example upload_and_read -- FILE PASSPHRASE_FILE`

#![expect(clippy::print_stdout, reason = "an example prints what it did")]

use client::{
    Client, Progress,
    act::Way,
    client::Overrides,
    download::{self, Destination, Wanted},
    home::Home,
    unlock::{self, Unlocker},
    upload::{self, NewUpload, Source, Target},
    wallet::{LocalWallet, WALLET_FILE},
};
use protocol::codes::Category;
use secrecy::SecretString;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(passphrase_file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: upload_and_read FILE PASSPHRASE_FILE".into());
    };
    let passphrase = std::fs::read_to_string(passphrase_file)?;
    let passphrase = SecretString::from(passphrase.lines().next().unwrap_or_default());

    // The device: its directory (MEDLOCK_HOME), the wallet that signs, and the keys that decrypt.
    let client = Client::open(Home::open(Home::default_dir()?)?, Overrides::default())?;
    let wallet = LocalWallet::from_file(&client.home().path(WALLET_FILE), &passphrase)?;
    let keys = unlock::unlock(&client, Unlocker::Passphrase(&passphrase)).await?;

    let new = NewUpload {
        source: Source::File(file.into()),
        target: Target::NewRecord { patient: client.address(), category: Category::Laboratory },
        file_name: "findings.txt".to_owned(),
        media_type: None,
        way: Way::Relayed,
    };
    let uploaded = upload::upload(&client, &wallet, new, &Progress::silent()).await?;
    println!("record {} has version {}", uploaded.record, uploaded.version);

    let wanted = Wanted { record: uploaded.record, version: None, purpose: None, range: None };
    let here = Destination::Folder(".".into());
    let opened = download::get(&client, &keys, &wanted, &here, &Progress::silent()).await?;
    println!("{} bytes are in {}", opened.content_bytes, opened.path.display());
    Ok(())
}
