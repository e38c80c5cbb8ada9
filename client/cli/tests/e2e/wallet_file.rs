//! The wallet file is as strong as the keyring, and nothing is written before everything is accepted.

use alloy::{
    hex,
    signers::{k256::elliptic_curve::rand_core::OsRng, local::PrivateKeySigner},
};

use crate::{
    life_cycle::newcomer,
    person::Device,
    world::{self},
};

#[test]
fn an_older_wallet_file_is_replaced_by_the_next_command_that_signs() {
    world::run(async {
        let (device, address) = newcomer(world::shared().await).await;
        let passphrase = std::fs::read_to_string(device.path("passphrase")).unwrap();
        let path = device.home().join("wallet.json");
        let file = protocol::keyring::WalletFile::from_json(&std::fs::read(&path).unwrap()).unwrap();
        let key = file.open(&passphrase).unwrap();
        PrivateKeySigner::encrypt_keystore(device.home(), &mut OsRng, key.as_slice(), &passphrase, Some("wallet.json"))
            .unwrap();
        let older = std::fs::read_to_string(&path).unwrap();
        assert!(older.contains("scrypt"), "{older}");

        let doctor = device.json(&["doctor"]).await;
        let check = doctor["checks"].as_array().unwrap().iter().find(|check| check["name"] == "keystore").unwrap();
        assert_eq!(check["verdict"], "warning", "{check}");
        device.medlock(&["login"]).await.succeeded();
        let file = protocol::keyring::WalletFile::from_json(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(format!("{:#x}", file.address()), address.to_lowercase());
        assert_eq!(*file.open(&passphrase).unwrap(), *key);
        device.medlock(&["login"]).await.succeeded();
    });
}

#[test]
fn a_wallet_file_of_another_account_is_refused() {
    world::run(async {
        let world = world::shared().await;
        let ((one, _), (two, _)) = tokio::join!(newcomer(world), newcomer(world));
        std::fs::copy(two.home().join("wallet.json"), one.home().join("wallet.json")).unwrap();
        let refused = one.medlock(&["login"]).await;
        assert_eq!(refused.code, 5, "{refused:?}");
        let doctor = one.medlock(&["doctor"]).await;
        assert!(doctor.code == 5 && doctor.text().contains("another account"), "{doctor:?}");
    });
}

#[test]
fn init_writes_nothing_before_everything_is_accepted() {
    world::run(async {
        let world = world::shared().await;
        let device = Device::new(&world.place);
        let written = || {
            let home = std::fs::read_dir(device.home()).unwrap();
            home.map(|entry| entry.unwrap().file_name()).filter(|name| name != "lock").count()
        };
        // Long enough for the wallet file of old, too short for the keyring.
        std::fs::write(device.path("passphrase"), "ninechars").unwrap();
        let refused = device.medlock(&["init", "--kit-file", "kit.txt"]).await;
        assert_eq!((refused.code, written()), (2, 0), "{refused:?}");
        assert!(refused.last_lines().1.contains("at least 10 characters"), "{refused:?}");

        std::fs::write(device.path("passphrase"), "long enough for both").unwrap();
        device.file("words", b"abandon ability able");
        let refused = device.medlock(&["init", "--words-file", "words"]).await;
        assert_eq!((refused.code, written()), (2, 0), "{refused:?}");
        device.file("kit.txt", b"something else");
        let refused = device.medlock(&["init", "--kit-file", "kit.txt"]).await;
        assert_eq!((refused.code, written()), (2, 0), "{refused:?}");
        device.medlock(&["init", "--kit-file", "other.txt"]).await.succeeded();
    });
}

#[test]
fn an_account_with_a_passphrase_of_old_gets_a_longer_one_and_is_set_up() {
    world::run(async {
        let world = world::shared().await;
        let device = Device::new(&world.place);
        let made = device.json(&["init", "--kit-file", "kit.txt"]).await;
        let passphrase = std::fs::read_to_string(device.path("passphrase")).unwrap();
        let path = device.home().join("wallet.json");
        let file = protocol::keyring::WalletFile::from_json(&std::fs::read(&path).unwrap()).unwrap();
        let key = file.open(&passphrase).unwrap();
        let again = |kit: &'static str| ["init", "--kit-file", kit, "--new-passphrase-file", "longer", "--json"];
        device.file("longer", b"long enough for both\n");
        // What an interrupted `init` of an earlier version left: the wallet file, with or without config.toml.
        for (missing, kit) in [(&["keyring.json"][..], "second.txt"), (&["keyring.json", "config.toml"], "third.txt")] {
            for name in missing {
                std::fs::remove_file(device.home().join(name)).unwrap();
            }
            std::fs::write(device.path("passphrase"), "8 chars!").unwrap();
            PrivateKeySigner::encrypt_keystore(
                device.home(),
                &mut OsRng,
                key.as_slice(),
                "8 chars!",
                Some("wallet.json"),
            )
            .unwrap();
            let refused = device.medlock(&["init", "--kit-file", kit]).await;
            assert_eq!(refused.code, 2, "{refused:?}");
            assert!(refused.last_lines().1.contains("--new-passphrase-file"), "{refused:?}");

            let done = device.medlock(&again(kit)).await.succeeded().json();
            assert_eq!(done["address"], made["address"]);
            assert_eq!(device.medlock(&["kit"]).await.code, 2, "the passphrase of before opens nothing");
            std::fs::write(device.path("passphrase"), "long enough for both").unwrap();
            device.medlock(&["kit"]).await.succeeded();
        }
        device.medlock(&["login"]).await.succeeded();
        device.medlock(&["register"]).await.succeeded();
    });
}

#[test]
fn words_and_keys_that_the_chain_contradicts_are_refused_before_anything_is_written() {
    world::run(async {
        let world = world::shared().await;
        let (one, two) = tokio::join!(world.person(), world.person());
        for person in [&one, &two] {
            person.device.medlock(&["kit", "--file", "kit.txt"]).await.succeeded();
        }
        let device = Device::new(&world.place);
        let written = || {
            let home = std::fs::read_dir(device.home()).unwrap();
            home.map(|entry| entry.unwrap().file_name()).filter(|name| name != "lock").count()
        };
        let file =
            protocol::keyring::WalletFile::from_json(&std::fs::read(one.device.home().join("wallet.json")).unwrap());
        let passphrase = std::fs::read_to_string(one.device.path("passphrase")).unwrap();
        device.file("account", hex::encode(file.unwrap().open(&passphrase).unwrap().as_slice()).as_bytes());
        let (own, foreign) = (one.device.path("kit.txt"), two.device.path("kit.txt"));
        let init = |words: &'static str| ["init", "--import-key-file", "account", "--words-file", words];
        std::fs::copy(foreign, device.path("foreign.txt")).unwrap();
        std::fs::copy(own, device.path("own.txt")).unwrap();

        let refused = device.medlock(&init("foreign.txt")).await;
        assert_eq!((refused.code, written()), (5, 0), "{refused:?}");
        let refused = device.medlock(&["init", "--import-key-file", "account", "--kit-file", "new.txt"]).await;
        assert_eq!((refused.code, written()), (2, 0), "{refused:?}");
        device.medlock(&init("own.txt")).await.succeeded();
        let key = device.json(&["key"]).await;
        assert_eq!(key["is_yours"], true, "{key}");
    });
}
