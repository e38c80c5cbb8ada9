//! The relayer's transactions: fees, signing, and replacement when one is stuck.

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    eips::eip2718::Encodable2718,
    primitives::{Address, Bytes, TxKind, U256, hex},
    signers::{SignerSync, local::PrivateKeySigner},
};

use super::action_doc::TransactionDoc;

/// The highest fees of a transaction, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    /// Including the base fee.
    pub(super) max_fee: u128,
    /// For the block's proposer.
    pub(super) max_priority_fee: u128,
}

impl Fees {
    /// Returns the fees, at most `ceiling`.
    pub(super) fn capped(self, ceiling: u128) -> Self {
        let max_fee = self.max_fee.min(ceiling);
        Self { max_fee, max_priority_fee: self.max_priority_fee.min(max_fee) }
    }

    /// Returns whether nodes accept a transaction with these fees instead of one with `old`: both must be an eighth
    /// higher.
    pub(super) fn replaces(self, old: Self) -> bool {
        let is_higher = |new: u128, old: u128| new >= old.saturating_add(old / 8).saturating_add(1);
        is_higher(self.max_fee, old.max_fee) && is_higher(self.max_priority_fee, old.max_priority_fee)
    }

    /// Returns the fees of a replacement. Nodes require an eighth more, and the market may have risen further.
    pub(super) fn to_replace(self, market: Self) -> Self {
        let raised = |fee: u128| fee.saturating_add(fee / 4).saturating_add(1);
        Self {
            max_fee: raised(self.max_fee).max(market.max_fee),
            max_priority_fee: raised(self.max_priority_fee).max(market.max_priority_fee),
        }
    }

    /// Returns the fees that a stored transaction offered.
    pub(super) fn of(transaction: &TransactionDoc) -> Option<Self> {
        Some(Self {
            max_fee: transaction.max_fee.parse().ok()?,
            max_priority_fee: transaction.max_priority_fee.parse().ok()?,
        })
    }
}

/// A call for a transaction.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) to: Address,
    pub(super) data: Bytes,
    pub(super) gas_limit: u64,
}

impl Call {
    /// Returns a call that only uses up a nonce.
    pub(super) const fn nothing(relayer: Address) -> Self {
        Self { to: relayer, data: Bytes::new(), gas_limit: 21_000 }
    }
}

/// Signs a call with this nonce. `earlier` are its earlier hashes.
///
/// # Errors
/// Returns an error when the signer fails. A local key never fails.
pub(super) fn sign(
    signer: &PrivateKeySigner,
    chain_id: u64,
    nonce: u64,
    call: &Call,
    fees: Fees,
    earlier: &[String],
    now_ms: i64,
) -> Result<TransactionDoc, alloy::signers::Error> {
    let transaction = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: call.gas_limit,
        max_fee_per_gas: fees.max_fee,
        max_priority_fee_per_gas: fees.max_priority_fee,
        to: TxKind::Call(call.to),
        value: U256::ZERO,
        access_list: Default::default(),
        input: call.data.clone(),
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
    let signed = transaction.into_signed(signature);
    let mut raw = Vec::new();
    signed.encode_2718(&mut raw);
    let mut hashes = earlier.to_vec();
    hashes.push(hex::encode_prefixed(signed.hash()));
    Ok(TransactionDoc {
        relayer: signer.address(),
        nonce: i64::try_from(nonce).unwrap_or(i64::MAX),
        hashes,
        raw: raw.into(),
        max_fee: fees.max_fee.to_string(),
        max_priority_fee: fees.max_priority_fee.to_string(),
        signed_at: now_ms,
        cancelled: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_offers_at_least_an_eighth_more_and_never_less_than_the_market() {
        let old = Fees { max_fee: 800, max_priority_fee: 8 };
        let quiet = old.to_replace(Fees { max_fee: 1, max_priority_fee: 1 });
        assert!(quiet.max_fee >= 900 && quiet.max_priority_fee >= 9);
        let busy = old.to_replace(Fees { max_fee: 5_000, max_priority_fee: 50 });
        assert_eq!(busy, Fees { max_fee: 5_000, max_priority_fee: 50 });
    }

    #[test]
    fn fees_at_the_ceiling_replace_nothing() {
        let old = Fees { max_fee: 100, max_priority_fee: 8 };
        assert!(old.to_replace(old).replaces(old));
        assert!(!old.to_replace(old).capped(100).replaces(old));
        assert!(!old.replaces(old));
        assert_eq!(Fees { max_fee: 100, max_priority_fee: 90 }.capped(50), Fees { max_fee: 50, max_priority_fee: 50 });
    }

    #[test]
    fn a_transaction_keeps_its_earlier_hashes_and_its_nonce() {
        let signer = PrivateKeySigner::from_slice(&[7; 32]).unwrap();
        let call = Call { to: Address::repeat_byte(1), data: Bytes::from_static(&[1, 2]), gas_limit: 50_000 };
        let fees = Fees { max_fee: 10, max_priority_fee: 1 };
        let first = sign(&signer, 31_337, 4, &call, fees, &[], 0).unwrap();
        let second = sign(&signer, 31_337, 4, &call, fees.to_replace(fees), &first.hashes, 1).unwrap();
        assert_eq!(second.nonce, 4);
        assert_eq!(second.hashes.len(), 2);
        assert_eq!(second.hashes[0], first.hashes[0]);
        assert_ne!(second.hashes[1], first.hashes[0]);
    }
}
