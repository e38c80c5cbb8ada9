//! The first steps on a device: where the server and the chain are, and the wallet.

use std::path::{Path, PathBuf};

use protocol::deployment::Deployment;
use secrecy::SecretString;

use crate::{
    api::{Api, ServerError},
    chain::{Chain, ChainError},
    client::{Client, OpenError, Overrides},
    error::{Cause, codes, failure, lift},
    home::{Config, DeviceError, Home, read_deployment},
    operator_key::{self, OperatorKeyError},
    wallet::{LocalWallet, WALLET_FILE, Wallet, WalletError, check_new_passphrase},
};

/// Why a device was not set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// The directory is set up already.
    #[error("{} is set up already.", .0.display())]
    AlreadySetUp(PathBuf),
    /// The directory has the wallet of another account.
    #[error("{} holds another wallet.", .0.display())]
    OtherWallet(PathBuf),
    /// The deployment cannot be used.
    #[error("{what}")]
    InvalidDeployment {
        /// One sentence.
        what: String,
        /// The cause.
        source: Cause,
    },
    /// Nothing says where the deployment file comes from.
    #[error("Neither a server nor a deployment file is named.")]
    NoDeployment,
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet file cannot be read or written.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { SetUpError {
    AlreadySetUp => codes::ALREADY_SET_UP;
    OtherWallet => codes::ALREADY_SET_UP;
    InvalidDeployment => codes::INVALID_DEPLOYMENT;
    NoDeployment => codes::NO_API;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

lift! { OpenError => SetUpError { Server, Chain, Device } }

/// Why a deployment file is not the one of this device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeploymentError {
    /// It is of another deployment.
    #[error("{} is not the deployment that this account was set up with", .0.display())]
    Other(PathBuf),
    /// The operator's keys in it are not those that count.
    #[error(transparent)]
    OperatorKey(OperatorKeyError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { DeploymentError {
    Other => codes::OTHER_DEPLOYMENT,
        "Leave --deployment and MEDLOCK_DEPLOYMENT out, or use another MEDLOCK_HOME for that deployment";
    ..OperatorKey;
    ..Device;
} }

/// The source of the deployment file.
#[derive(Clone, Debug)]
pub enum DeploymentSource {
    /// A file, got from whoever runs the deployment.
    File(PathBuf),
    /// The server. Its addresses are then as trustworthy as the server was at this moment; they are kept and compared
    /// from then on.
    Server,
}

/// The settings of a new device.
pub struct SetUp {
    /// URL of the API; `None` on a device that only restores.
    pub api: Option<String>,
    /// URL of an RPC node.
    pub rpc: String,
    /// The source of the deployment file.
    pub deployment: DeploymentSource,
    /// The wallet; its key goes into the wallet file.
    pub wallet: LocalWallet,
    /// Protects the wallet file and the keyring.
    pub passphrase: SecretString,
}

/// A plan that can be carried out: everything that can be refused was asked, and nothing is written yet.
pub struct Prepared {
    plan: SetUp,
    deployment: Deployment,
    chain: Chain,
}

/// Sets up an empty directory: checks that the chain is the deployment's, writes deployment file, wallet file and
/// configuration, in this order, so that an interrupted set-up can be done again.
///
/// # Errors
/// [`SetUpError::AlreadySetUp`], and what [`Chain::verify_deployment`] finds.
pub async fn set_up(home: Home, plan: SetUp) -> Result<Client, SetUpError> {
    prepare(&home, plan).await?.write(home)
}

/// Checks a plan and writes nothing.
///
/// # Errors
/// As [`set_up`].
pub async fn prepare(home: &Home, plan: SetUp) -> Result<Prepared, SetUpError> {
    check_empty(home)?;
    // The keyring, which comes later, would refuse it.
    check_new_passphrase(&plan.passphrase)?;
    let deployment = match (&plan.deployment, &plan.api) {
        (DeploymentSource::File(path), _) => read_deployment(path)?,
        (DeploymentSource::Server, Some(api)) => deployment_of_server(api).await?,
        (DeploymentSource::Server, None) => {
            return Err(SetUpError::NoDeployment);
        }
    };
    let chain = Chain::new(&plan.rpc, deployment.clone())?;
    chain.verify_deployment().await?;
    deployment.operator_key().map_err(|error| SetUpError::InvalidDeployment {
        what: format!("The deployment file cannot be used: {error}."),
        source: error.into(),
    })?;
    if let Some(api) = &plan.api {
        Api::new(api)?;
    }
    Ok(Prepared { plan, deployment, chain })
}

fn check_empty(home: &Home) -> Result<(), SetUpError> {
    if home.is_set_up() {
        return Err(SetUpError::AlreadySetUp(home.dir().to_owned()));
    }
    Ok(())
}

impl Prepared {
    /// The chain, for what is asked of it before anything is written.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Writes what was planned.
    ///
    /// # Errors
    /// [`SetUpError::AlreadySetUp`], [`SetUpError::OtherWallet`]; what writing the files gives.
    pub fn write(self, home: Home) -> Result<Client, SetUpError> {
        let _held = home.lock()?;
        check_empty(&home)?;
        let Self { plan, deployment, .. } = self;
        home.save_deployment(&deployment)?;
        let wallet_file = home.path(WALLET_FILE);
        if wallet_file.exists() {
            let earlier = LocalWallet::from_file(&wallet_file, &plan.passphrase)?;
            if earlier.address() != plan.wallet.address() {
                return Err(SetUpError::OtherWallet(wallet_file));
            }
        } else {
            plan.wallet.save(&wallet_file, &plan.passphrase)?;
        }
        home.save_config(&Config {
            api: plan.api,
            rpc: plan.rpc,
            deployment: "deployment.json".into(),
            address: plan.wallet.address(),
        })?;
        Ok(Client::open(home, Overrides::default())?)
    }
}

/// Asks a server for its copy of the deployment file.
///
/// # Errors
/// [`SetUpError::InvalidDeployment`]; what asking the server gives.
pub async fn deployment_of_server(api: &str) -> Result<Deployment, SetUpError> {
    let deployment = Api::new(api)?.server_info().await?.deployment;
    deployment.check_version().map_err(|error| SetUpError::InvalidDeployment {
        what: format!("The server's deployment cannot be used: {error}."),
        source: error.into(),
    })?;
    Ok(deployment)
}

/// Makes sure that a deployment `file`, where a setting names one, is the one that this device was set up with. It may
/// have further keys of the operator, which are then kept.
///
/// # Errors
/// [`DeploymentError`].
pub fn expect_deployment(client: &Client, file: Option<&Path>) -> Result<(), DeploymentError> {
    let Some(file) = file else { return Ok(()) };
    let told = read_deployment(file)?;
    operator_key::check(client, &told, &file.display().to_string()).map(drop).map_err(|error| match error {
        OperatorKeyError::OtherDeployment { .. } => DeploymentError::Other(file.to_owned()),
        OperatorKeyError::Device(error) => error.into(),
        other => DeploymentError::OperatorKey(other),
    })
}
