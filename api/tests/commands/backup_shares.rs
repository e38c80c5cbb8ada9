//! The backup of release shares: whole, checked, and put back without touching what is newer.

use std::path::PathBuf;

use api::{
    shares_backup::{BackupSettings, backup, restore},
    store::collection,
};
use mongodb::bson::{Document, doc};
use protocol::{
    ids::RecordId,
    mirror::{collection as mirror, version_id},
    secret::ReleaseShare,
};

use crate::world::{seeds, servers::Server};

fn settings(server: &Server, file: PathBuf) -> BackupSettings {
    let settings = &server.app.settings;
    BackupSettings {
        mongodb_uri: settings.mongodb_uri.clone(),
        mongodb_database: settings.mongodb_database.clone(),
        deployment: settings.deployment.clone(),
        operator_key_file: settings.operator_key_file.clone(),
        operator_secret_file: settings.operator_secret_file.clone(),
        file,
    }
}

async fn deposit(server: &Server) -> Document {
    let record = seeds::record();
    let sealed = server.app.operator.encrypt_at_rest(
        (record, 1),
        alloy::primitives::Address::ZERO,
        &ReleaseShare::from_bytes(seeds::bytes().0),
    );
    let share = doc! {
        "_id": format!("{}:{:#x}", version_id(record, 1), alloy::primitives::Address::ZERO),
        "record": record.to_string(), "version": 1, "depositor": format!("{:#x}", alloy::primitives::Address::ZERO),
        "sealed": format!("0x{}", hex::encode(sealed)), "deposited_at": 1_700_000_000_i64,
    };
    server.mirror(collection::RELEASE_SHARES, &share).await;
    share
}

async fn stored(server: &Server) -> Vec<Document> {
    use futures::TryStreamExt;
    let shares = server.app.database.collection::<Document>(collection::RELEASE_SHARES);
    let mut all: Vec<Document> = shares.find(doc! {}).await.expect("found").try_collect().await.expect("read");
    all.sort_by_key(|share| share.get_str("_id").expect("a name").to_owned());
    all
}

#[tokio::test]
async fn a_backup_can_be_restored() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = settings(&server, folder.path().join("shares"));
    for _ in 0..5 {
        deposit(&server).await;
    }
    let before = stored(&server).await;
    assert_eq!(backup(&settings).await.expect("a backup"), 5);
    assert!(backup(&settings).await.is_err(), "a backup never overwrites another");

    server.app.database.collection::<Document>(collection::RELEASE_SHARES).drop().await.expect("dropped");
    assert_eq!(restore(&settings).await.expect("restored"), 5);
    let after = stored(&server).await;
    let names = |shares: &[Document]| -> Vec<String> {
        shares
            .iter()
            .flat_map(|share| ["_id", "sealed", "record"].map(|key| share.get_str(key).expect(key).to_owned()))
            .collect()
    };
    assert_eq!(names(&before), names(&after));
    assert_eq!(restore(&settings).await.expect("restored again"), 0, "what is there is left alone");
}

#[tokio::test]
async fn the_shares_of_withdrawn_records_stay_destroyed() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = settings(&server, folder.path().join("shares"));
    let (withdrawn, kept) = (deposit(&server).await, deposit(&server).await);
    for (share, status) in [(&withdrawn, 3), (&kept, 1)] {
        let id: RecordId = share.get_str("record").expect("a record").parse().expect("a record id");
        let nobody = alloy::primitives::Address::ZERO;
        server.register(id, nobody, nobody, "x").await;
        let records = server.app.database.collection::<Document>(mirror::RECORDS);
        let change = doc! { "$set": { "status": status } };
        records.update_one(doc! { "_id": id.to_string() }, change).await.expect("written");
    }
    assert_eq!(backup(&settings).await.expect("a backup"), 2);
    server.app.database.collection::<Document>(collection::RELEASE_SHARES).drop().await.expect("dropped");
    assert_eq!(restore(&settings).await.expect("restored"), 1);
    let stored = stored(&server).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].get_str("record"), kept.get_str("record"));
}

#[tokio::test]
async fn a_damaged_backup_restores_nothing() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = settings(&server, folder.path().join("shares"));
    for _ in 0..3 {
        deposit(&server).await;
    }
    backup(&settings).await.expect("a backup");
    server.app.database.collection::<Document>(collection::RELEASE_SHARES).drop().await.expect("dropped");
    let whole = std::fs::read_to_string(&settings.file).expect("the backup");
    let lines: Vec<&str> = whole.lines().collect();
    let damaged = [
        ("a line is missing", [&lines[..2], &lines[3..]].concat().join("\n")),
        ("the end is missing", lines[..4].join("\n")),
        ("another deployment", whole.replacen("\"chain_id\":31337", "\"chain_id\":1", 1)),
        ("a changed time", whole.replacen("1700000000", "1700000001", 1)),
        ("two shares swapped", {
            let sealed = |line: &str| line.split("\"sealed\":\"").nth(1).expect("sealed")[..124].to_owned();
            let (first, second) = (sealed(lines[1]), sealed(lines[2]));
            whole.replace(&first, "#").replace(&second, &first).replace('#', &second)
        }),
        ("nothing", String::new()),
    ];
    for (name, text) in damaged {
        std::fs::write(&settings.file, text).expect("written");
        assert!(restore(&settings).await.is_err(), "{name}");
        assert!(stored(&server).await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_share_that_does_not_open_is_found_out_when_it_is_backed_up() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut share = deposit(&server).await;
    share.insert("_id", "moved");
    share.insert("record", seeds::record().to_string());
    server.mirror(collection::RELEASE_SHARES, &share).await;
    assert!(backup(&settings(&server, folder.path().join("shares"))).await.is_err());
}
