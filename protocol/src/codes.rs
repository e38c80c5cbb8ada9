//! The closed lists: purposes, roles, rights, scope kinds, record status, categories.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

/// A word that is not in one of the lists of this module.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown {list}")]
pub struct UnknownCode {
    /// Which list was asked.
    pub list: &'static str,
}

macro_rules! bits {
    ($(#[$doc:meta])* $name:ident($int:ty), $list:literal { $($(#[$vdoc:meta])* $variant:ident = $bit:literal, $text:tt;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every member, in the order of its bit.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The bit on chain.
            #[must_use]
            pub const fn bit(self) -> $int {
                match self { $(Self::$variant => 1 << $bit),+ }
            }

            /// The word used in JSON, on the command line and on screen.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The bit set of several.
            #[must_use]
            pub fn mask(members: &[Self]) -> $int {
                members.iter().fold(0, |mask, member| mask | member.bit())
            }

            /// The members of a bit set; bits that mean nothing are dropped.
            #[must_use]
            pub fn from_mask(mask: $int) -> Vec<Self> {
                Self::ALL.iter().copied().filter(|member| mask & member.bit() != 0).collect()
            }

            /// The single member of a bit set, if it has exactly one and it is known.
            #[must_use]
            pub fn from_bit(bit: $int) -> Option<Self> {
                Self::ALL.iter().copied().find(|member| member.bit() == bit)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownCode;
            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                Self::ALL.iter().copied().find(|m| m.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownCode { list: $list })
            }
        }
    };
}

bits! {
    /// Why somebody reads: HL7 v3 PurposeOfUse.
    Purpose(u16), "purpose" {
        /// Treatment.
        Treatment = 0, "TREAT";
        /// Emergency treatment.
        EmergencyTreatment = 1, "ETREAT";
        /// Break the glass.
        BreakTheGlass = 2, "BTG";
        /// Healthcare payment.
        Payment = 3, "HPAYMT";
        /// Healthcare operations.
        Operations = 4, "HOPERAT";
        /// Healthcare research.
        Research = 5, "HRESCH";
        /// Patient requested; needs no accreditation.
        PatientRequested = 6, "PATRQT";
        /// Family requested; needs no accreditation.
        FamilyRequested = 7, "FAMRQT";
        /// Public health.
        PublicHealth = 8, "PUBHLTH";
        /// Coordination of care.
        Coordination = 9, "COC";
    }
}

bits! {
    /// What an accreditor vouches for.
    Role(u8), "role" {
        /// A physician.
        Doctor = 0, "doctor";
        /// A nurse.
        Nurse = 1, "nurse";
        /// A laboratory.
        Lab = 2, "lab";
        /// A pharmacy.
        Pharmacy = 3, "pharmacy";
        /// Reads the access log.
        Auditor = 4, "auditor";
        /// An emergency service.
        Emergency = 5, "emergency";
        /// A researcher.
        Researcher = 6, "researcher";
    }
}

bits! {
    /// What a grant permits. A grant carries exactly one.
    Right(u8), "right" {
        /// Open records.
        Read = 0, "read";
        /// Add records.
        Write = 1, "write";
    }
}

macro_rules! list {
    ($(#[$doc:meta])* $name:ident($int:ty), $list:literal { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $text:tt;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[repr($int)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant = $code,)+ }

        impl $name {
            /// Every member, in the order of its code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code on chain.
            #[must_use]
            pub const fn code(self) -> $int { self as $int }

            /// The member with this code.
            #[must_use]
            pub fn from_code(code: $int) -> Option<Self> {
                Self::ALL.iter().copied().find(|member| member.code() == code)
            }

            /// The word used in JSON, on the command line and on screen.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownCode;
            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                Self::ALL.iter().copied().find(|m| m.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownCode { list: $list })
            }
        }
    };
}

list! {
    /// What a grant covers.
    ScopeKind(u8), "scope kind" {
        /// One record.
        Record = 0, "record";
        /// One category.
        Category = 1, "category";
        /// Everything.
        All = 2, "all";
    }
}

list! {
    /// Where a record stands. Only its patient moves it: forward, and back from a tombstone within the lift period.
    RecordStatus(u8), "record status" {
        /// Readable.
        Active = 1, "active";
        /// Readable, but replaced by something newer.
        Superseded = 2, "superseded";
        /// Closed for everybody; for ever, once the lift period is over.
        Tombstoned = 3, "tombstoned";
    }
}

list! {
    /// The coarse folder of a record. Public on chain: sensitive kinds use `unspecified`.
    Category(u16), "category" {
        /// Says nothing.
        Unspecified = 0, "unspecified";
        /// Laboratory reports.
        Laboratory = 1, "laboratory";
        /// Radiology and other images.
        Imaging = 2, "imaging";
        /// Heart.
        Cardiology = 3, "cardiology";
        /// Prescriptions and medication plans.
        Medication = 4, "medication";
        /// Vaccinations.
        Immunization = 5, "immunization";
        /// Letters and discharge summaries.
        Letter = 6, "letter";
        /// Operations and procedures.
        Procedure = 7, "procedure";
        /// Allergies.
        Allergy = 8, "allergy";
        /// Diagnoses.
        Diagnosis = 9, "diagnosis";
        /// Treatment notes.
        Note = 10, "note";
        /// Teeth.
        Dental = 11, "dental";
        /// Eyes.
        Eye = 12, "eye";
        /// Pathology.
        Pathology = 13, "pathology";
        /// Bills and insurance.
        Administrative = 14, "administrative";
    }
}

impl Category {
    /// The scope id of a grant over this category: the code in the low bytes.
    #[must_use]
    pub fn scope_id(self) -> B256 {
        B256::left_padding_from(&self.code().to_be_bytes())
    }
}

impl Purpose {
    /// Whether a reader needs an accreditation for this purpose (all but FAMRQT and PATRQT).
    #[must_use]
    pub const fn needs_accreditation(self) -> bool {
        !matches!(self, Self::PatientRequested | Self::FamilyRequested)
    }
}

/// The most scopes one Grant message may name (`GrantRegistry`).
pub const MAX_SCOPES: usize = 64;
/// The largest time, in unix seconds, that a message, a leaf or a filter may name: what 40 bits hold.
pub const TIME_MAX: u64 = (1 << 40) - 1;
/// The most accesses one checkpoint may carry (`AccessLog`).
pub const MAX_BATCH: usize = 1_000;
/// CID codec of a single raw block.
pub const CODEC_RAW: u8 = 0x55;
/// CID codec of a UnixFS tree.
pub const CODEC_DAG_PB: u8 = 0x70;
/// HPKE KEM id of DHKEM(secp256k1, HKDF-SHA256), IANA HPKE registry.
pub const KEM_SECP256K1: u16 = 0x0016;
/// Key slot of the identity key (`KeyRegistry`).
pub const SLOT_IDENTITY: u8 = 0;
/// Key slot of the list of category keys (`KeyRegistry`).
pub const SLOT_CATEGORIES: u8 = 1;
