//! Every query of the server uses an index, however many rows other people have.
//!
//! A walk calls every route of the OpenAPI document while the commands to the database are recorded, those of background
//! work included, so that a new query is tested without a change here. Then each collection gets rows of other people, and
//! each query is judged in two ways. `explain` tells how MongoDB would run it. The embedded server plans as MongoDB does,
//! but its storage can read documents in another way: a query that was explained as one document has read all of them.
//! Therefore the steps of the storage engine are counted, too; both servers report them. Planted scans and look-ups show
//! that both ways can tell them apart.

use std::{collections::BTreeSet, time::Duration};

use mongodb::{
    Client,
    bson::{Document, doc},
};

use super::{
    asked::{Question, Watched},
    crowd, walk,
};
use crate::world::network::Network;

/// Returns how many rows of other people each collection gets. Work is counted and not timed, so a few thousand rows show a
/// scan as surely as 100,000, which the setting allows.
fn rows() -> usize {
    std::env::var("MEDLOCK_ROWS_OF_OTHERS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(3_000)
}

/// A look-up may examine this many documents more than it returns.
const EXTRA_DOCUMENTS_MAX: i64 = 200;
/// Steps of the storage engine that a look-up may take, and more for each returned document: an index entry, the document,
/// and steps that the engine takes in the background.
const STEPS_MAX: i64 = 500;
const STEPS_PER_DOCUMENT_MAX: i64 = 10;

/// Queries of long ranges with a limit: the embedded server reads the whole range, where MongoDB stops at the limit. Only
/// MongoDB's plan counts for these. Each shape has the reason for its long range.
const ONLY_LIMITED: [(&str, &str); 6] = [
    (r#"api_profiles {name:{$gte:_,$lt:_}} sort { "name": 1, "_id": 1 }"#, "a page of the names that begin so"),
    (r#"checkpoints {_id:{$gte:_,$lt:_}} sort { "_id": -1 }"#, "a page of all checkpoints"),
    (
        r#"api_ends {due:{$lte:_},block_number:{$lte:_}} sort { "due": 1 }"#,
        "the next of what is over and waits to be destroyed",
    ),
    (r#"practitioners {} sort { "_id": 1 }"#, "a page of all practitioners, whom accreditors have vouched for"),
    (r#"accesses {$and:[{_id:{$gte:_,$lt:_}}]} sort { "_id": -1 }"#, "a page of the whole log, for auditors"),
    (
        r#"accesses {_id:{$gte:_,$lt:_}} sort { "_id": -1 }"#,
        "the newest entry of the operator's whole log, which is asked for with the first page of one's own",
    ),
];

/// The database's plan for one query, and the work that it did.
#[derive(Debug)]
struct Heard {
    /// Whether MongoDB would scan the collection.
    scans: bool,
    /// Documents that MongoDB would examine, index keys, and documents that it would return.
    examined: i64,
    keys: i64,
    given: i64,
    /// Steps that the storage engine of this server took.
    steps: i64,
}

impl Heard {
    async fn about(client: &Client, question: &Question) -> Self {
        let database = client.database(&question.database);
        let mut find = question.find();
        let mut steps = i64::MAX;
        for _ in 0..3 {
            let before = engine_steps(client).await;
            database.run_command(find.clone()).await.unwrap_or_else(|error| panic!("{}: {error}", question.shape()));
            steps = steps.min(engine_steps(client).await - before);
        }
        find.remove("batchSize");
        let told = database.run_command(doc! { "explain": find, "verbosity": "executionStats" }).await;
        let told = told.unwrap_or_else(|error| panic!("{}: {error}", question.shape()));
        let stats = told.get_document("executionStats").expect("the statistics were asked for");
        Self {
            scans: told.get_document("queryPlanner").expect("the plan was asked for").to_string().contains("COLLSCAN"),
            examined: number(stats, "totalDocsExamined"),
            keys: number(stats, "totalKeysExamined"),
            given: number(stats, "nReturned"),
            steps,
        }
    }

    /// Returns whether MongoDB would look it up.
    fn is_planned_look_up(&self) -> bool {
        !self.scans && self.examined.max(self.keys) <= self.given + EXTRA_DOCUMENTS_MAX
    }

    /// Returns whether this server has looked it up.
    fn was_looked_up(&self) -> bool {
        self.steps <= STEPS_MAX + STEPS_PER_DOCUMENT_MAX * self.given
    }
}

fn number(of: &Document, name: &str) -> i64 {
    let number = of.get_i64(name).or_else(|_| of.get_i32(name).map(i64::from));
    number.unwrap_or_else(|_| panic!("{name} is missing"))
}

/// Returns how often cursors of the storage engine were moved since the server started.
async fn engine_steps(client: &Client) -> i64 {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.expect("the server answers");
    let engine = status.get_document("wiredTiger").and_then(|engine| engine.get_document("cursor"));
    let cursor = engine.expect("both servers run on WiredTiger");
    let moves = ["cursor next calls", "cursor prev calls", "cursor search calls", "cursor search near calls"];
    moves.into_iter().map(|moves| number(cursor, moves)).sum()
}

/// Makes sure that both ways tell planted scans from planted look-ups.
async fn assert_believable(client: &Client, database: &str) {
    let planted = |filter: Document, sort: Option<Document>| Question {
        database: database.to_owned(),
        collection: "api_received".to_owned(),
        filter,
        sort,
        limit: Some(10),
    };
    let scans = [
        ("a field without an index", planted(doc! { "nobody_has_this": 1 }, None)),
        ("the walk along a useless index", planted(doc! { "open": { "$gte": false }, "salt": "none" }, None)),
        ("one alternative without an index", planted(doc! { "$or": [{ "_id": "none" }, { "salt": "none" }] }, None)),
        ("a sort without an index", planted(doc! {}, Some(doc! { "salt": 1 }))),
    ];
    for (what, scan) in scans {
        let heard = Heard::about(client, &scan).await;
        assert!(!heard.is_planned_look_up(), "explain does not tell {what}: {heard:?}");
        assert!(!heard.was_looked_up(), "the engine's steps do not tell {what}: {heard:?}");
    }
    let look_ups = [
        planted(doc! { "_id": "none" }, None),
        planted(doc! { "grantee": "nobody", "hidden": true }, None),
        planted(doc! { "grantee": "nobody", "hidden": false }, Some(doc! { "number": -1, "_id": -1 })),
    ];
    for look_up in look_ups {
        let heard = Heard::about(client, &look_up).await;
        assert!(heard.is_planned_look_up() && heard.was_looked_up(), "{}: {heard:?}", look_up.shape());
    }
}

fn documented_routes() -> BTreeSet<String> {
    let document = serde_json::to_value(api::routes::openapi()).expect("it has a JSON form");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, operations)| {
        let methods = operations.as_object().expect("operations").keys().filter(|key| *key != "parameters");
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_query_of_every_route_uses_an_index_among_rows_of_others() {
    let network = Network::start().await;
    let stop = network.start_indexer();
    let watched = Watched::default();
    let server = network.observed_server(watched.observer()).await;
    server.start();
    let called = walk::every_route(&network, &server).await;
    assert_eq!(called, documented_routes(), "each route has to be called, so that its queries are seen");
    // The sweeper looks at uploads of earlier seconds.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    api::blobs::sweeper::sweep_once(&server.app).await.expect("the sweeper answers");
    // A round of everything that runs beside the routes.
    tokio::time::sleep(Duration::from_secs(6)).await;
    server.stop().await;
    stop.cancel();

    let client = Client::with_uri_str(network.stack.localnet().mongodb_uri()).await.expect("MongoDB answers");
    // Addresses that everybody's rows share.
    let relayers = &server.app.relayers;
    let signers = [relayers.ordinary.address(), relayers.urgent.address(), relayers.checkpoint.address()];
    let shared = [signers.as_slice(), &[server.app.operator.address()]].concat();
    let shared: Vec<String> = shared.iter().map(|address| format!("{address:x}")).collect();
    let mut full = BTreeSet::new();
    for database in [server.app.database.name(), server.app.log_database.name()] {
        let names = crowd::fill(&client.database(database), rows(), &shared).await;
        full.extend(names.into_iter().map(|name| (database.to_owned(), name)));
    }
    assert_believable(&client, server.app.database.name()).await;

    let (mut wrong, mut seen) = (Vec::new(), 0);
    for question in watched.all() {
        if crowd::SMALL.contains(&question.collection.as_str()) || question.collection.is_empty() {
            continue;
        }
        seen += 1;
        if !full.contains(&(question.database.clone(), question.collection.clone())) {
            wrong.push(format!("{}: the walk leaves no row to fill the collection with", question.shape()));
            continue;
        }
        let heard = Heard::about(&client, &question).await;
        let is_only_limited = ONLY_LIMITED.iter().any(|(shape, _)| *shape == question.shape());
        if !heard.is_planned_look_up() || heard.was_looked_up() == is_only_limited {
            wrong.push(format!("{}: {heard:?}", question.shape()));
        }
    }
    assert!(seen > 60, "only {seen} kinds of queries were seen");
    assert!(wrong.is_empty(), "of {seen} kinds of queries, these do not run along an index:\n{}", wrong.join("\n"));
}
