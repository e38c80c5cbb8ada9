//! The gas of an action: the limit of its transaction, and the charge to its submitter.

use protocol::messages::Action;

/// The highest gas limit of a transaction (EIP-7825), rounded down.
pub(super) const TRANSACTION_GAS_MAX: u64 = 16_000_000;

/// The most gas that one read adds to a checkpoint.
const PER_ACCESS: u64 = 5_500;

/// Returns an upper bound of the gas that our contracts use for an action with this calldata. It depends only on the
/// action, so it is the same wherever it is computed.
///
/// It adds the base fee, calldata at the standard and at the floor price (EIP-7623), and the operations of the
/// contracts for each kind: each slot counted as new and cold, each log in full. `contracts/gas.json` has the measured
/// values.
pub(super) fn bound(action: &Action, data: &[u8]) -> u64 {
    /// Signature, nonce, permission, one object, its event.
    const ONE_OBJECT: u64 = 90_000;
    /// A new slot, cold, and an event.
    const PER_GRANT: u64 = 28_000;
    let more = match action {
        Action::Grant(grant) => PER_GRANT.saturating_mul(grant.scopes.len() as u64),
        Action::Revoke(revoke) => PER_GRANT.saturating_mul(revoke.grants.len() as u64),
        Action::RegisterKey(key) => 12 * key.key.len() as u64,
        Action::Checkpoint(_) => 3_000 * (data.len() as u64 / 128),
        _ => 0,
    };
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    let tokens = zeros + 4 * (data.len() as u64 - zeros);
    let execution = ONE_OBJECT.saturating_add(more);
    21_000 + (4 * tokens + execution).max(10 * tokens)
}

/// Returns the gas limit of an action's transaction, when its signer is a plain account.
pub(super) fn limit(bound: u64) -> u64 {
    bound.saturating_add(bound / 4).min(TRANSACTION_GAS_MAX)
}

/// Returns the number of reads that fit into one checkpoint at this block gas limit: a quarter of a block, and never
/// more than a transaction may have.
pub(super) fn accesses_max(block_gas_limit: u64) -> usize {
    const FIXED: u64 = 150_000;
    let room = (block_gas_limit / 4).min(TRANSACTION_GAS_MAX);
    // `limit` adds a quarter.
    let accesses = room.saturating_sub(FIXED) / (PER_ACCESS * 5 / 4);
    usize::try_from(accesses.max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, U256};
    use protocol::messages::{Checkpoint, RegisterKey, RevokeAll};

    use super::*;

    #[test]
    fn every_checkpoint_fits_its_share_of_a_block() {
        let action = Action::Checkpoint(Checkpoint {
            operator: Address::ZERO,
            previousHead: B256::ZERO,
            size: 1,
            root: B256::ZERO,
            accessesHash: B256::ZERO,
            nonce: U256::ZERO,
            deadline: U256::ZERO,
        });
        for block in [1_000_000_u64, 5_000_000, 30_000_000, 60_000_000] {
            let accesses = accesses_max(block).min(1_000);
            // Record, tag and leaf have 32 bytes each, and two purposes fit in a word. The fixed fields come before
            // them.
            let data = [vec![1; 700], vec![1; accesses * 98], vec![0; accesses * 30]].concat();
            assert!(limit(bound(&action, &data)) <= block / 4 + 200_000, "{accesses} reads in a block of {block}");
        }
        assert!(accesses_max(30_000_000) >= 1_000);
        assert_eq!(accesses_max(0), 1);
    }

    #[test]
    fn calldata_counts_at_the_floor_price() {
        let key = |length: usize| {
            let (owner, nonce, deadline) = (Address::ZERO, U256::ZERO, U256::ZERO);
            let action = Action::RegisterKey(RegisterKey {
                owner,
                slot: 1,
                epoch: 0,
                kem: 0x16,
                key: vec![1; length].into(),
                nonce,
                deadline,
            });
            bound(&action, &vec![1; length])
        };
        assert!(key(16_384) >= 21_000 + 40 * 16_384);
        assert!(key(65) < 150_000);
        let end = RevokeAll { patient: Address::ZERO, nonce: U256::ZERO, deadline: U256::ZERO };
        assert!(bound(&Action::RevokeAll(end), &[1; 200]) > 39_285, "contracts/gas.json");
    }
}
