//! A chain, a database and indexers in simulated time. The code of the indexer is the real one.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indexer::{
    binding::Binding,
    chain::{Chain, Endpoints},
    decode::Contracts,
    error::Refusal,
    follow::{Follower, Goal},
    health::Status,
    mirror::Mirror,
    rebuild::Rebuild,
    settings::Pace,
    time::{Instant, JoinHandle, sleep, spawn, timeout},
};
use mongodb::bson::Document;
use protocol::mirror::collection;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    chain::{self, Endpoint, Tree},
    contracts_model::deployment,
    dice::Dice,
    store::{self, Client, Database},
};

/// The longest simulated time for a mirror to reach the head in a healthy world.
const PATIENCE: Duration = Duration::from_secs(600);

/// All parts of a simulation.
pub(crate) struct Simulation {
    pub(crate) tree: Arc<Mutex<Tree>>,
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
    pub(crate) database: Arc<Mutex<Database>>,
    pub(crate) indexers: Vec<Indexer>,
    pub(crate) pace: Pace,
    pub(crate) bell: Arc<Notify>,
    pub(crate) store_faults: store::Faults,
    seed: u64,
    started: u64,
    rebuilds: AtomicU64,
}

/// One indexer process.
pub(crate) struct Indexer {
    pub(crate) client: Client,
    pub(crate) status: Arc<Status>,
    stop: CancellationToken,
    /// The result; `None` when it was killed.
    task: JoinHandle<Option<Result<(), Refusal>>>,
}

impl Simulation {
    /// Returns a healthy world with a chain that has only its genesis block.
    pub(crate) fn new(seed: u64, endpoints: u64, pace: Pace) -> Self {
        let tree = Arc::new(Mutex::new(Tree::new(Dice::of(seed, "chain"))));
        let endpoint = |index| {
            let dice = Dice::of(seed, &format!("endpoint {index}"));
            Arc::new(Endpoint::new(tree.clone(), dice))
        };
        let endpoints = (0..endpoints).map(endpoint).collect();
        Self {
            tree,
            endpoints,
            database: Arc::default(),
            indexers: Vec::new(),
            pace,
            bell: Arc::default(),
            store_faults: store::Faults::default(),
            seed,
            started: 0,
            rebuilds: AtomicU64::new(0),
        }
    }

    /// Returns a world with one endpoint, with limits for the logs and blocks in one answer.
    pub(crate) fn limited(seed: u64, max_logs: u64, max_blocks: u64, pace: Pace) -> Self {
        let mut world = Self::new(seed, 0, pace);
        let endpoint = Endpoint::new(world.tree.clone(), Dice::of(seed, "endpoint 0"));
        world.endpoints.push(Arc::new(endpoint.limited_to(max_logs, max_blocks)));
        world
    }

    /// Runs `medlock-indexer reindex`, as a separate process would.
    pub(crate) fn rebuild(&self) -> impl Future<Output = Result<(), String>> + use<> {
        let name = format!("reindex {}", self.rebuilds.fetch_add(1, Ordering::Relaxed));
        let client = Client::new(&self.database, &name, Dice::of(self.seed, &name));
        client.set_faults(self.store_faults);
        let deployment = deployment(self.tree().genesis());
        let status: Arc<Status> = Arc::default();
        let rebuild = Rebuild {
            chain: self.chain(&status),
            live: Mirror::new(Arc::new(client)),
            binding: Binding::of(&deployment),
            contracts: Contracts::of(&deployment),
            pace: self.pace,
            status,
            name,
        };
        async move { rebuild.run(&CancellationToken::new()).await.map_err(|error| error.to_string()) }
    }

    fn chain(&self, status: &Arc<Status>) -> Arc<dyn Chain> {
        let endpoints = self.endpoints.iter().map(|endpoint| endpoint.clone() as Arc<dyn Chain>).collect();
        Arc::new(Endpoints::new(endpoints, status.clone()))
    }

