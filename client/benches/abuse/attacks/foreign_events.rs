//! An account that is not the operator writes 1,000 reads of the patient's record to the log contract, in one
//! transaction.

use std::{net::Ipv4Addr, sync::Arc};

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolCall,
};
use async_trait::async_trait;
use contracts::access_log::AccessLog::{Access, Head, checkpointCall};
use protocol::{codes::Purpose, deployment::ContractName};
use tokio_util::sync::CancellationToken;

use super::Attack;
use crate::{purse::Purse, tally::Tally, world::World};

pub(super) const NAME: &str = "foreign-events";
const EVENTS: usize = 1_000;
/// The largest gas limit of a transaction.
const GAS: u64 = 16_000_000;

pub(super) struct ForeignEvents {
    purse: Arc<Purse>,
    call: (Address, Bytes),
}

pub(super) fn prepare(world: &World, purse: &Arc<Purse>) -> ForeignEvents {
    let access = |_| Access {
        record: world.record.0,
        tag: world.tag.0,
        purposes: Purpose::BreakTheGlass.bit(),
        leaf: B256::new(rand::random()),
    };
    let call = checkpointCall {
        current: Head { previous: B256::ZERO, size: 0, root: B256::ZERO },
        root: B256::new(rand::random()),
        accesses: (0..EVENTS).map(access).collect(),
    };
    let to = world.deployment().address_of(ContractName::AccessLog);
    ForeignEvents { purse: purse.clone(), call: (to, call.abi_encode().into()) }
}

#[async_trait]
impl Attack for ForeignEvents {
    fn is_endless(&self) -> bool {
        false
    }

    async fn run(&self, _: Ipv4Addr, _: &CancellationToken, tally: &Tally) -> anyhow::Result<()> {
        self.purse.send(vec![self.call.clone()], GAS).await?;
        tally.happened(format!("{EVENTS} events mined"));
        tally.note(format!("by {}, on the chain itself", self.purse.address()));
        Ok(())
    }
}
