//! Two API replicas append to one log at once; one of them puts it in order, until it dies.

use std::collections::BTreeSet;

use client::{Failure, Progress, audit};
use futures::future::join_all;
use mongodb::bson::{Document, doc};
use protocol::codes::Role;

use crate::{
    chance::document,
    world::{self, World, eventually},
};

#[test]
fn two_replicas_append_reads_at_once_and_the_log_has_each_exactly_once() {
    world::run(async {
        let mut world = World::start().await;
        let second = world.stack.add_api().await.unwrap_or_else(|error| panic!("{error}"));
        let replicas = [world.stack.api_url(0), world.stack.api_url(second)];
        let (patient, one, two) =
            tokio::join!(world.person(), world.practitioner(Role::Doctor), world.practitioner(Role::Nurse));
        let contents = [document(600), document(700)];
        let mut records = Vec::new();
        for content in &contents {
            records.push(patient.upload("shared.txt", content).await.record);
        }
        for doctor in [&one, &two] {
            patient.share(&records, doctor, 3_600).await;
            doctor.open_soon(records[0]).await;
        }

        // Both doctors, both records, through both replicas, several times, all at once.
        let mut reads = Vec::new();
        for round in 0..3 {
            for doctor in [&one, &two] {
                for (record, content) in records.iter().zip(&contents) {
                    for replica in &replicas {
                        let client = doctor.through(replica);
                        reads.push(async move {
                            let opened = doctor.open_through(&client, *record, None).await;
                            assert_eq!(
                                &opened.unwrap_or_else(|error| panic!("round {round}: {}: {error}", error.code())),
                                content
                            );
                        });
                    }
                }
            }
        }
        let expected = reads.len() + 2;
        join_all(reads).await;

        let log = eventually("every read is anchored", || async {
            let log = patient.client.chain().access_log().await.map_err(|error| error.to_string())?;
            if log.accesses.len() >= expected { Ok(log) } else { Err(format!("{} of {expected}", log.accesses.len())) }
        })
        .await;
        let leaves: BTreeSet<_> = log.accesses.iter().map(|access| access.leaf).collect();
        assert_eq!((leaves.len(), log.accesses.len()), (expected, expected), "each read stands in the log once");
        let report = eventually("the log can be checked", || async {
            let report =
                audit::verify(&patient.client, &Progress::silent()).await.map_err(|error| error.to_string())?;
            if report.evidence_checked as usize == expected { Ok(report) } else { Err(format!("{report:?}")) }
        })
        .await;
        assert!(report.findings.is_empty(), "{report:?}");
        for doctor in [&one, &two] {
            let report = audit::verify(&doctor.client, &Progress::silent()).await.unwrap();
            assert!(report.findings.is_empty(), "{report:?}");
            assert_eq!(report.receipts_anchored as usize, expected / 2, "every receipt was kept");
        }
        world.stack.stop().await;
    });
}

/// Who holds the sequencer's lease.
async fn sequencer(world: &World) -> String {
    let client = mongodb::Client::with_uri_str(world.stack.localnet().mongodb_uri()).await.unwrap();
    let leases = client.database(world.stack.database()).collection::<Document>("api_leases");
    let lease = leases.find_one(doc! { "_id": "sequencer" }).await.unwrap().expect("somebody has taken the lease");
    lease.get_str("holder").unwrap().to_owned()
}

#[test]
fn the_other_replica_anchors_reads_after_the_leading_one_was_killed() {
    world::run(async {
        let mut world = World::start().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(600);
        let record = patient.upload("shared.txt", &content).await.record;
        patient.share(&[record], &doctor, 3_600).await;
        let anchored = async |count: usize| {
            eventually("the reads are anchored", || async {
                let log = patient.client.chain().access_log().await.map_err(|error| error.to_string())?;
                if log.accesses.len() >= count { Ok(log) } else { Err(format!("{} of {count}", log.accesses.len())) }
            })
            .await
        };

        // The only replica leads; the second finds the lease taken.
        doctor.open_soon(record).await;
        anchored(1).await;
        let leader = sequencer(&world).await;
        let second = world.stack.add_api().await.unwrap_or_else(|error| panic!("{error}"));
        let other = world.stack.api_url(second);
        let through_other = doctor.through(&other);
        assert_eq!(doctor.open_through(&through_other, record, None).await.unwrap(), content);
        anchored(2).await;
        assert_eq!(sequencer(&world).await, leader, "a replica more changes nothing");

        // It dies without a word. Reads go on at once, and their leaves follow when its lease has run out.
        world.stack.kill_api(0);
        for _ in 0..2 {
            assert_eq!(doctor.open_through(&through_other, record, None).await.unwrap(), content);
        }
        let log = anchored(4).await;
        assert_ne!(sequencer(&world).await, leader, "the lease has a new holder");
        let leaves: BTreeSet<_> = log.accesses.iter().map(|access| access.leaf).collect();
        assert_eq!((leaves.len(), log.accesses.len()), (4, 4), "each read stands in the log once");

        let patient_through_other = patient.through(&other);
        let report = eventually("the log can be checked", || async {
            let report =
                audit::verify(&patient_through_other, &Progress::silent()).await.map_err(|error| error.to_string())?;
            if report.evidence_checked == 4 { Ok(report) } else { Err(format!("{report:?}")) }
        })
        .await;
        assert!(report.findings.is_empty(), "{report:?}");
        let report = audit::verify(&through_other, &Progress::silent()).await.unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
        assert_eq!(report.receipts_anchored, 4, "the receipt of every read holds");
        world.stack.stop().await;
    });
}
