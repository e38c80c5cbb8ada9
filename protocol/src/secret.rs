//! Secrets of 32 uniform bytes, each its own type.
//!
//! A secret wipes itself when dropped, is compared in constant time, and has no `Debug`, `Display` or `Serialize`:
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

/// What every 32-byte secret can do; lets capsules seal each kind by the same code.
pub trait Secret: Sized + ZeroizeOnDrop + ConstantTimeEq {
    /// Takes the bytes over. The caller's copy is the caller's to wipe.
    fn from_bytes(bytes: [u8; 32]) -> Self;
    /// The bytes, for use as key material only.
    fn expose(&self) -> &[u8; 32];
}

macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Zeroize, ZeroizeOnDrop)]
            pub struct $name([u8; 32]);

            impl $name {
                /// Takes the bytes over. The caller's copy is the caller's to wipe.
                #[must_use]
                pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                    Self(bytes)
                }

                /// Draws a new one.
                #[must_use]
                pub fn generate(rng: &mut impl CryptoRng) -> Self {
                    let mut secret = Self([0; 32]);
                    rng.fill_bytes(&mut secret.0);
                    secret
                }

                /// The bytes, for use as key material only.
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
        }

        #[cfg(test)]
        mod never_printed {
            use std::fmt::{Debug, Display};
            $(static_assertions::assert_not_impl_any!(super::$name: Debug, Display, serde::Serialize);)+
            static_assertions::assert_not_impl_any!(crate::identity::IdentityKey: Debug, Display, serde::Serialize);
        }
    };
}

secret! {
    /// The root of everything a person holds: 32 random bytes, kept in the keyring and in the recovery words.
    Seed;
    /// The AES-256 key of one record version (DEK), made new for each.
    DataKey;
    /// B, the operator's half of a data key; useless alone.
    ReleaseShare;
    /// S, the reader's half of a data key; useless alone.
    ReaderShare;
    /// The input from which a category's key pair is derived (not the scalar).
    CategorySecret;
    /// The key of one note.
    NoteKey;
    /// A guardian's share of a seed; its use is reserved.
    GuardianShare;
    /// What wraps the seed for one unlocker.
    KeyEncryptionKey;
}
