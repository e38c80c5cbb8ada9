//! The mirror can be killed, dropped and rebuilt; and everything can be restored without it.

use std::{collections::BTreeMap, time::Duration};

use futures::TryStreamExt;
use localnet::Part;
use mongodb::bson::{Document, doc};
use protocol::{codes::Role, ids::RecordId, mirror::collection};
use rand::RngExt;

use crate::{
    chance::{document, seeded},
    person::{Device, Person},
    world::{self, World, eventually},
};

/// What two mirrors of one chain have alike. The window of recent blocks depends on how a mirror came to its head.
fn collections() -> impl Iterator<Item = &'static str> {
    collection::ALL.into_iter().filter(|name| *name != collection::BLOCKS)
}

async fn database(world: &World) -> mongodb::Database {
    let client = mongodb::Client::with_uri_str(world.stack.localnet().mongodb_uri()).await.expect("MongoDB answers");
    client.database(world.stack.database())
}

/// Every document of the mirror, by collection, in the order of `_id`.
async fn dump(world: &World) -> BTreeMap<&'static str, Vec<Document>> {
    let database = database(world).await;
    let mut dumped = BTreeMap::new();
    for name in collections() {
        let found =
            database.collection::<Document>(name).find(doc! {}).sort(doc! { "_id": 1 }).await.expect("it is there");
        dumped.insert(name, found.try_collect().await.expect("it can be read"));
    }
    dumped
}

/// Waits until the mirror has every block of the chain.
async fn caught_up(world: &World) {
    let database = database(world).await;
    let cursors = database.collection::<Document>(collection::CURSOR);
    eventually("the mirror is at the chain's head", || async {
        let head = world
            .stack
            .localnet()
            .rpc("eth_blockNumber", serde_json::json!([]))
            .await
            .map_err(|error| error.to_string())?;
        let head = i64::from_str_radix(head.as_str().unwrap_or_default().trim_start_matches("0x"), 16).unwrap_or(-1);
        let cursor = cursors.find_one(doc! { "_id": "cursor" }).await.map_err(|error| error.to_string())?;
        let at = cursor.as_ref().and_then(|cursor| cursor.get_i64("block_number").ok());
        if at == Some(head) { Ok(()) } else { Err(format!("at {at:?} of {head}")) }
    })
    .await;
}

/// A patient with a kit on paper, somebody who may read, and records with known bytes.
struct Lives {
    patient: Person,
    doctor: Person,
    shared: RecordId,
    versions: Vec<Vec<u8>>,
    private: RecordId,
    private_content: Vec<u8>,
}

async fn live(world: &World) -> Lives {
    let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
    let versions = vec![document(40_000), document(3_000_000)];
    let private_content = document(10);
    let shared = patient.upload("shared.bin", &versions[0]).await.record;
    let private = patient.upload("private.bin", &private_content).await.record;
    patient.share(&[shared], &doctor, 86_400).await;
    patient.share(&[private], &doctor, 86_400).await;
    patient.device.medlock(&["revoke", "--record", &private.to_string()]).await.succeeded();
    patient.upload_version(shared, "shared.bin", &versions[1]).await;
    patient.device.medlock(&["login"]).await.succeeded();
    Lives { patient, doctor, shared, versions, private, private_content }
}

#[test]
fn a_killed_indexer_comes_back_to_exactly_the_mirror_of_a_fresh_rebuild() {
    world::run(async {
        let mut chance = seeded("indexer killed");
        let mut world = World::start().await;
        // A database keeps the transaction and the locks of a killed client for a minute. Here the time is shorter.
        let lifetime = doc! { "setParameter": 1, "transactionLifetimeLimitSeconds": 3 };
        database(&world).await.client().database("admin").run_command(lifetime).await.expect("it can be set");
        let place = world.place.clone();
        let accreditor = (world.accreditor.client.clone(), world.accreditor.wallet.clone());
        // Things happen all the time while the indexer dies and comes back.
        let busy = tokio::spawn(async move {
            for _ in 0..6 {
                let (one, two) = tokio::join!(Person::new(&place), Person::new(&place));
                let new = client::accreditation::NewAccreditation {
                    practitioner: two.address(),
                    roles: vec![Role::Doctor, Role::Nurse],
                    valid_from: 0,
                    valid_until: world::now() + 1_000,
                };
                let way = client::act::Way::Relayed;
                client::accreditation::accredit(&accreditor.0, &accreditor.1, &new, way).await.expect("it is relayed");
                let record = one.upload("busy.txt", &document(100)).await.record;
                one.share(&[record], &two, 600).await;
                one.upload_version(record, "busy.txt", &document(200)).await;
                let everything = client::grants::Ending::Everything;
                client::grants::revoke(&one.client, &one.wallet, &one.keys, &everything, way)
                    .await
                    .expect("it is relayed");
            }
        });
        let mut kills = 0;
        while !busy.is_finished() {
            let pause = Duration::from_millis(chance.random_range(20..1_500));
            println!("kill {kills}: the indexer lives for {pause:?}");
            tokio::time::sleep(pause).await;
            world.stack.kill_indexer();
            kills += 1;
            tokio::time::sleep(Duration::from_millis(chance.random_range(0..300))).await;
            world.stack.start_indexer().await.unwrap_or_else(|error| panic!("{error}"));
        }
        busy.await.unwrap();
        assert!(kills > 0);

        caught_up(&world).await;
        let survived = dump(&world).await;
        world.stack.stop_indexer().await;
        world.stack.reindex().await.unwrap_or_else(|error| panic!("{error}"));
        world.stack.start_indexer().await.unwrap_or_else(|error| panic!("{error}"));
        caught_up(&world).await;
        let rebuilt = dump(&world).await;
        assert!(survived[collection::EVENTS].len() > 30, "something happened: {}", survived[collection::EVENTS].len());
        for name in collections() {
            assert_eq!(survived[name].len(), rebuilt[name].len(), "{name}");
            for (one, other) in survived[name].iter().zip(&rebuilt[name]) {
                assert_eq!(one, other, "{name}");
            }
        }
    });
}