    pub(crate) fn tree(&self) -> std::sync::MutexGuard<'_, Tree> {
        self.tree.lock().expect("no panic")
    }

    pub(crate) fn database(&self) -> std::sync::MutexGuard<'_, Database> {
        self.database.lock().expect("no panic")
    }

    fn follower(&self, client: &Client, name: &str, status: &Arc<Status>, bell: Arc<Notify>) -> Follower {
        let deployment = deployment(self.tree().genesis());
        let chain = self.chain(status);
        let mirror = Mirror::new(Arc::new(client.clone()));
        let (binding, contracts) = (Binding::of(&deployment), Contracts::of(&deployment));
        Follower::new(chain, mirror, binding, contracts, self.pace, status.clone(), bell).named(name.into())
    }

    /// Starts an indexer.
    pub(crate) fn start(&mut self) {
        self.started += 1;
        let name = format!("indexer {}", self.started);
        let client = Client::new(&self.database, &name, Dice::of(self.seed, &name));
        client.set_faults(self.store_faults);
        let (status, stop) = (Arc::new(Status::default()), CancellationToken::new());
        let follower = self.follower(&client, &name, &status, self.bell.clone());
        let task = spawn({
            let (client, stop) = (client.clone(), stop.clone());
            async move {
                tokio::select! {
                    biased;
                    () = client.crashed() => None,
                    ended = follower.run(Goal::Follow, &stop) => Some(ended),
                }
            }
        });
        self.indexers.push(Indexer { client, status, stop, task });
    }

    /// Removes indexers that have ended.
    ///
    /// # Errors
    /// The message of an indexer that refused to continue.
    pub(crate) async fn reap(&mut self) -> Result<(), String> {
        for index in (0..self.indexers.len()).rev() {
            if self.indexers[index].task.is_finished() {
                let indexer = self.indexers.remove(index);
                if let Ok(Some(Err(refusal))) = indexer.task.await {
                    return Err(format!("an indexer refused to go on: {refusal}"));
                }
            }
        }
        Ok(())
    }

    /// Kills an indexer, as `kill -9` does.
    pub(crate) async fn kill(&mut self, index: usize) {
        let indexer = self.indexers.remove(index);
        indexer.client.kill();
        indexer.task.abort();
        drop(indexer.task.await);
    }

    /// Stops an indexer properly.
    ///
    /// # Errors
    /// The message of an indexer that refused to continue, or did not stop.
    pub(crate) async fn stop(&mut self, index: usize) -> Result<(), String> {
        let indexer = self.indexers.remove(index);
        indexer.stop.cancel();
        match timeout(Duration::from_secs(5), indexer.task).await {
            Ok(Ok(None | Some(Ok(())))) => Ok(()),
            Ok(Ok(Some(Err(refusal)))) => Err(format!("an indexer refused to go on: {refusal}")),
            Ok(Err(_)) => Err("an indexer ended by itself".into()),
            Err(_) => Err("an indexer did not stop within five seconds".into()),
        }
    }

    /// Waits for an indexer that is expected to end by itself.
    pub(crate) async fn ended(&mut self, index: usize) -> Result<(), Refusal> {
        let indexer = self.indexers.remove(index);
        let ended = timeout(PATIENCE, indexer.task).await.expect("it ends by itself");
        ended.expect("it does not panic").expect("it was not killed")
    }

    /// Ends all faults.
    pub(crate) fn heal(&mut self) {
        self.store_faults = store::Faults::default();
        for endpoint in &self.endpoints {
            endpoint.set_faults(chain::Faults::default());
            endpoint.set_stuck(false);
            endpoint.set_down(false);
        }
        for indexer in &self.indexers {
            indexer.client.set_faults(store::Faults::default());
            indexer.client.set_down(false);
        }
    }

    pub(crate) fn is_at_head(&self) -> bool {
        let head = format!("{:#x}", self.tree().head().header.hash);
        let cursor = self.database().documents(collection::CURSOR);
        cursor.first().is_some_and(|cursor| cursor.get_str("block_hash") == Ok(&head))
    }

    /// Waits until the mirror is at the head.
    ///
    /// # Errors
    /// Returns an error when the mirror does not reach the head, or an indexer refuses to continue.
    pub(crate) async fn settle(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while !self.is_at_head() {
            self.reap().await?;
            if self.indexers.is_empty() {
                self.start();
            }
            if start.elapsed() > PATIENCE {
                let reason = self.indexers[0].status.readiness().reason;
                return Err(format!("the mirror does not reach the head: {}", reason.unwrap_or_default()));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Ends all faults, lets the mirror reach the head, stops every indexer, and compares the mirror with a new rebuild
    /// and with the contracts.
    ///
    /// # Errors
    /// The differences.
    pub(crate) async fn finish(&mut self) -> Result<(), String> {
        self.heal();
        self.settle().await?;
        while !self.indexers.is_empty() {
            self.stop(0).await?;
        }
        self.check().await
    }

    /// Compares the mirror with a new rebuild and with the contracts.
    ///
    /// # Errors
    /// The differences.
    pub(crate) async fn check(&self) -> Result<(), String> {
        if let Some(violation) = self.database().violations.first() {
            return Err(violation.clone());
        }
        let mirror = contents(&self.database).await?;
        let fresh: Arc<Mutex<Database>> = Arc::default();
        let client = Client::new(&fresh, "rebuild", Dice::of(self.seed, "rebuild"));
        let follower = self.follower(&client, "rebuild", &Arc::default(), Arc::default());
        let rebuilt = follower.run(Goal::ReachHead, &CancellationToken::new()).await;
        rebuilt.map_err(|refusal| format!("a rebuild is refused: {refusal}"))?;
        let rebuilt = contents(&fresh).await?;
        for ((name, found), (_, expected)) in mirror.iter().zip(&rebuilt) {
            if found != expected {
                let odd = found.iter().find(|document| !expected.contains(document));
                let lacking = expected.iter().find(|document| !found.contains(document));
                return Err(format!(
                    "{name}: {} documents, a rebuild has {}; only here {odd:?}, only there {lacking:?}",
                    found.len(),
                    expected.len()
                ));
            }
        }
        let head = self.tree().head();
        head.state.check(&mirror)?;
        match self.database().lost_events() {
            0 => Ok(()),
            lost => Err(format!("{lost} orphaned events were not kept")),
        }
    }
}

async fn contents(database: &Arc<Mutex<Database>>) -> Result<Vec<(&'static str, Vec<Document>)>, String> {
    let client = Client::new(database, "reader", Dice::new(0));
    Mirror::new(Arc::new(client)).contents().await.map_err(|error| error.to_string())
}
