//! A local network: Anvil with the contracts, Kubo and MongoDB.

use std::sync::OnceLock;

use alloy::signers::local::PrivateKeySigner;
use api::{new_operator_key, settings::Settings};
use clap::Parser;
use localnet::{LocalnetConfig, Role, Stack, StackConfig};
use tokio_util::sync::CancellationToken;

/// A local network with the contracts on it and the files of an operator.
pub(crate) struct Network {
    pub(crate) stack: Stack,
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

impl Network {
    /// Starts a network for one test. It ends when it is dropped.
    pub(crate) async fn start() -> Self {
        let config = StackConfig {
            localnet: LocalnetConfig::for_tests().expect("the programs are set up: ./scripts/setup"),
            indexer: "not started".into(),
            api: "not started".into(),
            indexer_settings: Vec::new(),
            api_settings: Vec::new(),
        };
        let network = Self { stack: Stack::without_servers(config).await.expect("the local network starts") };
        network.add_operator_key();
        network
    }

    /// Returns the network that tests share. The first test starts it; its processes end with the program.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Network> = OnceLock::new();
        SHARED.get_or_init(|| {
            // On a thread and a runtime of its own, which outlive the first test.
            std::thread::spawn(|| {
                let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().expect("a runtime")));
                runtime.block_on(Self::start())
            })
            .join()
            .expect("the local network starts")
        })
    }

    /// Adds the operator's next encryption key to the deployment file and returns its epoch.
    pub(crate) fn add_operator_key(&self) -> u32 {
        let secrets = self.stack.secrets();
        new_operator_key::add(&new_operator_key::NewKeySettings {
            deployment: self.stack.deployment().to_owned(),
            operator_key_file: secrets.join("operator.key"),
            operator_secret_file: secrets.join("operator.secret"),
            if_none: false,
        })
        .expect("the operator signs its encryption key")
    }

    /// Sends one JSON-RPC call to the chain and returns the result.
    pub(crate) async fn rpc(&self, method: &str, params: serde_json::Value) -> serde_json::Value {
        self.stack.localnet().rpc(method, params).await.expect("Anvil answers")
    }

    /// Returns the key of one of the network's people.
    pub(crate) fn signer(&self, role: Role) -> PrivateKeySigner {
        self.stack.localnet().person(role).signer
    }

    /// Mirrors the chain until the token is cancelled, as the indexer's own program does.
    pub(crate) fn start_indexer(&self) -> CancellationToken {
        #[derive(Parser)]
        struct Arguments {
            #[command(flatten)]
            settings: indexer::settings::Settings,
        }
        let net = self.stack.localnet();
        let deployment = self.stack.deployment().display().to_string();
        let (rpc, mongodb) = (net.rpc_url(), net.mongodb_uri());
        let mut arguments = vec!["indexer", "--rpc-url", &rpc, "--mongodb-uri", &mongodb];
        arguments.extend(["--deployment", &deployment, "--listen", "127.0.0.1:0"]);
        let settings = Arguments::parse_from(arguments).settings;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move { indexer::run(&settings, stopped).await.map_err(|error| error.to_string()).unwrap() });
        stop
    }

    /// Returns the settings of a server on this network: those that it needs, and the given ones (a flag and its value, in
    /// turn), which replace them.
    pub(crate) fn settings(&self, given: &[&str]) -> Settings {
        let net = self.stack.localnet();
        let secret = |name: &str| self.stack.secrets().join(name).display().to_string();
        let needed = [
            ("--rpc-url", net.rpc_url()),
            ("--mongodb-uri", net.mongodb_uri()),
            ("--deployment", self.stack.deployment().display().to_string()),
            ("--public-url", "http://127.0.0.1:8080".to_owned()),
            ("--kubo-url", net.kubo_url()),
            ("--relayer-key-file", secret("relayer.key")),
            ("--urgent-relayer-key-file", secret("urgent-relayer.key")),
            ("--checkpoint-relayer-key-file", secret("checkpoint-relayer.key")),
            ("--new-accounts", "open".to_owned()),
            ("--operator-key-file", secret("operator.key")),
            ("--operator-secret-file", secret("operator.secret")),
        ];
        let is_given = |flag: &str| given.iter().step_by(2).any(|other| *other == flag);
        let mut arguments = vec!["medlock-api"];
        for (flag, value) in &needed {
            if !is_given(flag) {
                arguments.extend([*flag, value]);
            }
        }
        arguments.extend(given);
        Arguments::try_parse_from(arguments).expect("the settings are valid").settings
    }
}
