//! Secrets of 32 uniform bytes. Each kind has its own type.
//!
//! A secret is wiped when dropped, is compared in constant time, and has no `Debug`, `Display` or `Serialize`:
//!
//! ```compile_fail,E0277
//! let seed = protocol::secret::Seed::from_bytes([7; 32]);
//! println!("{seed:?}");
//! ```
//!
//! ```compile_fail,E0277
//! let key = protocol::secret::DataKey::from_bytes([7; 32]);
//! let _ = serde_json::to_string(&key);
//! ```

use rand::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The operations of every 32-byte secret. With this trait, the same code seals each kind in capsules.
pub trait Secret: Sized + ZeroizeOnDrop + ConstantTimeEq {
    /// Makes the secret from bytes. The caller must wipe its own copy.
    fn from_bytes(bytes: [u8; 32]) -> Self;
    /// Returns the bytes, for use as key material only.
    fn expose(&self) -> &[u8; 32];
}

macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Zeroize, ZeroizeOnDrop)]
            pub struct $name([u8; 32]);

            impl $name {
                /// Makes the secret from bytes. The caller must wipe its own copy.
                #[must_use]
                pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                    Self(bytes)
                }

                /// Generates a new random secret.
                #[must_use]
                pub fn generate(rng: &mut impl CryptoRng) -> Self {
                    let mut secret = Self([0; 32]);
                    rng.fill_bytes(&mut secret.0);
                    secret
                }

                /// Returns the bytes, for use as key material only.
                #[must_use]
                pub const fn expose(&self) -> &[u8; 32] {
                    &self.0
                }
            }

            impl Secret for $name {
                fn from_bytes(bytes: [u8; 32]) -> Self {
                    Self(bytes)
                }

                fn expose(&self) -> &[u8; 32] {
                    &self.0
                }
            }

            impl ConstantTimeEq for $name {
                fn ct_eq(&self, other: &Self) -> Choice {
                    self.0.ct_eq(&other.0)
                }
            }

            impl PartialEq for $name {
                fn eq(&self, other: &Self) -> bool {
                    self.ct_eq(other).into()
                }
            }

            impl Eq for $name {}
        )+

        #[cfg(test)]
        mod wiped_when_dropped {
            const fn assert<T: zeroize::ZeroizeOnDrop>() {}
            $(const _: () = assert::<super::$name>();)+
            const _: () = assert::<crate::identity::IdentityKey>();
            const _: () = assert::<crate::identity::CategoryKey>();
        }

        #[cfg(test)]
        mod never_printed {
            use std::fmt::{Debug, Display};
            $(static_assertions::assert_not_impl_any!(super::$name: Debug, Display, serde::Serialize);)+
            static_assertions::assert_not_impl_any!(crate::identity::IdentityKey: Debug, Display, serde::Serialize);
            static_assertions::assert_not_impl_any!(crate::identity::CategoryKey: Debug, Display, serde::Serialize);
        }
    };
}

secret! {
    /// The secret from which all keys of a person derive: 32 random bytes, kept in the keyring and in the recovery
    /// words.
    Seed;
    /// The AES-256 key of one record version (DEK). Each version has a new one.
    DataKey;
    /// B, the operator's half of a data key. Useless without the other half.
    ReleaseShare;
    /// S, the reader's half of a data key. Useless without the other half.
    ReaderShare;
    /// S, as it is sealed to a category key (reserved for later).
    SlotShare;
    /// The secret from which the key pair of a category derives (not the private scalar).
    CategorySecret;
    /// The key of one note.
    NoteKey;
    /// A guardian's share of a seed; reserved for later.
    GuardianShare;
    /// The key that encrypts the seed for one unlocker.
    KeyEncryptionKey;
}
