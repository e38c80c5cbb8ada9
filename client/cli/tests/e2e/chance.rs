//! Randomness that can be repeated: `MEDLOCK_E2E_SEED=N` plays the same kill points again.

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A seeded generator; prints how to repeat it. `what` tells tests apart, so that each draws its own numbers.
pub(crate) fn seeded(what: &str) -> StdRng {
    let seed = match std::env::var("MEDLOCK_E2E_SEED") {
        Ok(text) => text.parse().expect("MEDLOCK_E2E_SEED is a number"),
        Err(_) => rand::rng().random::<u64>(),
    };
    println!("{what}: MEDLOCK_E2E_SEED={seed}");
    let salt = what.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    StdRng::seed_from_u64(seed ^ salt)
}

/// Bytes that no compression makes smaller and no other test has.
pub(crate) fn document(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    bytes
}
