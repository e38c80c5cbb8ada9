//! A random number generator that always returns the same bytes: SHA-256(name ‖ counter). For vectors and tests only.

use std::convert::Infallible;

use rand::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

pub(crate) struct FixedRng {
    name: &'static str,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl FixedRng {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, counter: 0, block: [0; 32], used: 32 }
    }
}

impl TryRng for FixedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            if self.used == 32 {
                self.block =
                    Sha256::new().chain_update(self.name).chain_update(self.counter.to_be_bytes()).finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for FixedRng {}
