//! Invariant 1: nothing about a person reaches a server. Canaries are planted in everything that must stay with people,
//! and looked for in everything that servers keep, in several disguises. A control leaks on purpose and must be found.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use client::grants::{self, NewGrants, Scope};
use futures::TryStreamExt;
use hkdf::Hkdf;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use protocol::{
    codes::{Right, Role},
    deployment::ContractName,
    envelope::{HEADER_LEN, Header},
    identity::IdentityKey,
};
use rand::{RngExt, distr::Alphanumeric};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    person::Person,
    world::{self, World},
};

/// A secret and what it is, for the message of a failure.
#[derive(Clone)]
struct Canary {
    what: &'static str,
    bytes: Vec<u8>,
}

impl Canary {
    fn of(what: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { what, bytes: bytes.into() }
    }

    fn word(what: &'static str) -> (Self, String) {
        let word: String = rand::rng().sample_iter(Alphanumeric).take(24).map(char::from).collect();
        (Self { what, bytes: word.clone().into_bytes() }, word)
    }

    /// The secret as it is and in hex, base64 (wherever it starts within a group of three bytes) and UTF-16.
    fn disguises(&self) -> Vec<(&'static str, Vec<u8>)> {
        let bytes = &self.bytes;
        let mut found = vec![
            ("plain", bytes.clone()),
            ("hex", hex::encode(bytes).into_bytes()),
            ("upper-case hex", hex::encode_upper(bytes).into_bytes()),
            ("UTF-16 little-endian", bytes.iter().flat_map(|byte| [*byte, 0]).collect()),
            ("UTF-16 big-endian", bytes.iter().flat_map(|byte| [0, *byte]).collect()),
        ];
        for lead in 0..3_usize {
            let shifted = [vec![0; lead], bytes.clone()].concat();
            // Characters that also depend on what stands before or after are cut off.
            let (start, whole) = ([0, 2, 3][lead], shifted.len() / 3 * 4);
            found.push(("base64", STANDARD_NO_PAD.encode(&shifted).as_bytes()[start..whole].to_vec()));
            found.push(("base64url", URL_SAFE_NO_PAD.encode(&shifted).as_bytes()[start..whole].to_vec()));
        }
        found
    }
}

/// Looks for all disguises of all canaries at once.
struct Search {
    starts: HashMap<[u8; 4], Vec<(String, Vec<u8>)>>,
}

impl Search {
    fn of(canaries: &[Canary]) -> Self {
        let mut starts: HashMap<[u8; 4], Vec<(String, Vec<u8>)>> = HashMap::new();
        for canary in canaries {
            for (disguise, needle) in canary.disguises() {
                let start = needle[..4].try_into().expect("canaries are longer than four bytes");
                starts.entry(start).or_default().push((format!("{} ({disguise})", canary.what), needle));
            }
        }
        Self { starts }
    }

    fn find(&self, hay: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        // Most of a database file is zeros and most bytes start nothing: two bytes decide quickly.
        let mut might_start = vec![false; 1 << 16];
        for start in self.starts.keys() {
            might_start[usize::from(u16::from_be_bytes([start[0], start[1]]))] = true;
        }
        for at in 0..hay.len().saturating_sub(3) {
            if !might_start[usize::from(u16::from_be_bytes([hay[at], hay[at + 1]]))] {
                continue;
            }
            if let Some(needles) = self.starts.get(&hay[at..at + 4]) {
                let hits = needles.iter().filter(|(_, needle)| hay[at..].starts_with(needle));
                found.extend(hits.map(|(name, _)| name.clone()));
            }
        }
        found
    }
}

