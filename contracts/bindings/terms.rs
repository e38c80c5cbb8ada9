use alloy::primitives::U256;
use protocol::codes::ScopeKind;

/// The terms of a grant, unpacked from the storage word (`IGrantRegistry`, type `Terms`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Unix seconds; the first second.
    pub not_before: u64,
    /// Unix seconds; the first second after.
    pub not_after: u64,
    /// Grant epoch; raised by every Grant and Revoke.
    pub epoch: u32,
    /// The patient's epoch when granted.
    pub patient_epoch: u32,
    /// Bit set of purposes.
    pub purposes: u16,
    /// Bit set of rights; zero when revoked or never granted.
    pub rights: u8,
    /// What it covers; `None` for a code that this version does not know.
    pub kind: Option<ScopeKind>,
}

impl From<U256> for Terms {
    /// From the lowest bit: notBefore 40 · notAfter 40 · epoch 32 · patient epoch 32 · purposes 16 · rights 8 · kind 8.
    fn from(word: U256) -> Self {
        let field = |shift: usize, bits: usize| ((word >> shift) & U256::from((1_u64 << bits) - 1)).to::<u64>();
        let narrow = "masked to the width of its type";
        Self {
            not_before: field(0, 40),
            not_after: field(40, 40),
            epoch: field(80, 32).try_into().expect(narrow),
            patient_epoch: field(112, 32).try_into().expect(narrow),
            purposes: field(144, 16).try_into().expect(narrow),
            rights: field(160, 8).try_into().expect(narrow),
            kind: ScopeKind::from_code(field(168, 8).try_into().expect(narrow)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_comes_from_its_own_bits() {
        let word = U256::from(1_u64)
            | U256::from(2_u64) << 40
            | U256::from(3_u64) << 80
            | U256::from(4_u64) << 112
            | U256::from(5_u64) << 144
            | U256::from(2_u64) << 160
            | U256::from(1_u64) << 168;
        let expected = Terms {
            not_before: 1,
            not_after: 2,
            epoch: 3,
            patient_epoch: 4,
            purposes: 5,
            rights: 2,
            kind: Some(ScopeKind::Category),
        };
        assert_eq!(Terms::from(word), expected);
        assert_eq!(Terms::from(U256::from((1_u64 << 40) - 1)).not_before, (1 << 40) - 1);
        assert_eq!(Terms::from(U256::from(9_u64) << 168).kind, None);
    }
}
