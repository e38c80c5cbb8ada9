//! A running network with the accreditor whom the owner of the contracts has named.

use std::{
    future::Future,
    path::PathBuf,
    sync::LazyLock,
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use client::{accreditation, act::Way, wallet::LocalWallet};
use localnet::{Stack, StackConfig};
use protocol::codes::Role;
use tokio::{runtime::Runtime, sync::OnceCell};

use crate::person::Person;

/// No test takes longer; one that hangs should fail by itself.
const PATIENCE: Duration = Duration::from_secs(420);
/// How long the mirror, the log and the relayer may take to follow.
const EVENTUALLY: Duration = Duration::from_secs(60);

/// One runtime for all tests, because the shared network's connections live in it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the operating system has threads"));

/// Runs one test.
pub(crate) fn run(test: impl Future<Output = ()>) {
    run_for(PATIENCE, test);
}

/// Runs a test that may take hours, where somebody asked for it.
pub(crate) fn run_long(test: impl Future<Output = ()>) {
    run_for(PATIENCE * 20, test);
}

fn run_for(patience: Duration, test: impl Future<Output = ()>) {
    RUNTIME.block_on(async {
        tokio::time::timeout(patience, test).await.expect("the test hangs");
    });
}

/// Where the parts of a network answer.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) api: String,
    pub(crate) rpc: String,
    pub(crate) kubo: String,
    pub(crate) gateway: String,
    pub(crate) deployment: PathBuf,
}

/// A running network with an accreditor.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) place: Place,
    pub(crate) accreditor: Person,
}

/// The network of the tests that only add things of their own. It ends with the test program.
pub(crate) async fn shared() -> &'static World {
    static SHARED: OnceCell<World> = OnceCell::const_new();
    SHARED.get_or_init(World::start).await
}

impl World {
    /// A network of one's own.
    pub(crate) async fn start() -> Self {
        Self::start_with(StackConfig::for_tests().expect("the programs are installed and built")).await
    }

    /// A network of one's own with other settings.
    pub(crate) async fn start_with(config: StackConfig) -> Self {
        let stack = Stack::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        let place = Place {
            api: stack.api_url(0),
            rpc: stack.localnet().rpc_url(),
            kubo: stack.localnet().kubo_url(),
            gateway: stack.localnet().gateway_url(),
            deployment: stack.deployment().to_owned(),
        };
        let official = |role| LocalWallet::from_private_key(&stack.localnet().person(role).private_key_hex().into());
        let owner = official(localnet::Role::Owner).expect("it is a key");
        let accreditor = official(localnet::Role::Accreditor).expect("it is a key");
        let (owner, accreditor) = tokio::join!(Person::official(&place, owner), Person::official(&place, accreditor));
        accreditation::add_accreditor(&owner.client, &owner.wallet, accreditor.address(), Way::Relayed)
            .await
            .expect("the owner names the accreditor");
        Self { stack, place, accreditor }
    }

    /// One of the people whom the deployment names, with a device of their own and no published key.
    pub(crate) async fn official(&self, role: localnet::Role) -> Person {
        let key = self.stack.localnet().person(role).private_key_hex().into();
        Person::official(&self.place, LocalWallet::from_private_key(&key).expect("it is a key")).await
    }

    /// Somebody new: set up, signed in, key published.
    pub(crate) async fn person(&self) -> Person {
        Person::new(&self.place).await
    }

    /// Somebody new whom the accreditor vouches for.
    pub(crate) async fn practitioner(&self, role: Role) -> Person {
        let person = self.person().await;
        self.accredit(person.address(), role).await;
        person
    }

    /// Vouches for somebody, for a year.
    pub(crate) async fn accredit(&self, practitioner: Address, role: Role) {
        let new = accreditation::NewAccreditation {
            practitioner,
            roles: vec![role],
            valid_from: 0,
            valid_until: now() + 365 * 86_400,
        };
        accreditation::accredit(&self.accreditor.client, &self.accreditor.wallet, &new, Way::Relayed)
            .await
            .expect("the accreditor vouches");
    }
}

/// Unix seconds.
pub(crate) fn now() -> u64 {
    client::chain::unix_now()
}

/// Waits until `probe` gives a value; panics with its last reason after a while.
pub(crate) async fn eventually<T, F: Future<Output = Result<T, String>>>(
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(reason) if start.elapsed() > EVENTUALLY => panic!("{what} did not come about: {reason}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(150)).await,
        }
    }
}