/// Everything that servers keep, by where it is kept.
async fn everything_kept(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut kept = BTreeMap::new();
    let state = world.stack.localnet().state_dir().to_owned();
    let mut folders = vec![state.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                kept.insert(format!("file {}", path.strip_prefix(&state).unwrap_or(&path).display()), bytes);
            }
        }
    }
    // The database compresses its files, so each document is read out as well.
    let client = mongodb::Client::with_uri_str(world.stack.localnet().mongodb_uri()).await.expect("MongoDB answers");
    for database in client.list_database_names().await.expect("they can be listed") {
        let database = client.database(&database);
        for name in database.list_collection_names().await.expect("they can be listed") {
            let Ok(found) = database.collection::<RawDocumentBuf>(&name).find(doc! {}).await else { continue };
            let documents: Vec<RawDocumentBuf> = found.try_collect().await.unwrap_or_default();
            let bytes = documents.iter().flat_map(|document| document.as_bytes().iter().copied()).collect();
            kept.insert(format!("collection {}.{name}", database.name()), bytes);
        }
    }
    // Blocks of the store, as it gives them out.
    for block in lines(&kubo(world, "refs/local", None).await) {
        let Some(cid) = block["Ref"].as_str() else { continue };
        kept.insert(format!("block {cid}"), kubo(world, &format!("block/get?arg={cid}"), None).await);
    }
    // The chain: calldata and events, as bytes.
    let head = rpc(world, "eth_blockNumber", json!([])).await;
    let head = u64::from_str_radix(head.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    for number in 0..=head {
        let block = rpc(world, "eth_getBlockByNumber", json!([format!("{number:#x}"), true])).await;
        let mut bytes = Vec::new();
        for transaction in block["transactions"].as_array().into_iter().flatten() {
            bytes.extend(unhex(&transaction["input"]));
            let receipt = rpc(world, "eth_getTransactionReceipt", json!([transaction["hash"]])).await;
            for log in receipt["logs"].as_array().into_iter().flatten() {
                bytes.extend(log["topics"].as_array().into_iter().flatten().flat_map(unhex));
                bytes.extend(unhex(&log["data"]));
            }
        }
        kept.insert(format!("chain block {number}"), bytes);
    }
    kept
}

async fn rpc(world: &World, method: &str, params: Value) -> Value {
    world.stack.localnet().rpc(method, params).await.unwrap_or_else(|error| panic!("{error}"))
}

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or_default().trim_start_matches("0x")).unwrap_or_default()
}

/// A request to Kubo, with a block to store if there is one.
async fn kubo(world: &World, call: &str, block: Option<&[u8]>) -> Vec<u8> {
    let request =
        reqwest::Client::new().post(format!("{}/api/v0/{call}", world.place.kubo)).timeout(Duration::from_secs(10));
    let request = match block {
        None => request,
        Some(block) => {
            let head = b"--edge\r\nContent-Disposition: form-data; name=\"data\"; filename=\"x\"\r\n\r\n";
            request
                .header("content-type", "multipart/form-data; boundary=edge")
                .body([&head[..], block, b"\r\n--edge--\r\n"].concat())
        }
    };
    let answer = request.send().await.expect("Kubo answers");
    assert!(answer.status().is_success(), "Kubo refuses {call}");
    answer.bytes().await.expect("Kubo answers").to_vec()
}

