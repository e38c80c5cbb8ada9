//! A block store that lies: whatever it does, nobody gets other bytes than those that were signed.

use std::sync::{Arc, Mutex};

use client::{
    ExitClass, Failure, Progress,
    restore::{self, BlockSource, Restore},
    unlock,
};
use localnet::StackConfig;
use protocol::codes::Role;
use rand::RngExt;

use crate::{
    chance::{document, seeded},
    proxy::Proxy,
    world::{self, World},
};

/// What the store does to a block of at least this many bytes; smaller answers are the store's own messages.
const BLOCK_MIN: usize = 3_000;

#[test]
fn a_store_that_lies_is_noticed_and_gives_nothing() {
    world::run(async {
        let mut chance = seeded("hostile store");
        // The API reaches Kubo through the liar only. The network must be there before the liar can name its target.
        let config = StackConfig::for_tests().unwrap();
        let kubo = format!("http://127.0.0.1:{}", config.localnet.ports.kubo);
        let store = Proxy::to(&kubo).await;
        let world = World::start_with(config.with_api_setting("MEDLOCK_KUBO_URL", store.url())).await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        // One block, and a tree of several.
        let small = document(9_000);
        let large = document(2_500_000);
        let other = document(9_000);
        let small_id = patient.upload("small.bin", &small).await.record;
        let large_id = patient.upload("large.bin", &large).await.record;
        let other_id = patient.upload("other.bin", &other).await.record;
        patient.share(&[small_id, large_id, other_id], &doctor, 3_600).await;
        assert_eq!(doctor.open_soon(small_id).await, small);

        // What an honest store gives for the other record, to be swapped in.
        let taken: Arc<Mutex<Vec<u8>>> = Arc::default();
        let keep = Arc::clone(&taken);
        store.tamper_answers(move |_, _, body| {
            if body.len() >= BLOCK_MIN {
                *keep.lock().unwrap() = body.clone();
            }
            body
        });
        assert_eq!(doctor.open(other_id).await.unwrap(), other);
        let swapped = taken.lock().unwrap().clone();
        assert!(swapped.len() >= BLOCK_MIN, "the store was asked for the block");

        for (record, content) in [(small_id, &small), (large_id, &large)] {
            for lie in ["flip", "truncate", "extend", "swap", "empty"] {
                let place = chance.random::<u64>();
                println!("{lie} at {place}");
                let swapped = swapped.clone();
                store.tamper_answers(move |_, _, mut body| {
                    if body.len() < BLOCK_MIN {
                        return body;
                    }
                    let at = usize::try_from(place).unwrap_or(usize::MAX) % body.len();
                    match lie {
                        "flip" => body[at] ^= 1 << (place % 8),
                        "truncate" => body.truncate(at),
                        "extend" => body.push(0),
                        "swap" => body.clone_from(&swapped),
                        _ => body.clear(),
                    }
                    body
                });
                for person in [&patient, &doctor] {
                    match person.open(record).await {
                        // Bytes added after the end may have been cut off on the way. The signed bytes remain.
                        Ok(opened) => assert!(lie == "extend" && &opened == content, "{lie} gave a document"),
                        Err(refused) => assert!(
                            matches!(refused.class(), ExitClass::VerificationFailed | ExitClass::Network),
                            "{lie}: {} {refused}",
                            refused.code()
                        ),
                    }
                }
            }
            store.be_honest();
            assert_eq!(&doctor.open(record).await.unwrap(), content, "an honest store serves again");
        }

        // Restoring straight from the liar finds it out block by block, and restores what is whole.
        let flipped = chance.random::<u64>();
        store.tamper_answers(move |_, _, mut body| {
            if body.len() >= 100_000 {
                let at = usize::try_from(flipped).unwrap_or(usize::MAX) % body.len();
                body[at] ^= 0x10;
            }
            body
        });
        let plan = Restore {
            words: unlock::kit(&patient.client, &patient.keys).words,
            owner: patient.address(),
            deployment: patient.client.deployment().clone(),
            rpc: world.place.rpc.clone(),
            source: BlockSource::Kubo(store.url()),
            out: patient.device.path("restored"),
        };
        let restored = restore::restore(&plan, &Progress::silent()).await.unwrap();
        assert_eq!(restored.versions.len(), 3);
        for version in &restored.versions {
            if version.record == large_id {
                assert_eq!((version.path.as_ref(), version.problem.as_deref()), (None, Some("cid_mismatch")));
            } else {
                let expected = if version.record == small_id { &small } else { &other };
                assert_eq!(&std::fs::read(version.path.as_ref().unwrap()).unwrap(), expected);
            }
        }
    });
}
