//! Time alone ends a grant.

use std::time::Duration;

use client::{Code, Failure};
use protocol::{codes::Role, error_code::ErrorCode};

use crate::{
    chance::document,
    world::{self, World, eventually, now},
};

/// Long enough for a read and its checkpoint on a busy machine.
const SECONDS: u64 = 20;

#[test]
fn a_grant_expires_while_no_block_is_mined() {
    world::run(async {
        // A chain of one's own: nobody else mines a block on it.
        let world = World::start().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(1_000);
        let record = patient.upload("short.txt", &content).await.record;
        patient.share(&[record], &doctor, SECONDS).await;
        let end = now() + SECONDS;
        assert_eq!(doctor.open_soon(record).await, content);

        // The read's checkpoint is the last block.
        eventually("the read is anchored", || async {
            let anchored = patient.client.chain().access_log().await.map_err(|error| error.to_string())?.accesses.len();
            if anchored == 1 { Ok(()) } else { Err(format!("{anchored} accesses")) }
        })
        .await;
        let before = patient.client.chain().head().await.unwrap();
        assert!(before.time < end, "the machine is too slow for this test's period");
        while now() <= end {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let refused = doctor.open(record).await.expect_err("the period is over");
        assert_eq!(refused.code(), Code::from(ErrorCode::GrantExpired), "{refused}");
        let after = patient.client.chain().head().await.unwrap();
        assert_eq!(after, before, "no block was mined, so only the operator's clock can have told");

        // The patient shares again.
        patient.share(&[record], &doctor, 3_600).await;
        assert_eq!(doctor.open_soon(record).await, content);
    });
}
