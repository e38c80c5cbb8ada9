//! The API dies in the middle of things: nothing is lost, nothing happens twice, no key is released unlogged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use client::{
    Failure, Progress, Step, audit,
    download::{self, Destination, Filter, Wanted},
    upload::{self, Target},
};
use protocol::codes::{Category, Role};
use rand::RngExt;
use tokio::sync::Notify;

use crate::{
    chance::{document, seeded},
    world::{self, World, eventually},
};

/// A kill whose moment is drawn may come too late to interrupt anything. When all did, further rounds with a kill at the
/// first moment follow, at most this many in all.
const ROUNDS_MAX: usize = 8;

/// Wakes whoever waits once `is_there` holds for a step.
fn alarm(is_there: impl Fn(Step) -> bool + Send + Sync + 'static) -> (Progress, Arc<Notify>) {
    let bell = Arc::new(Notify::new());
    let rung = AtomicBool::new(false);
    let ring = Arc::clone(&bell);
    let progress = Progress::new(move |step| {
        if is_there(step) && !rung.swap(true, Ordering::Relaxed) {
            ring.notify_one();
        }
    });
    (progress, bell)
}

#[test]
fn an_upload_that_the_api_did_not_survive_is_completed_without_a_second_record() {
    world::run(async {
        let mut chance = seeded("API killed during an upload");
        let mut world = World::start().await;
        let patient = world.person().await;
        let content = document(20_000_000);
        let mut interrupted = 0;
        for round in 1..=ROUNDS_MAX {
            if round > 3 && interrupted > 0 {
                break;
            }
            // Once while the envelope is sent, then at the registration; if need be, as its first bytes are sent.
            let after_bytes = chance.random_range(0..if round > 3 { 100_000 } else { 20_000_000_u64 });
            let pause = Duration::from_millis(if round > 3 { 0 } else { chance.random_range(0..40) });
            let while_sending = !(2..=3).contains(&round);
            let moment =
                if while_sending { format!("{after_bytes} bytes") } else { "the registration began".to_owned() };
            println!("round {round}: kill {pause:?} after {moment}");
            let (progress, bell) = alarm(move |step| match step {
                Step::Sending { done, .. } => while_sending && done >= after_bytes,
                Step::Registering => !while_sending,
                _ => false,
            });
            let content = &content[round..];
            let name = format!("large-{round}.bin");
            let target = Target::NewRecord { patient: patient.address(), category: Category::Imaging };
            let new = patient.new_upload(target, &name, content);
            let (first, ()) = tokio::join!(upload::upload(&patient.client, &patient.wallet, new, &progress), async {
                // The upload may have been too quick for the alarm.
                let _ = tokio::time::timeout(Duration::from_secs(20), bell.notified()).await;
                tokio::time::sleep(pause).await;
                world.stack.kill_api(0);
            });
            world.stack.start_api(0).await.unwrap_or_else(|error| panic!("{error}"));

            let uploaded = match first {
                // It was answered before the kill: there is nothing to complete, and the same call would begin anew.
                Ok(uploaded) => uploaded,
                Err(_) => {
                    interrupted += 1;
                    let new = patient.new_upload(target, &name, content);
                    upload::upload(&patient.client, &patient.wallet, new, &Progress::silent())
                        .await
                        .unwrap_or_else(|error| panic!("{}: {error}", error.code()))
                }
            };
            let records = eventually("the mirror shows it", || async {
                let records =
                    download::list(&patient.client, Filter::default()).await.map_err(|error| error.to_string())?.0;
                if records.len() >= round { Ok(records) } else { Err(format!("{} records", records.len())) }
            })
            .await;
            assert_eq!(records.len(), round, "no second record");
            assert!(records.iter().all(|record| record.told.versions.len() == 1), "no second version");
            assert_eq!(patient.open(uploaded.record).await.unwrap(), content);
            assert!(upload::pending(&patient.client).unwrap().0.is_empty());
        }
        println!("{interrupted} uploads were interrupted");
        assert!(interrupted > 0, "every kill came too late");
    });
}

#[test]
fn a_read_that_the_api_did_not_survive_leaves_no_key_release_unlogged() {
    world::run(async {
        let mut chance = seeded("API killed during a read");
        let mut world = World::start().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(4_000_000);
        let record = patient.upload("read.bin", &content).await.record;
        patient.share(&[record], &doctor, 3_600).await;
        let mut opened = 1;
        assert_eq!(doctor.open_soon(record).await, content);
        let mut interrupted = 0;
        for round in 1..=ROUNDS_MAX {
            if round > 4 && interrupted > 0 {
                break;
            }
            let pause = Duration::from_millis(if round > 4 { 0 } else { chance.random_range(0..60) });
            println!("round {round}: kill {pause:?} after the key was asked for");
            let (progress, bell) = alarm(|step| matches!(step, Step::Asking));
            let path = doctor.device.path(&format!("read-{round}.bin"));
            let wanted = Wanted { record, version: None, purpose: None, range: None };
            let destination = Destination::File { path: path.clone(), replace: false };
            let (got, ()) =
                tokio::join!(download::get(&doctor.client, &doctor.keys, &wanted, &destination, &progress), async {
                    let _ = tokio::time::timeout(Duration::from_secs(20), bell.notified()).await;
                    tokio::time::sleep(pause).await;
                    world.stack.kill_api(0);
                });
            match got {
                Ok(_) => {
                    opened += 1;
                    assert_eq!(std::fs::read(&path).unwrap(), content);
                }
                Err(_) => {
                    interrupted += 1;
                    assert!(!path.exists(), "half a document was left");
                }
            }
            world.stack.start_api(0).await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(doctor.open(record).await.unwrap_or_else(|error| panic!("{}: {error}", error.code())), content);
            opened += 1;
        }
        println!("{interrupted} reads were interrupted");
        assert!(interrupted > 0, "every kill came too late");
        // Every document that was opened has its leaf on chain, and every receipt is honoured.
        let report = eventually("every receipt is anchored", || async {
            let report = audit::verify(&doctor.client, &Progress::silent()).await.map_err(|error| error.to_string())?;
            if report.receipts_waiting == 0 && report.receipts_anchored >= opened {
                Ok(report)
            } else {
                Err(format!("{report:?}"))
            }
        })
        .await;
        assert!(report.findings.is_empty(), "{report:?}");
        assert!(report.leaves >= opened);
        let report = audit::verify(&patient.client, &Progress::silent()).await.unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
    });
}