#[test]
fn a_dropped_database_is_rebuilt_and_the_doctor_reads_again() {
    world::run(async {
        let mut world = World::start().await;
        let Lives { patient, doctor, shared, versions, .. } = live(&world).await;
        assert_eq!(doctor.open_soon(shared).await, versions[1]);
        eventually("the read is anchored", || async {
            let log = patient.client.chain().access_log().await.map_err(|error| error.to_string())?;
            if log.accesses.is_empty() { Err("not yet".to_owned()) } else { Ok(()) }
        })
        .await;

        world.stack.stop_api(0).await;
        world.stack.stop_indexer().await;
        world.stack.localnet_mut().recreate_mongo().await.unwrap_or_else(|error| panic!("{error}"));
        world.stack.reindex().await.unwrap_or_else(|error| panic!("{error}"));
        world.stack.start_indexer().await.unwrap_or_else(|error| panic!("{error}"));
        world.stack.start_api(0).await.unwrap_or_else(|error| panic!("{error}"));

        // Sessions are gone; until the patient gives the shares again, the doctor gets nothing.
        assert_eq!(doctor.device.medlock(&["list"]).await.code, 4);
        doctor.login().await;
        patient.login().await;
        assert!(doctor.open(shared).await.is_err());
        let reissued = patient.device.json(&["reissue"]).await;
        assert_eq!(reissued["unknown_grants"], 0, "{reissued}");
        assert_eq!(reissued["changed_bundles"], 0, "{reissued}");
        assert!(reissued["release_shares"].as_u64() >= Some(2), "{reissued}");
        assert_eq!(doctor.open_soon(shared).await, versions[1]);
        assert_eq!(doctor.open_through(&doctor.client, shared, Some(1)).await.unwrap(), versions[0]);

        // The log goes on where the chain says it stood.
        let audit = eventually("the new reads are anchored", || async {
            let audit = doctor.device.medlock(&["audit", "verify", "--json"]).await;
            let report: serde_json::Value = serde_json::from_slice(&audit.stdout).map_err(|_| audit.stderr.clone())?;
            if report["leaves"].as_u64() >= Some(3) && report["receipts_waiting"] == 0 {
                Ok(report)
            } else {
                Err(report.to_string())
            }
        })
        .await;
        assert_eq!(audit["findings"], serde_json::json!([]), "{audit}");
    });
}

#[test]
fn everything_is_restored_from_the_kit_without_api_and_database() {
    world::run(async {
        let mut world = World::start().await;
        let Lives { patient, shared, versions, private, private_content, .. } = live(&world).await;
        let kit = patient.device.path("kit.txt");
        patient.device.medlock(&["kit", "--file", kit.to_str().unwrap()]).await.succeeded();
        let kit = std::fs::read(kit).unwrap();
        world.stack.kill_api(0);
        world.stack.kill_indexer();
        world.stack.localnet_mut().kill_part(Part::Mongo);

        // Another device, which has nothing but the paper.
        for (option, url) in [("--kubo", &world.place.kubo), ("--gateway", &world.place.gateway)] {
            let device = Device::new(&world.place);
            let kit = device.file("kit.txt", &kit);
            let restore = ["restore", "--words-file", kit.to_str().unwrap(), option, url, "-o", "out"];
            let restored = device.json(&restore).await;
            let read = |record: RecordId, version: u64| {
                let all = restored["versions"].as_array().expect("a list");
                let found = all.iter().find(|one| one["record"] == record.to_string() && one["version"] == version);
                let path = found.and_then(|one| one["path"].as_str()).unwrap_or_else(|| panic!("{restored}"));
                std::fs::read(device.path(path)).expect("it was written")
            };
            assert_eq!(restored["versions"].as_array().map(Vec::len), Some(3), "{restored}");
            assert_eq!(read(shared, 1), versions[0]);
            assert_eq!(read(shared, 2), versions[1]);
            assert_eq!(read(private, 1), private_content);
        }

        // Somebody else's recovery words restore none of the patient's records.
        let device = Device::new(&world.place);
        let stranger = protocol::secret::Seed::from_bytes(rand::random());
        let words = device.file("words.txt", stranger.to_words().as_bytes());
        let restore = [
            "restore",
            "--words-file",
            words.to_str().unwrap(),
            "--owner",
            &patient.hex(),
            "--kubo",
            &world.place.kubo,
        ];
        assert_eq!(device.medlock(&restore).await.code, 5);
    });
}
