//! The HTTP endpoints for health and metrics.

use std::time::{Duration, Instant};

use alloy::transports::http::reqwest;
use indexer::settings::Settings;
use localnet::{Part, Ports};
use serde_json::Value;

use crate::{
    story::{Seed, Story},
    world::World,
};

#[tokio::test]
async fn readiness_and_metrics_are_served_and_an_outage_shows_in_both() {
    let mut world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("readiness_and_metrics"));
    story.begin().await;
    drop(story);
    let listen = Ports::free().indexer;
    let settings = Settings { listen: ([127, 0, 0, 1], listen).into(), ..world.settings.clone() };
    let running = world.follow_with(settings);
    world.caught_up().await;
    let url = |path: &str| format!("http://127.0.0.1:{listen}{path}");

    let ready = until(&url("/readyz"), 200).await;
    let (head, _) = world.head().await;
    assert_eq!((&ready["ready"], &ready["lag"], ready["cursor"].as_u64()), (&true.into(), &0.into(), Some(head)));
    assert_eq!(reqwest::get(url("/healthz")).await.unwrap().status(), 200);

    let metrics = reqwest::get(url("/metrics")).await.unwrap();
    assert_eq!(metrics.status(), 200);
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = metrics.text().await.unwrap();
    assert_eq!(value(&text, "medlock_indexer_cursor_block"), head as f64, "{text}");
    assert_eq!(value(&text, "medlock_indexer_lag_blocks"), 0.0, "{text}");
    assert_eq!(value(&text, "medlock_indexer_active"), 1.0, "{text}");
    assert!(value(&text, "medlock_indexer_events_total") > 0.0, "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let before = value(&text, "medlock_indexer_retries_total");

    world.net.stop_part(Part::Anvil).await;
    let unready = until(&url("/readyz"), 503).await;
    let reason = unready["reason"].as_str().unwrap();
    assert!(reason.starts_with("the RPC endpoint cannot be reached"), "{reason}");
    assert_eq!(reqwest::get(url("/healthz")).await.unwrap().status(), 200);
    let text = reqwest::get(url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(value(&text, "medlock_indexer_retries_total") > before, "{text}");
    running.stop().await.unwrap();
}

/// Asks until the answer has this status.
async fn until(url: &str, status: u16) -> Value {
    let start = Instant::now();
    loop {
        let answer = reqwest::get(url).await.unwrap();
        if answer.status() == status {
            return answer.json().await.unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{url} does not answer with {status}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Returns the value of a metric without labels.
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing in\n{text}")).parse().unwrap()
}
