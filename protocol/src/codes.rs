//! The closed lists of codes: purposes, roles, rights, scope kinds, record status, categories.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

/// A word that is not in one of the lists of this module.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown {list}")]
pub struct UnknownCode {
    /// The name of the list.
    pub list: &'static str,
}

macro_rules! bits {
    ($(#[$doc:meta])* $name:ident($int:ty), $list:literal { $($(#[$vdoc:meta])* $variant:ident = $bit:literal, $text:tt;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every member, in the order of the bits.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the bit on chain.
            #[must_use]
            pub const fn bit(self) -> $int {
                match self { $(Self::$variant => 1 << $bit),+ }
            }

            /// Returns the word for JSON, the command line and the screen.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Returns the bit set of several members.
            #[must_use]
            pub fn mask(members: &[Self]) -> $int {
                members.iter().fold(0, |mask, member| mask | member.bit())
            }

            /// Returns the members of a bit set. Unknown bits are ignored.
            #[must_use]
            pub fn from_mask(mask: $int) -> Vec<Self> {
                Self::ALL.iter().copied().filter(|member| mask & member.bit() != 0).collect()
            }

            /// Returns the member, if exactly one bit is set and it is known.
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
    /// The purpose of a read, a code of HL7 v3 PurposeOfUse. TREAT: treatment. ETREAT: emergency treatment. BTG:
    /// emergency, without asking the patient first (break the glass). HPAYMT: payment for care. HOPERAT: running a
    /// practice or a hospital. HRESCH: research. PATRQT: at the patient's own request. FAMRQT: at the request of the
    /// family. PUBHLTH: public health. COC: coordination of care. PATRQT and FAMRQT need no accreditation, all others do.
    Purpose(u16), "purpose" {
        /// Treatment.
        Treatment = 0, "TREAT";
        /// Emergency treatment.
        EmergencyTreatment = 1, "ETREAT";
        /// Emergency, without asking the patient first (break the glass).
        BreakTheGlass = 2, "BTG";
        /// Payment for care.
        Payment = 3, "HPAYMT";
        /// Running a practice or a hospital.
        Operations = 4, "HOPERAT";
        /// Research.
        Research = 5, "HRESCH";
        /// At the patient's own request; needs no accreditation.
        PatientRequested = 6, "PATRQT";
        /// At the request of the family; needs no accreditation.
        FamilyRequested = 7, "FAMRQT";
        /// Public health.
        PublicHealth = 8, "PUBHLTH";
        /// Coordination of care.
        Coordination = 9, "COC";
    }
}

bits! {
    /// The role for which an accreditor vouches.
    Role(u8), "role" {
        /// A physician.
        Doctor = 0, "doctor";
        /// A nurse.
        Nurse = 1, "nurse";
        /// A laboratory.
        Lab = 2, "lab";
        /// A pharmacy.
        Pharmacy = 3, "pharmacy";
        /// An auditor, who reads the access log.
        Auditor = 4, "auditor";
        /// An emergency service.
        Emergency = 5, "emergency";
        /// A researcher.
        Researcher = 6, "researcher";
    }
}

bits! {
    /// The right that a grant gives: `read` (open records) or `write` (add records). A grant has exactly one.
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
            /// Every member, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the code on chain.
            #[must_use]
            pub const fn code(self) -> $int { self as $int }

            /// Returns the member with this code.
            #[must_use]
            pub fn from_code(code: $int) -> Option<Self> {
                Self::ALL.iter().copied().find(|member| member.code() == code)
            }

            /// Returns the word for JSON, the command line and the screen.
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
    /// The kind of scope: what a grant covers.
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
    /// The status of a record. `active`: readable. `superseded`: readable, but replaced by something newer. `tombstoned`:
    /// closed for everybody; permanent after the lift period. Only the patient changes it: forward in this order, and back
    /// from a tombstone within the lift period.
    RecordStatus(u8), "record status" {
        /// Readable.
        Active = 1, "active";
        /// Readable, but replaced by something newer.
        Superseded = 2, "superseded";
        /// Closed for everybody. Permanent after the lift period.
        Tombstoned = 3, "tombstoned";
    }
}

list! {
    /// The coarse category of a record. It is public on chain; sensitive kinds use `unspecified`.
    Category(u16), "category" {
        /// No category is given.
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
    /// Returns the scope id of a grant over this category: the code in the low bytes.
    #[must_use]
    pub fn scope_id(self) -> B256 {
        B256::left_padding_from(&self.code().to_be_bytes())
    }
}

impl Purpose {
    /// Returns whether a reader needs an accreditation for this purpose (all but FAMRQT and PATRQT).
    #[must_use]
    pub const fn needs_accreditation(self) -> bool {
        !matches!(self, Self::PatientRequested | Self::FamilyRequested)
    }
}

impl Role {
    /// The mask of any accreditation, whatever its roles (`Roles.ANY` of the contracts).
    pub const ANY: u8 = 255;
    /// The roles that may upload for others (`Roles.UPLOADER` of the contracts).
    pub const UPLOADERS: [Self; 5] = [Self::Doctor, Self::Nurse, Self::Lab, Self::Pharmacy, Self::Emergency];
}

/// The largest number of scopes in one Grant message (`GrantRegistry`).
pub const MAX_SCOPES: usize = 64;
/// The largest time, in Unix seconds, in a message, a leaf or a filter: the largest 40-bit number.
pub const TIME_MAX: u64 = (1 << 40) - 1;
/// The largest number of accesses in one checkpoint (`AccessLog`).
pub const MAX_BATCH: usize = 1_000;
/// The CID codec of a single raw block.
pub const CODEC_RAW: u8 = 0x55;
/// The CID codec of a UnixFS tree.
pub const CODEC_DAG_PB: u8 = 0x70;
/// The HPKE KEM id of DHKEM(secp256k1, HKDF-SHA256), IANA HPKE registry.
pub const KEM_SECP256K1: u16 = 0x0016;
/// The HPKE KEM id of MLKEM768-X25519, X-Wing, IANA HPKE registry.
pub const KEM_X_WING: u16 = 0x647a;
/// The key slot of the identity key (`KeyRegistry`).
pub const SLOT_IDENTITY: u8 = 0;
/// The key slot of the list of category keys (`KeyRegistry`).
pub const SLOT_CATEGORIES: u8 = 1;
