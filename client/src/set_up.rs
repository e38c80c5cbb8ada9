//! The first steps on a device: where the server and the chain are, and the wallet.

use std::path::PathBuf;

use protocol::deployment::Deployment;
use secrecy::SecretString;

use crate::{
    client::Client,
    error::ClientError,
    home::Home,
    wallet::LocalWallet,
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
    /// The wallet; its key goes into the keystore.
    pub wallet: LocalWallet,
    /// Protects the keystore.
    pub passphrase: SecretString,
}

/// Sets up an empty directory: checks that the chain is the deployment's, writes keystore, deployment file and
/// configuration.
///
/// # Errors
/// [`crate::Kind::AlreadySetUp`], and what [`crate::chain::Chain::verify_deployment`] finds.
pub async fn set_up(home: Home, plan: SetUp) -> Result<Client, ClientError> {
    let _ = (home, plan);
    Err(crate::error::being_written())
}

/// Asks a server for its copy of the deployment file.
///
/// # Errors
/// [`crate::Kind::Unreachable`], [`crate::Kind::InvalidAnswer`].
pub async fn deployment_of_server(api: &str) -> Result<Deployment, ClientError> {
    let _ = api;
    Err(crate::error::being_written())
}
