//! The first steps on a device: where the server and the chain are, and the wallet.

use std::path::{Path, PathBuf};

use protocol::deployment::Deployment;
use secrecy::SecretString;

use crate::{
    api::Api,
    chain::Chain,
    client::{Client, Overrides},
    error::{ClientError, Kind},
    home::{Config, Home, read_deployment},
    operator_key,
    wallet::{LocalWallet, WALLET_FILE, Wallet, check_new_passphrase},
};

/// Where the deployment file comes from.
#[derive(Clone, Debug)]
pub enum DeploymentSource {
    /// A file, got from whoever runs the deployment.
    File(PathBuf),
    /// The server. Its addresses are then as trustworthy as the server was at this moment; they are kept and compared
    /// from then on.
    Server,
}

/// What a device starts with.
pub struct SetUp {
    /// URL of the API; `None` on a device that only restores.
    pub api: Option<String>,
    /// URL of an RPC node.
    pub rpc: String,
    /// Where the deployment file comes from.
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
/// [`Kind::AlreadySetUp`], and what [`Chain::verify_deployment`] finds.
pub async fn set_up(home: Home, plan: SetUp) -> Result<Client, ClientError> {
    prepare(&home, plan).await?.write(home)
}

/// Checks a plan and writes nothing.
///
/// # Errors
/// As [`set_up`].
pub async fn prepare(home: &Home, plan: SetUp) -> Result<Prepared, ClientError> {
    check_empty(home)?;
    // The keyring, which comes later, would refuse it.
    check_new_passphrase(&plan.passphrase)?;
    let deployment = match (&plan.deployment, &plan.api) {
        (DeploymentSource::File(path), _) => read_deployment(path)?,
        (DeploymentSource::Server, Some(api)) => deployment_of_server(api).await?,
        (DeploymentSource::Server, None) => {
            return Err(ClientError::new(Kind::NoApi, "Neither a server nor a deployment file is named."));
        }
    };
    let chain = Chain::new(&plan.rpc, deployment.clone())?;
    chain.verify_deployment().await?;
    deployment.operator_key().map_err(|error| {
        ClientError::new(Kind::InvalidDeployment, format!("The deployment file cannot be used: {error}."))
            .because(error)
    })?;
    if let Some(api) = &plan.api {
        Api::new(api)?;
    }
    Ok(Prepared { plan, deployment, chain })
}

fn check_empty(home: &Home) -> Result<(), ClientError> {
    if home.is_set_up() {
        return Err(ClientError::new(Kind::AlreadySetUp, format!("{} is set up already.", home.dir().display())));
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
    /// [`Kind::AlreadySetUp`], [`Kind::LocalFile`].
    pub fn write(self, home: Home) -> Result<Client, ClientError> {
        let _held = home.lock()?;
        check_empty(&home)?;
        let Self { plan, deployment, .. } = self;
        home.save_deployment(&deployment)?;
        let wallet_file = home.path(WALLET_FILE);
        if wallet_file.exists() {
            let earlier = LocalWallet::from_file(&wallet_file, &plan.passphrase)?;
            if earlier.address() != plan.wallet.address() {
                return Err(holds_another(&wallet_file));
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
        Client::open(home, Overrides::default())
    }
}

/// The wallet file of a directory holds another account than the one that was asked for.
#[must_use]
pub fn holds_another(wallet_file: &std::path::Path) -> ClientError {
    ClientError::new(Kind::AlreadySetUp, format!("{} holds another wallet.", wallet_file.display()))
}

/// Asks a server for its copy of the deployment file.
///
/// # Errors
/// [`Kind::Unreachable`], [`Kind::InvalidAnswer`], [`Kind::InvalidDeployment`].
pub async fn deployment_of_server(api: &str) -> Result<Deployment, ClientError> {
    let deployment = Api::new(api)?.server_info().await?.deployment;
    deployment.check_version().map_err(|error| {
        ClientError::new(Kind::InvalidDeployment, format!("The server's deployment cannot be used: {error}."))
    })?;
    Ok(deployment)
}

/// Makes sure that a deployment `file`, where a setting names one, is the one that this device was set up with. It may
/// have further keys of the operator, which are then kept.
///
/// # Errors
/// [`Kind::OtherDeployment`], [`Kind::OperatorKeys`], [`Kind::InvalidDeployment`].
pub fn expect_deployment(client: &Client, file: Option<&Path>) -> Result<(), ClientError> {
    let Some(file) = file else { return Ok(()) };
    let told = read_deployment(file)?;
    match operator_key::check(client, &told, &file.display().to_string()) {
        Err(error) if *error.kind() == Kind::OtherDeployment => {
            let what = format!("{} is not the deployment that this account was set up with", file.display());
            Err(ClientError::new(Kind::OtherDeployment, what).remedy(
                "Leave --deployment and MEDLOCK_DEPLOYMENT out, or use another MEDLOCK_HOME for that deployment",
            ))
        }
        outcome => outcome.map(drop),
    }
}
