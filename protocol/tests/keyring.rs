//! The keyring, the recovery kit, notes and address books, in cases that the vectors do not cover.

#[path = "../examples/vectors/fixed_rng.rs"]
mod fixed_rng;

use alloy::primitives::{Address, U256, address, eip191_hash_message, keccak256};
use fixed_rng::FixedRng;
use k256::ecdsa::SigningKey;
use protocol::{
    address_book::{AddressBook, AddressBookError, MAX_NAME_LEN},
    capsule::Binding,
    keyring::{Keyring, KeyringError, MAX_ENTRIES, WalletMessage, same_signature},
    note::{self, MAX_NOTE_TEXT_LEN, NOTE_LEN, NoteError},
    recovery::{RecoveryError, RecoveryKit},
    secret::Seed,
};

const CHAIN: u64 = 31_337;

fn wallet() -> (SigningKey, Address) {
    let key = SigningKey::from_slice(&[0x57; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let owner = Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..]);
    (key, owner)
}

fn sign(key: &SigningKey, text: &str) -> Vec<u8> {
    let (signature, recovery) = key.sign_prehash_recoverable(eip191_hash_message(text).as_slice());
    [signature.to_bytes().as_slice(), &[27 + recovery.to_byte()]].concat()
}

fn message(owner: Address) -> WalletMessage {
    WalletMessage::new(
        owner,
        CHAIN,
        "medlock.example",
        "https://medlock.example",
        "2026-11-21T03:00:00Z",
        &mut FixedRng::new("m"),
    )
    .unwrap()
}

#[test]
fn the_other_half_of_s_and_any_v_unlock_too() {
    let (key, owner) = wallet();
    let message = message(owner);
    let signature = sign(&key, &message.to_string());
    let mut high = signature.clone();
    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    high[32..64].copy_from_slice(&(order - U256::from_be_slice(&signature[32..64])).to_be_bytes::<32>());
    high[64] ^= 1;
    assert!(same_signature(&signature, &high).unwrap());

    let mut keyring = Keyring::new(CHAIN, owner);
    let seed = Seed::from_bytes([8; 32]);
    keyring.add_wallet(&seed, message.clone(), &signature, &high, &mut FixedRng::new("k")).unwrap();
    assert!(keyring.open_with_wallet(&message, &high).unwrap() == seed);
    let stored = Keyring::from_json(&keyring.to_json(), CHAIN, owner).unwrap();
    assert_eq!(stored, keyring);
}

#[test]
fn a_wallet_that_signs_differently_each_time_does_not_get_the_unlocker() {
    let (key, owner) = wallet();
    let message = message(owner);
    let first = sign(&key, &message.to_string());
    let second = sign(&key, "something else");
    let mut keyring = Keyring::new(CHAIN, owner);
    let added =
        keyring.add_wallet(&Seed::from_bytes([8; 32]), message.clone(), &first, &second, &mut FixedRng::new("k"));
    assert_eq!(added, Err(KeyringError::UnstableSignature));
    let added = keyring.add_wallet(&Seed::from_bytes([8; 32]), message, &second, &second, &mut FixedRng::new("k"));
    assert_eq!(added, Err(KeyringError::InvalidSignature), "stable, but of another text");
    assert!(keyring.entries().is_empty());
}

#[test]
fn parts_that_would_add_a_line_to_the_message_are_refused() {
    let (_, owner) = wallet();
    for (domain, uri, time) in [
        ("a\nb", "https://a", "2026-11-21T03:00:00Z"),
        ("", "https://a", "2026-11-21T03:00:00Z"),
        ("a", "https://a b", "2026-11-21T03:00:00Z"),
        ("a", "https://a", "2026-11-21 03:00:00Z"),
        ("a", "https://a", "2026-11-21T03:00:00Z\nResources:"),
    ] {
        let made = WalletMessage::new(owner, CHAIN, domain, uri, time, &mut FixedRng::new("m"));
        assert_eq!(made.err(), Some(KeyringError::Malformed));
    }
    let text = message(owner).to_string();
    assert_eq!(text.parse::<WalletMessage>().unwrap(), message(owner));
    for changed in [
        text.clone() + "\n",
        text.replace("Version: 1", "Version: 2"),
        text.to_lowercase(),
        text.replace("keyring", "session"),
    ] {
        assert!(changed.parse::<WalletMessage>().is_err());
    }
}

