//! Prints who opens your records, as it happens, each entry compared with the chain. Ends when the server is gone.
//!
//! Set the account up first: `medlock init`, `medlock login`. Then: `cargo run -p client --example follow_log`

#![expect(clippy::print_stdout, reason = "an example prints what it sees")]

use std::{collections::HashSet, pin::pin};

use client::{
    Client,
    audit::{self, LogFilter},
    client::Overrides,
    home::Home,
};
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::open(Home::open(Home::default_dir()?)?, Overrides::default())?;
    let mut printed = HashSet::new();
    loop {
        // The feed is opened before the log is read, so that no read falls between the two.
        let mut events = pin!(client.api()?.events(None).await?);
        loop {
            for read in audit::listed(&client, None, &LogFilter::default()).await?.iter().rev() {
                let reader = read.entry.reader.map_or("a hidden reader".to_owned(), |reader| reader.to_string());
                let (record, purpose) = (read.entry.record, read.entry.purpose);
                let line = format!("{}: {reader} opened {record} for {purpose} ({:?})", read.entry.time, read.on_chain);
                if printed.insert(line.clone()) {
                    println!("{line}");
                }
            }
            // An event says only that something happened: the log says what. A connection that breaks is opened again.
            let Some(Ok(_)) = events.next().await else { break };
        }
    }
}
