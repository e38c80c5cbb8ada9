//! The terms of a grant as the contract stores them, and what they permit.

use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

use crate::codes::{Purpose, Right, ScopeKind};

/// The terms of a grant, unpacked from the storage word (`IGrantRegistry`, type `Terms`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The first second of the period, in Unix seconds.
    pub not_before: u64,
    /// The first second after the period, in Unix seconds.
    pub not_after: u64,
    /// The grant epoch, which every Grant and Revoke raises. Zero when nothing was ever granted.
    pub epoch: u32,
    /// The patient's epoch at the time of the grant.
    pub patient_epoch: u32,
    /// The bit set of purposes.
    pub purposes: u16,
    /// The bit set of rights; zero when revoked or never granted.
    pub rights: u8,
    /// The kind of scope; `None` for a code that this version does not know.
    pub kind: Option<ScopeKind>,
}

/// The state of a grant at a given time. `active`: it is valid now. `future`: its period has not begun. `expired`: its
/// period is over. `revoked`: the patient ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// The grant is valid now.
    Active,
    /// The period has not begun.
    Future,
    /// The period is over.
    Expired,
    /// The patient ended the grant.
    Revoked,
}

impl GrantState {
    /// Returns whether the grant is valid now, or will be valid later without another signature.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Future)
    }
}

/// A question about a grant: does it permit this?
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The right that is needed.
    pub right: Right,
    /// The purpose of a read; `None` for an upload, for which no purpose is compared.
    pub purpose: Option<Purpose>,
    /// The patient's epoch at the block for which the question is asked.
    pub patient_epoch: u32,
    /// The time in Unix seconds.
    pub time: u64,
}

/// The answer for one grant, ordered from worst to best. When there are several grants, the best answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was ever granted here.
    NeverGranted,
    /// The patient ended the grant.
    Revoked,
    /// The grant gives the other right.
    OtherRight,
    /// The grant has other purposes.
    OtherPurpose,
    /// The period of the grant has not begun or is over.
    OutsidePeriod,
    /// The grant permits it.
    Permitted,
}

impl Terms {
    /// Returns whether the patient has given this grant and not ended it since. The period does not matter.
    #[must_use]
    pub const fn stands(&self, patient_epoch: u32) -> bool {
        self.rights != 0 && self.patient_epoch == patient_epoch
    }

    /// Returns the state at `time` (Unix seconds). The end is the first second at which the grant is no longer valid.
    #[must_use]
    pub const fn state_at(&self, patient_epoch: u32, time: u64) -> GrantState {
        if !self.stands(patient_epoch) {
            GrantState::Revoked
        } else if time < self.not_before {
            GrantState::Future
        } else if time >= self.not_after {
            GrantState::Expired
        } else {
            GrantState::Active
        }
    }

    /// Returns the answer of the grant to a question, as `GrantRegistry.isGranted` does, and the reason when it does
    /// not permit.
    #[must_use]
    pub fn verdict(&self, asked: &Asked) -> Verdict {
        let purpose = asked.purpose.map_or(0, Purpose::bit);
        if self.epoch == 0 {
            Verdict::NeverGranted
        } else if !self.stands(asked.patient_epoch) {
            Verdict::Revoked
        } else if self.rights & asked.right.bit() == 0 {
            Verdict::OtherRight
        } else if self.purposes & purpose != purpose {
            Verdict::OtherPurpose
        } else if self.state_at(asked.patient_epoch, asked.time) != GrantState::Active {
            Verdict::OutsidePeriod
        } else {
            Verdict::Permitted
        }
    }

    /// Returns whether the grant permits what the question asks for.
    #[must_use]
    pub fn permits(&self, asked: &Asked) -> bool {
        self.verdict(asked) == Verdict::Permitted
    }
}

impl From<U256> for Terms {
    /// Unpacks the storage word. Fields from the lowest bit: notBefore 40 · notAfter 40 · epoch 32 · patient epoch 32 ·
    /// purposes 16 · rights 8 · kind 8.
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
