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

use crate::routes::world::{World, random, record};

fn settings(world: &World, file: PathBuf) -> BackupSettings {
    let settings = &world.app.settings;
    BackupSettings {
        mongodb_uri: settings.mongodb_uri.clone(),
        mongodb_database: settings.mongodb_database.clone(),
        deployment: settings.deployment.clone(),
        operator_key_file: settings.operator_key_file.clone(),
        operator_secret_file: settings.operator_secret_file.clone(),
        file,
    }
}

async fn deposit(world: &World) -> Document {
    let record = record();
    let sealed = world.app.operator.encrypt_at_rest(
        (record, 1),
        alloy::primitives::Address::ZERO,
        &ReleaseShare::from_bytes(random().0),
    );
    let share = doc! {
        "_id": format!("{}:{:#x}", version_id(record, 1), alloy::primitives::Address::ZERO),
        "record": record.to_string(), "version": 1, "depositor": format!("{:#x}", alloy::primitives::Address::ZERO),
        "sealed": format!("0x{}", hex::encode(sealed)), "deposited_at": 1_700_000_000_i64,
    };
    world.mirror(collection::RELEASE_SHARES, &share).await;
    share
}

async fn stored(world: &World) -> Vec<Document> {
    use futures::TryStreamExt;
    let shares = world.app.database.collection::<Document>(collection::RELEASE_SHARES);
    let mut all: Vec<Document> = shares.find(doc! {}).await.expect("found").try_collect().await.expect("read");
    all.sort_by_key(|share| share.get_str("_id").expect("a name").to_owned());
    all
}

#[tokio::test]
async fn what_is_backed_up_can_be_restored() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = settings(&world, folder.path().join("shares"));
    for _ in 0..5 {
        deposit(&world).await;
    }
    let before = stored(&world).await;
    assert_eq!(backup(&settings).await.expect("a backup"), 5);
    assert!(backup(&settings).await.is_err(), "a backup never overwrites another");

    world.app.database.collection::<Document>(collection::RELEASE_SHARES).drop().await.expect("dropped");
    assert_eq!(restore(&settings).await.expect("restored"), 5);
    let after = stored(&world).await;
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
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = settings(&world, folder.path().join("shares"));
    let (withdrawn, kept) = (deposit(&world).await, deposit(&world).await);
    for (share, status) in [(&withdrawn, 3), (&kept, 1)] {
        let id: RecordId = share.get_str("record").expect("a record").parse().expect("a record id");
        let nobody = alloy::primitives::Address::ZERO;
        world.register(id, nobody, nobody, "x").await;
        let records = world.app.database.collection::<Document>(mirror::RECORDS);
        let change = doc! { "$set": { "status": status } };
        records.update_one(doc! { "_id": id.to_string() }, change).await.expect("written");
    }
    assert_eq!(backup(&settings).await.expect("a backup"), 2);
    world.app.database.collection::<Document>(collection::RELEASE_SHARES).drop().await.expect("dropped");
    assert_eq!(restore(&settings).await.expect("restored"), 1);
    let stored = stored(&world).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].get_str("record"), kept.get_str("record"));
}

#[tokio::test]
async fn a_damaged_backup_restores_nothing() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = settings(&world, folder.path().join("shares"));
    for _ in 0..3 {
        deposit(&world).await;
    }
    backup(&settings).await.expect("a backup");
    world.app.database.collection::<Document>(collection::RELEASE_SHARES).drop().await.expect("dropped");
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
        assert!(stored(&world).await.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_share_that_does_not_open_is_found_out_when_it_is_backed_up() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut share = deposit(&world).await;
    share.insert("_id", "moved");
    share.insert("record", record().to_string());
    world.mirror(collection::RELEASE_SHARES, &share).await;
    assert!(backup(&settings(&world, folder.path().join("shares"))).await.is_err());
}
