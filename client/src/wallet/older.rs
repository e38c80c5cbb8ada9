//! Wallet files of the older form: Web3 keystores behind scrypt with 8 MiB, which a passphrase is guessed through eight times
//! as fast as through the keyring. They are read once and replaced.

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::WalletError;

/// Most memory that an older file may make scrypt use: 128 r n bytes.
const MEMORY_MAX: u64 = 256 << 20;
/// Most lanes, each with a pass over that memory.
const LANES_MAX: u32 = 8;

/// The parts of a keystore that its library takes without looking: a file with other ones could make it use all memory,
/// or panic.
#[derive(Deserialize)]
struct Keystore {
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: String,
    kdf: String,
    kdfparams: ScryptParams,
    mac: String,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

#[derive(Deserialize)]
struct ScryptParams {
    dklen: u32,
    n: u32,
    p: u32,
    r: u32,
    salt: String,
}

/// Returns whether it looks like a Web3 keystore.
pub(crate) fn is_older(bytes: &[u8]) -> bool {
    let found: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    found.is_some_and(|value| value.get("crypto").is_some())
}

/// Opens it, after checking that opening it is bounded.
pub(super) fn open(path: &Path, bytes: &[u8], passphrase: &SecretString) -> Result<PrivateKeySigner, WalletError> {
    let unusable = || WalletError::OtherKeystore(path.to_owned());
    let keystore: Keystore = serde_json::from_slice(bytes).map_err(|_| unusable())?;
    if !is_bounded(&keystore.crypto) {
        return Err(unusable());
    }
    PrivateKeySigner::decrypt_keystore(path, passphrase.expose_secret().as_bytes())
        .map_err(|error| WalletError::WrongPassphrase(Some(error.into())))
}

fn is_bounded(crypto: &Crypto) -> bool {
    let is_hex = |text: &str, len: usize| {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        digits.len() == 2 * len && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let params = &crypto.kdfparams;
    let memory = 128 * u64::from(params.n) * u64::from(params.r);
    crypto.kdf == "scrypt"
        && crypto.cipher == "aes-128-ctr"
        && is_hex(&crypto.cipherparams.iv, 16)
        && is_hex(&crypto.ciphertext, 32)
        && is_hex(&crypto.mac, 32)
        && params.dklen == 32
        && params.n.is_power_of_two()
        && params.n > 1
        && params.r > 0
        && memory <= MEMORY_MAX
        && (1..=LANES_MAX).contains(&params.p)
        && params.salt.len() <= 256
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;
    use crate::wallet::{LocalWallet, Wallet};

    fn older_file(dir: &Path, passphrase: &str) -> (std::path::PathBuf, PrivateKeySigner) {
        let signer = PrivateKeySigner::random();
        PrivateKeySigner::encrypt_keystore(
            dir,
            &mut alloy::signers::k256::elliptic_curve::rand_core::OsRng,
            signer.to_bytes(),
            passphrase,
            Some("wallet.json"),
        )
        .unwrap();
        (dir.join("wallet.json"), signer)
    }

    #[test]
    fn an_older_file_is_read_once_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        // A new passphrase may not be this short, but an existing file still opens.
        let (path, signer) = older_file(dir.path(), "8 chars!");
        let refused = LocalWallet::from_file(&path, &"another".into()).err().unwrap();
        assert_eq!(refused.code(), "wrong_passphrase");
        assert!(is_older(&std::fs::read(&path).unwrap()), "a wrong passphrase replaces nothing");
        for _ in 0..2 {
            let wallet = LocalWallet::from_file(&path, &"8 chars!".into()).unwrap();
            assert_eq!(wallet.address(), signer.address());
            let bytes = std::fs::read(&path).unwrap();
            assert!(!is_older(&bytes) && !bytes.windows(6).any(|part| part == b"scrypt"));
        }
    }

    #[test]
    fn a_keystore_that_would_take_all_memory_or_panic_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _) = older_file(dir.path(), "passphrase");
        let good: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let changes: [(&str, serde_json::Value); 6] = [
            ("/crypto/kdfparams/n", (1_u64 << 30).into()),
            ("/crypto/kdfparams/n", 12_345.into()),
            ("/crypto/kdfparams/dklen", 16.into()),
            ("/crypto/kdfparams/p", 1_000_000.into()),
            ("/crypto/cipherparams/iv", "00".into()),
            ("/crypto/ciphertext", "00".into()),
        ];
        for (place, value) in changes {
            let mut changed = good.clone();
            *changed.pointer_mut(place).unwrap() = value;
            std::fs::write(&path, changed.to_string()).unwrap();
            let refused = LocalWallet::from_file(&path, &"passphrase".into()).err().unwrap();
            assert_eq!(refused.code(), "invalid_wallet", "{place}");
            assert!(refused.now().contains("medlock init --import-key-file"), "{}", refused.now());
        }
    }
}
