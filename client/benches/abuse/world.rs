//! The network with two-second blocks, and the ordinary people on it.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use client::{
    accreditation::{self, NewAccreditation},
    act::Way,
    chain::unix_now,
    grants::{self, NewGrants, Scope},
    upload::{self, NewUpload, Source, Target},
    wallet::{LocalWallet, Wallet},
};
use localnet::{LocalnetConfig, Stack, StackConfig};
use protocol::{
    codes::{Category, Purpose, Right, Role},
    deployment::{ContractName, Deployment},
    ids::{RecordId, Salt, Tag},
};
use tempfile::TempDir;

use crate::{people::Person, purse::Purse};

/// Seconds between two blocks: as on a busy chain, so that the benchmark has enough blocks.
const BLOCK_SECONDS: u64 = 2;

/// The network and the ordinary people.
pub(crate) struct World {
    // Fields drop in this order: the servers before the folder.
    pub(crate) stack: Stack,
    folder: TempDir,
    pub(crate) patient: Person,
    pub(crate) doctor: Person,
    /// The record that the doctor may read.
    pub(crate) record: RecordId,
    /// The doctor's tag for this patient, and its salt.
    pub(crate) tag: Tag,
    pub(crate) salt: Salt,
    api_pid: u32,
}

impl World {
    /// Starts everything. Then an accredited doctor may read a record of the patient.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut network = LocalnetConfig::for_tests()?;
        network.settings.block_time_seconds = BLOCK_SECONDS;
        let mut stack = Stack::start(StackConfig::on(network)?).await?;
        let api_pid = stack.api(0).context("the API runs")?.pid();

        let official = async |role: localnet::Role| -> anyhow::Result<Person> {
            let wallet = LocalWallet::from_private_key(&stack.localnet().person(role).private_key_hex().into())?;
            Person::with_wallet(&stack, &folder.path().join(role.name()), wallet).await
        };
        let (patient, doctor, owner, accreditor) = tokio::try_join!(
            async { Person::new(&stack, &folder.path().join("patient")).await },
            async { Person::new(&stack, &folder.path().join("doctor")).await },
            official(localnet::Role::Owner),
            official(localnet::Role::Accreditor),
        )?;
        let named = accreditor.wallet.address();
        accreditation::add_accreditor(&owner.client, &owner.wallet, named, Way::Relayed).await?;
        let vouched = NewAccreditation {
            practitioner: doctor.wallet.address(),
            roles: vec![Role::Doctor],
            valid_from: 0,
            valid_until: unix_now() + 365 * 86_400,
        };
        accreditation::accredit(&accreditor.client, &accreditor.wallet, &vouched, Way::Relayed).await?;

        let document = folder.path().join("document");
        std::fs::write(&document, vec![7; 10_000])?;
        let record = upload(&patient, document).await?;
        let grant = NewGrants {
            grantee: doctor.wallet.address(),
            right: Right::Read,
            scopes: vec![Scope::Record(record)],
            purposes: vec![Purpose::Treatment],
            not_before: 1,
            not_after: unix_now() + 86_400,
            request: None,
            way: Way::Relayed,
        };
        grants::grant(&patient.client, &patient.wallet, &patient.keys, &grant).await?;
        let deployment = patient.client.deployment();
        let registry = deployment.address_of(ContractName::GrantRegistry);
        let (tag, salt) = patient.keys.seed().tag(deployment.chain_id, registry, doctor.wallet.address(), Right::Read);
        Ok(Self { stack, folder, patient, doctor, record, tag, salt, api_pid })
    }

    /// Returns the process id of the API.
    pub(crate) const fn api_pid(&self) -> u32 {
        self.api_pid
    }

    /// Returns the address on which the API listens.
    pub(crate) fn api_socket(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.stack.api_url(0).trim_start_matches("http://").parse()?)
    }

    pub(crate) fn deployment(&self) -> &Deployment {
        self.patient.client.deployment()
    }

    /// Returns a path in the folder of the benchmark.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the ether of an account that medlock does not use otherwise. It may be called once: two purses of one
    /// account would give two transactions the same nonce.
    pub(crate) fn purse(&self) -> anyhow::Result<Purse> {
        let network = self.stack.localnet();
        let signer = network.person(localnet::Role::SecondPatient).signer;
        Purse::new(signer, &network.rpc_url(), self.deployment().clone())
    }
}

/// Uploads a document as a record of the same person.
pub(crate) async fn upload(person: &Person, document: PathBuf) -> anyhow::Result<RecordId> {
    let new = NewUpload {
        source: Source::File(document),
        target: Target::NewRecord { patient: person.wallet.address(), category: Category::Laboratory },
        file_name: "document".into(),
        media_type: None,
        way: Way::Relayed,
    };
    Ok(upload::upload(&person.client, &person.wallet, new, &client::Progress::silent()).await?.record)
}