#[test]
fn weak_passphrases_and_full_keyrings_are_refused() {
    let (key, owner) = wallet();
    let seed = Seed::from_bytes([8; 32]);
    let mut keyring = Keyring::new(CHAIN, owner);
    for passphrase in ["", "ninechars", &"x".repeat(1_025)] {
        let added = keyring.add_passphrase(&seed, passphrase, &mut FixedRng::new("k"));
        assert_eq!(added, Err(KeyringError::PassphraseLength));
    }
    let message = message(owner);
    let signature = sign(&key, &message.to_string());
    let mut add = || keyring.add_wallet(&seed, message.clone(), &signature, &signature, &mut FixedRng::new("k"));
    for _ in 0..MAX_ENTRIES {
        add().unwrap();
    }
    assert_eq!(add(), Err(KeyringError::Full));
    assert!(keyring.remove(0) && !keyring.remove(99));
    assert!(matches!(keyring.open_with_passphrase("a passphrase that is not there"), Err(KeyringError::NoMatch)));
}

#[test]
fn the_kit_that_was_printed_is_read_back() {
    let (_, owner) = wallet();
    let kit = RecoveryKit { chain_id: CHAIN, owner, seed: Seed::from_bytes([0x7a; 32]) };
    let text = kit.to_text();
    for text in [text.to_string(), text.replace('\n', "\r\n\r\n"), text.replace("   ", " ")] {
        let read = RecoveryKit::parse(&text).unwrap();
        assert!(read.seed == kit.seed);
        assert_eq!((read.chain_id, read.owner), (CHAIN, owner));
    }
    assert_eq!(RecoveryKit::parse(&text.replace("version 1", "version 2")).err(), Some(RecoveryError::Malformed));
    let words = kit.seed.to_words();
    let first = words.split(' ').next().unwrap();
    assert_eq!(Seed::from_words(&words.replacen(first, "medlock", 1)).err(), Some(RecoveryError::UnknownWord(1)));
    assert!(Seed::from_words(&words.to_uppercase()).unwrap() == kit.seed);
}

#[test]
fn notes_take_as_much_as_they_say() {
    let patient = Seed::from_bytes([1; 32]).identity_key(1);
    let author = address!("3c44cdddb6a900fa2b585dd299e03d12fa4293bc");
    let binding = Binding::note(CHAIN, author, Address::ZERO, 1);
    let mut rng = FixedRng::new("note");
    for len in [0, 1, MAX_NOTE_TEXT_LEN] {
        let text = "x".repeat(len);
        let sealed = note::seal(&text, author, patient.public_key(), &binding, &mut rng).unwrap();
        assert_eq!(sealed.len(), NOTE_LEN);
        assert_eq!(*note::open(&sealed, author, &patient, &binding).unwrap(), text);
    }
    let long = note::seal(&"x".repeat(MAX_NOTE_TEXT_LEN + 1), author, patient.public_key(), &binding, &mut rng);
    assert_eq!(long, Err(NoteError::TooLong));
}

#[test]
fn the_address_book_keeps_names_for_its_owner_only() {
    let (owner, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let seed = Seed::from_bytes([3; 32]);
    let mut book = AddressBook::default();
    book.set(other, "Dr. Ada").unwrap();
    assert_eq!(book.set(other, " "), Err(AddressBookError::Name));
    assert_eq!(book.set(other, &"x".repeat(MAX_NAME_LEN + 1)), Err(AddressBookError::Name));
    let sealed = book.seal(&seed, owner, &mut FixedRng::new("book")).unwrap();
    assert_eq!(sealed.len(), 4 + 12 + 4_096 + 16);
    assert_eq!(AddressBook::open(&sealed, &seed, owner).unwrap().find(other), Some("Dr. Ada"));
    assert_eq!(AddressBook::open(&sealed, &Seed::from_bytes([4; 32]), owner).err(), Some(AddressBookError::Tag));
    assert_eq!(AddressBook::open(&sealed[..15], &seed, owner).err(), Some(AddressBookError::Malformed));
    assert_eq!(AddressBook::open(&sealed[..20], &seed, owner).err(), Some(AddressBookError::Tag));
    assert!(book.remove(other) && !book.remove(other));
    assert_eq!(format!("{book:?}"), "AddressBook(0 names)");
}
