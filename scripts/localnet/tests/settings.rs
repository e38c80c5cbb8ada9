//! `anvil.toml`: valid settings are read, invalid ones are refused with a message.

use localnet::{Role, Settings, settings::checkout};

fn committed() -> String {
    std::fs::read_to_string(checkout().unwrap().join("anvil.toml")).unwrap()
}

/// Reads the committed file with one piece of text replaced.
fn read_with(from: &str, to: &str) -> Result<Settings, String> {
    let text = committed();
    assert!(text.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anvil.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    Settings::read(&path).map_err(|error| error.to_string())
}

fn refused(from: &str, to: &str) -> String {
    read_with(from, to).expect_err("must be refused")
}

#[test]
fn committed_file_is_right() {
    let settings = Settings::find().unwrap();
    assert_eq!(settings.chain_id, 31337);
    let address = settings.person(Role::Owner).address.to_string();
    assert_eq!(address, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
}

#[test]
fn every_role_has_its_own_account() {
    let settings = Settings::find().unwrap();
    let mut addresses: Vec<_> = Role::ALL.into_iter().map(|role| settings.person(role).address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), Role::ALL.len());
}

#[test]
fn unknown_key_is_refused() {
    assert!(refused("chain_id", "chainid").contains("unknown field `chainid`"));
}

#[test]
fn missing_role_is_refused() {
    assert!(refused("auditor = 7\n", "").contains("people.auditor is missing"));
}

#[test]
fn unknown_role_is_refused() {
    assert!(refused("auditor = 7", "auditor = 7\nwitch = 12").contains("unknown variant `witch`"));
}

#[test]
fn shared_account_is_refused() {
    assert!(refused("auditor = 7", "auditor = 6").contains("two people share an account"));
}

#[test]
fn account_without_money_is_refused() {
    assert!(refused("auditor = 7", "auditor = 20").contains("people.auditor is account 20"));
}

#[test]
fn wrong_words_are_refused() {
    assert!(refused("junk", "trash").contains("mnemonic"));
}

#[test]
fn numbers_out_of_range_are_refused() {
    assert!(refused("port = 8545", "port = 0").contains("port"));
    assert!(refused("port = 8545", "port = 70000").contains("70000"));
    assert!(refused("chain_id = 31337", "chain_id = 0").contains("chain_id"));
    assert!(refused("accounts = 20", "accounts = 0").contains("accounts"));
    assert!(refused("accounts = 20", "accounts = -1").contains("-1"));
    assert!(refused("interval_seconds = 1", "interval_seconds = 0").contains("interval_seconds"));
}

#[test]
fn state_file_cannot_leave_its_folder() {
    assert!(refused("\"anvil-state.json\"", "\"../anvil-state.json\"").contains("state.file"));
    assert!(refused("\"anvil-state.json\"", "\"/tmp/state.json\"").contains("state.file"));
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_place() {
    assert!(refused("chain_id = 31337", "chain_id = = 1").contains("line"));
}
