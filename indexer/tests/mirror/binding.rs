//! A mirror is used only with the chain and contracts that it belongs to.

use indexer::{RunError, error::Refusal, settings::Settings};
use mongodb::bson::{Document, doc};
use protocol::mirror::collection;
use tokio_util::sync::CancellationToken;

use crate::{
    story::{Seed, Story},
    world::World,
};

/// Returns the settings with a deployment file in which one thing is changed.
fn changed(world: &World, name: &str, change: impl FnOnce(&mut protocol::deployment::Deployment)) -> Settings {
    let mut deployment = world.deployment.clone();
    change(&mut deployment);
    let file = world.net.state_dir().join(name);
    std::fs::write(&file, serde_json::to_string(&deployment).unwrap()).unwrap();
    Settings { deployment: file, ..world.settings.clone() }
}

async fn refusal(settings: &Settings) -> Refusal {
    match indexer::run(settings, CancellationToken::new()).await {
        Err(RunError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn anything_else_than_its_own_chain_contracts_and_form_is_refused() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("refusals"));
    let running = world.follow();
    story.act(3).await;
    world.caught_up().await;
    running.stop().await.unwrap();
    let before = world.mirror().await;

    let other_id = changed(&world, "id.json", |deployment| deployment.chain_id += 1);
    let found = refusal(&other_id).await;
    assert!(matches!(found, Refusal::OtherChainId { .. }), "{found}");

    let other_genesis = changed(&world, "genesis.json", |deployment| deployment.genesis_hash.0[0] ^= 1);
    let found = refusal(&other_genesis).await;
    assert!(matches!(found, Refusal::OtherGenesis { .. }), "{found}");

    let other_contracts =
        changed(&world, "contracts.json", |deployment| deployment.contracts.access_log.address.0[0] ^= 1);
    let found = refusal(&other_contracts).await;
    assert!(matches!(found, Refusal::OtherMirror { what: "other contracts" }), "{found}");
    let refused = indexer::reindex(&other_contracts, false, CancellationToken::new()).await;
    assert!(matches!(refused, Err(RunError::Refused(Refusal::OtherMirror { .. }))), "{refused:?}");
    assert_eq!(world.mirror().await, before, "a refusal changes nothing");

    let cursor = world.db().collection::<Document>(collection::CURSOR);
    cursor.update_one(doc! {}, doc! { "$inc": { "mirror_version": 1_i64 } }).await.unwrap();
    let found = refusal(&world.settings).await;
    assert!(matches!(found, Refusal::OtherForm), "{found}");
    assert_eq!(found.exit_code(), 3);
    assert!(found.remedy().contains("medlock-indexer reindex"));

    cursor.delete_many(doc! {}).await.unwrap();
    let found = refusal(&world.settings).await;
    assert!(matches!(found, Refusal::Leftovers), "{found}");

    indexer::reindex(&world.settings, false, CancellationToken::new()).await.unwrap();
    assert_eq!(world.mirror().await, before, "reindex mends it");

    indexer::reindex(&other_contracts, true, CancellationToken::new()).await.unwrap();
    assert_ne!(world.mirror().await, before, "told to, it takes the other contracts");
}

#[tokio::test]
async fn reindex_leaves_other_collections_alone() {
    let world = World::start().await;
    let sessions = world.db().collection::<Document>("sessions");
    sessions.insert_one(doc! { "_id": "of the API" }).await.unwrap();
    for _ in 0..2 {
        indexer::reindex(&world.settings, false, CancellationToken::new()).await.unwrap();
        assert_eq!(sessions.count_documents(doc! {}).await.unwrap(), 1);
    }
    world.assert_mirror_is_true("after reindex").await;
}

#[tokio::test]
async fn the_command_line_says_what_is_wrong_and_what_to_do() {
    let world = World::start().await;
    let settings = changed(&world, "id.json", |deployment| deployment.chain_id += 1);
    let output = world.command().env("MEDLOCK_DEPLOYMENT", &settings.deployment).arg("run").output().await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> =
        text.lines().filter(|line| line.starts_with("error: ") || line.starts_with("  do: ")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].contains("MEDLOCK_RPC_URL"), "{text}");
    assert_eq!(output.status.code(), Some(4));
}