fn lines(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What somebody's device holds and no server may learn.
fn secrets_of(person: &Person) -> Vec<Canary> {
    let passphrase = std::fs::read(person.device.path("passphrase")).expect("it is there");
    let file = std::fs::read(person.device.home().join("wallet.json")).expect("it is there");
    let wallet = protocol::keyring::WalletFile::from_json(&file).expect("it is a wallet file");
    let wallet = wallet.open(std::str::from_utf8(&passphrase).expect("it is text"));
    let session = std::fs::read(person.device.home().join("session.json")).expect("the person is signed in");
    let session: Value = serde_json::from_slice(&session).expect("it is JSON");
    vec![
        Canary::of("passphrase", passphrase),
        Canary::of("wallet key", wallet.expect("the passphrase opens it").to_vec()),
        Canary::of("seed", *person.keys.seed().expose()),
        Canary::of("private identity key", identity_private_key(person)),
        Canary::of("session key", unhex(&session["key"])),
        // Servers see it, but keep its hash.
        Canary::of("session token", session["token"].as_str().expect("it is text")),
    ]
}

/// Returns the private identity key of a person. `protocol` gives it to nobody, so it is derived by the text of `SPEC.md`.
fn identity_private_key(person: &Person) -> Vec<u8> {
    let (seed, epoch) = (person.keys.seed().expose(), person.keys.epoch().to_be_bytes());
    let mut private = [0; 32];
    let from_seed = Hkdf::<Sha256>::from_prk(seed).expect("a seed has the length of a hash");
    from_seed.expand_multi_info(&[b"medlock/v1/identity-key\0", &epoch], &mut private).expect("32 bytes are few");
    let public = IdentityKey::derive(&private);
    assert!(public.public_key() == person.keys.identity().public_key(), "it is the key that was published");
    private.to_vec()
}

/// What a server handles and must not leave readable: what opens tags, who asks whom, who is signed in.
///
/// Everything about the `stranger` is secret, since no transaction has ever named it. The `doctor` is known to the chain,
/// as are keys and accreditations; that the patient has to do with it is not.
fn relations_of(patient: &Person, doctor: &Person, stranger: &PrivateKeySigner) -> Vec<Canary> {
    let at = patient.client.deployment();
    let (seed, registry) = (patient.keys.seed(), at.address_of(ContractName::GrantRegistry));
    let salt = |grantee, right| seed.tag_salt(at.chain_id, registry, grantee, right).0.to_vec();
    let mut canaries = vec![
        Canary::of("salt of a READ tag", salt(doctor.address(), Right::Read)),
        Canary::of("salt of a WRITE tag", salt(stranger.address(), Right::Write)),
    ];
    canaries.extend(address("grantee whom the chain does not know", stranger.address()));
    for person in [patient, doctor] {
        let session = std::fs::read(person.device.home().join("session.json")).expect("the person is signed in");
        let session: Value = serde_json::from_slice(&session).expect("it is JSON");
        let message = session["login_message"].as_str().expect("it is text");
        let point = message.rsplit_once("p256:").expect("it names the session key").1;
        canaries.push(Canary::of("session key in a login message", hex::decode(point.trim()).expect("it is hex")));
    }
    canaries
}

/// An address as bytes, and as login messages write it.
fn address(what: &'static str, address: Address) -> [Canary; 2] {
    [Canary::of(what, address.to_vec()), Canary::of(what, address.to_checksum(None).split_off(2))]
}

/// Returns the values that could link a pseudonym to the chain. For each of the API's own documents whose blind index
/// occurs in another document as well, these are the values that are also on chain.
async fn joints(world: &World, chain: &[u8]) -> BTreeSet<String> {
    let client = mongodb::Client::with_uri_str(world.stack.localnet().mongodb_uri()).await.expect("MongoDB answers");
    let mut documents = Vec::new();
    for database in [world.stack.database().to_owned(), format!("{}_log", world.stack.database())] {
        let database = client.database(&database);
        for name in database.list_collection_names().await.expect("they can be listed") {
            if name.starts_with("api_") || name.starts_with("log_") {
                let found = database.collection::<Document>(&name).find(doc! {}).await.expect("it can be read");
                let found: Vec<Document> = found.try_collect().await.expect("it can be read");
                documents.extend(found.into_iter().map(|document| (name.clone(), hex_runs(&document.to_string()))));
            }
        }
    }
    let mut places: HashMap<&str, u32> = HashMap::new();
    let blind = |runs: &&String| runs.len() == 32;
    for (_, runs) in &documents {
        runs.iter().filter(blind).for_each(|run| *places.entry(run).or_default() += 1);
    }
    assert!(places.values().filter(|count| **count > 1).count() > 5, "there are pseudonyms");
    let mut found = BTreeSet::new();
    for (name, runs) in documents.iter().filter(|(_, runs)| runs.iter().filter(blind).any(|run| places[&**run] > 1)) {
        let bytes = runs.iter().filter(|run| run.len() >= 40).filter_map(|run| hex::decode(run).ok());
        let on_chain = bytes.filter(|bytes| !Search::of(&[Canary::of("value", bytes.clone())]).find(chain).is_empty());
        found.extend(on_chain.map(|bytes| format!("{name}: 0x{}", hex::encode(bytes))));
    }
    found
}

/// Every run of hex digits in a text.
fn hex_runs(text: &str) -> BTreeSet<String> {
    let runs = text.split(|letter: char| !matches!(letter, '0'..='9' | 'a'..='f'));
    runs.filter(|run| run.len() >= 32).map(str::to_owned).collect()
}

/// Where the API's own collections name people: who a record is of and who stored it stands on chain, a profile
/// is public by its nature, and a relayed action is on chain once it is mined. Budgets and stored answers last a day or two;
/// `protocol/THREATS.md` says so.
const MAY_NAME: [(&str, &str); 10] = [
    ("medlock_log.log_leaves", "patient"),
    ("medlock.api_release_shares", "patient"),
    ("medlock.api_pins", "patient"),
    ("medlock.api_profiles", "doctor"),
    ("medlock.api_actions", "patient"),
    ("medlock.api_actions", "doctor"),
    ("medlock.api_budgets", "patient"),
    ("medlock.api_budgets", "doctor"),
    ("medlock.api_answers", "patient"),
    ("medlock.api_answers", "doctor"),
];

/// What opens a record of the patient's own: its data key and the two halves.
async fn keys_of_the_record(world: &World, patient: &Person, uploaded: &Value) -> [Canary; 3] {
    let cid = uploaded["cid"].as_str().expect("it is text");
    let head = kubo(world, &format!("cat?arg={cid}&length={HEADER_LEN}"), None).await;
    let header = Header::parse(&head).expect("it is an envelope");
    let record = uploaded["record"].as_str().and_then(|text| text.parse().ok()).expect("it is a record");
    header.expect(record, 1).expect("it is the record's");
    let context = patient.client.chain().envelope_context();
    let dek = header.open_owner_capsule(&context, patient.address(), &patient.keys.identity());
    let (dek, of) = (dek.expect("it is the patient's"), context.record_version(record, 1));
    [
        Canary::of("data key", *dek.expose()),
        Canary::of("reader share", *dek.reader_share(&of).expose()),
        Canary::of("release share", *dek.release_share(&of).expose()),
    ]
}

#[test]
fn no_server_keeps_anything_that_must_stay_with_people() {
    world::run(async {
        let config = localnet::StackConfig::for_tests().unwrap().with_api_setting("RUST_LOG", "debug");
        let world = World::start_with(config.with_indexer_setting("RUST_LOG", "debug")).await;
        let (content, content_word) = Canary::word("content of a document");
        let (file_name, file_name_word) = Canary::word("file name");
        let (reason, reason_word) = Canary::word("reason of a request");
        let (contact, contact_word) = Canary::word("private name");
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let stranger = PrivateKeySigner::random();
        let words = client::unlock::kit(&patient.client, &patient.keys).words;
        let wallet = world.stack.localnet().person(localnet::Role::Accreditor);
        let mut canaries = vec![content, file_name, reason, contact];
        canaries.push(Canary::of("recovery words", secrecy::ExposeSecret::expose_secret(&words).as_bytes()));
        canaries.push(Canary::of("accreditor's wallet key", unhex(&Value::String(wallet.private_key_hex()))));
        canaries.extend(secrets_of(&patient));
        canaries.extend(secrets_of(&doctor));
        canaries.extend(relations_of(&patient, &doctor, &stranger));

        // One life cycle that uses each of them.
        let device = &patient.device;
        let text = format!("Findings: {content_word}. {}", "Nothing else to say. ".repeat(400));
        let file = device.file(&format!("{file_name_word}.txt"), text.as_bytes());
        let uploaded = device.json(&["upload", file.to_str().unwrap()]).await;
        let record = uploaded["uploads"][0]["record"].as_str().unwrap();
        canaries.extend(keys_of_the_record(&world, &patient, &uploaded["uploads"][0]).await);
        device.medlock(&["contacts", "add", &contact_word, &doctor.hex()]).await.succeeded();
        let ask = ["request", "--patient", &patient.hex(), "--record", record, "--reason", &reason_word];
        doctor.device.medlock(&ask).await.succeeded();
        let request = world::eventually("the request arrives", || async {
            let requests = device.json(&["requests"]).await;
            requests["requests"][0]["id"].as_str().map(ToOwned::to_owned).ok_or_else(|| requests.to_string())
        })
        .await;
        device.medlock(&["approve", &request]).await.succeeded();
        assert_eq!(doctor.open_soon(record.parse().unwrap()).await, text.as_bytes());
        // The command refuses this, because nobody vouches for the stranger; the SDK grants it.
        let new = NewGrants {
            grantee: stranger.address(),
            right: Right::Write,
            scopes: vec![Scope::All],
            ..Person::terms(&doctor, 86_400)
        };
        grants::grant(&patient.client, &patient.wallet, &patient.keys, &new).await.expect("it can be granted");
        device.medlock(&["revoke", "--to", &contact_word]).await.succeeded();
        let refused = doctor.device.medlock(&["get", record, "-o", "again.txt"]).await;
        assert_eq!(refused.code, 4);

        let search = Search::of(&canaries);
        let kept = everything_kept(&world).await;
        assert!(kept.keys().any(|place| place.starts_with("block ")), "the store was searched");
        assert!(kept.keys().any(|place| place.starts_with("file logs/api-0")), "the logs were searched");
        assert!(
            kept["collection medlock_log.log_leaves"].len() > 100,
            "the API's database was searched: {:?}",
            kept.keys()
        );
        for (place, bytes) in &kept {
            let found = search.find(bytes);
            assert!(found.is_empty(), "{place} has the {found:?}");
        }
        // Doctor and patient are known to the chain, and so to the mirror. What the API itself keeps names neither beside
        // anything else, but where it says why.
        let people = [address("patient", patient.address()), address("doctor", doctor.address())].concat();
        let search = Search::of(&people);
        let own = |place: &str| {
            let collection = place.strip_prefix("collection ");
            collection.is_some_and(|name| name.starts_with("medlock.api_") || name.starts_with("medlock_log."))
        };
        for (place, bytes) in kept.iter().filter(|(place, _)| own(place) || place.starts_with("file logs/api")) {
            let may = |what: &String| MAY_NAME.iter().any(|(name, who)| place.ends_with(name) && what.starts_with(who));
            let found: Vec<String> = search.find(bytes).into_iter().filter(|what| !may(what)).collect();
            assert!(found.is_empty(), "{place} names the {found:?}");
        }

        let chain: Vec<u8> =
            kept.iter().filter(|(place, _)| place.starts_with("chain ")).flat_map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(joints(&world, &chain).await, BTreeSet::new());

        // The control: somebody careless puts a canary in each place, each time in another disguise.
        let (leak, leak_word) = Canary::word("leak");
        plant(&world, &leak_word).await;
        let search = Search::of(&[leak]);
        let kept = everything_kept(&world).await;
        let found: BTreeMap<&str, BTreeSet<String>> = kept
            .iter()
            .map(|(place, bytes)| (place.as_str(), search.find(bytes)))
            .filter(|(_, found)| !found.is_empty())
            .collect();
        let finds = |start: &str, disguise: &str| {
            found.iter().any(|(place, what)| place.starts_with(start) && what.contains(&format!("leak ({disguise})")))
        };
        assert!(finds("collection medlock.careless", "base64"), "{found:?}");
        assert!(finds("collection medlock.careless", "base64url"), "{found:?}");
        assert!(finds("file logs/api-0.log", "upper-case hex"), "{found:?}");
        assert!(finds("block ", "UTF-16 little-endian"), "{found:?}");
        assert!(finds("file ipfs", "UTF-16 little-endian"), "{found:?}");
        assert!(finds("chain block ", "UTF-16 big-endian"), "{found:?}");
        assert!(finds("collection medlock.careless", "plain"), "{found:?}");
        assert!(finds("collection medlock.careless", "hex"), "{found:?}");
    });
}

async fn plant(world: &World, word: &str) {
    let client = mongodb::Client::with_uri_str(world.stack.localnet().mongodb_uri()).await.expect("MongoDB answers");
    let careless = client.database(world.stack.database()).collection::<Document>("careless");
    for lead in ["", "x", "xy"] {
        let text = format!("{lead}{word}, she said");
        let both = doc! { "standard": STANDARD_NO_PAD.encode(&text), "url": URL_SAFE_NO_PAD.encode(&text), "hex": hex::encode(&text) };
        careless.insert_one(both).await.expect("it can be written");
    }
    careless.insert_one(doc! { "note": format!("called {word}") }).await.expect("it can be written");

    let log: PathBuf = world.stack.api_log(0);
    append(&log, format!("{{\"careless\":\"{}\"}}\n", hex::encode_upper(word)).as_bytes());
    let utf16: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    kubo(world, "block/put?cid-codec=raw", Some(&utf16)).await;
    let utf16: Vec<u8> = word.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let from = world.stack.localnet().person(localnet::Role::SecondDoctor).address;
    let transaction = json!([{ "from": from, "to": from, "data": format!("0x{}", hex::encode(utf16)) }]);
    rpc(world, "eth_sendTransaction", transaction).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("the log is there");
    file.write_all(bytes).expect("there is room");
}
