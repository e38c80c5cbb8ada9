//! The network starts, keeps its data, and leaves no process or file behind.

use std::{
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use localnet::{Localnet, LocalnetConfig, Part, Role};
use mongodb::bson::{Document, doc};
use serde_json::json;

async fn start() -> Localnet {
    Localnet::start(LocalnetConfig::for_tests().unwrap()).await.unwrap()
}

fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn open_ports(config: &LocalnetConfig) -> [bool; 4] {
    let ports = config.ports;
    [ports.anvil, ports.kubo, ports.gateway, ports.mongodb].map(is_open)
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "not within 10 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn collection(localnet: &Localnet) -> mongodb::Collection<Document> {
    mongodb::Client::with_uri_str(localnet.mongodb_uri()).await.unwrap().database("test").collection("things")
}

/// Stores a block with Kubo's `block/put` and returns its CID.
async fn put_block(localnet: &Localnet, content: &str) -> String {
    let body = format!(
        "--border\r\nContent-Disposition: form-data; name=\"data\"; filename=\"data\"\r\n\r\n{content}\r\n--border--\r\n"
    );
    let answer = reqwest::Client::new()
        .post(format!("{}/api/v0/block/put?cid-codec=raw&pin=true", localnet.kubo_url()))
        .header("content-type", "multipart/form-data; boundary=border")
        .body(body)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let answer: serde_json::Value = answer.json().await.unwrap();
    answer["Key"].as_str().unwrap().to_owned()
}

async fn get_block(localnet: &Localnet, cid: &str) -> String {
    let url = format!("{}/api/v0/block/get?arg={cid}", localnet.kubo_url());
    reqwest::Client::new().post(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn stopped_network_leaves_no_port_and_no_folder() {
    let localnet = start().await;
    let config = localnet.config().clone();
    let folder = localnet.state_dir().to_owned();
    assert_eq!(open_ports(&config), [true; 4]);
    assert!(folder.is_dir());

    localnet.stop().await;

    assert_eq!(open_ports(&config), [false; 4]);
    assert!(!folder.exists());
}

#[tokio::test]
async fn chain_has_the_id_and_the_people_of_anvil_toml() {
    let localnet = start().await;
    assert_eq!(localnet.rpc("eth_chainId", json!([])).await.unwrap(), json!("0x7a69"));
    let accounts = localnet.rpc("eth_accounts", json!([])).await.unwrap();
    for (index, role) in Role::ALL.into_iter().enumerate() {
        let address = localnet.person(role).address.to_string();
        assert!(accounts[index].as_str().unwrap().eq_ignore_ascii_case(&address), "{role}");
    }
    localnet.stop().await;
}

#[tokio::test]
async fn panicking_owner_leaves_no_port_and_no_folder() {
    let (send, receive) = std::sync::mpsc::channel();
    let owner = std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let localnet = start().await;
            send.send((localnet.config().clone(), localnet.state_dir().to_owned())).unwrap();
            panic!("as a failing test does");
        });
    });
    let (config, folder) = receive.recv().unwrap();
    assert!(owner.join().is_err());
    assert_eq!(open_ports(&config), [false; 4]);
    assert!(!folder.exists());
}

/// The next test runs this as a child process: it starts a network and waits to be killed.
#[tokio::test]
async fn wait_to_be_killed_when_asked() {
    let Some(out) = std::env::var_os("LOCALNET_TEST_OUT") else { return };
    let localnet = start().await;
    let ports = localnet.config().ports;
    let facts =
        json!({ "folder": localnet.state_dir(), "ports": [ports.anvil, ports.kubo, ports.gateway, ports.mongodb] });
    let (out, new) = (PathBuf::from(&out), Path::new(&out).with_extension("new"));
    std::fs::write(&new, facts.to_string()).unwrap();
    std::fs::rename(new, out).unwrap();
    std::future::pending::<()>().await;
}

#[test]
fn killed_owner_leaves_no_port_and_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("facts.json");
    let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "wait_to_be_killed_when_asked"])
        .env("LOCALNET_TEST_OUT", &out)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !out.exists() {
        assert!(start.elapsed() < Duration::from_secs(90), "the child did not start its network");
        std::thread::sleep(Duration::from_millis(50));
    }
    let facts: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    let state_dir = PathBuf::from(facts["folder"].as_str().unwrap());
    let ports: Vec<u16> = serde_json::from_value(facts["ports"].clone()).unwrap();
    assert!(state_dir.is_dir());
    assert!(ports.iter().all(|port| is_open(*port)));

    owner.kill().unwrap();
    owner.wait().unwrap();

    eventually("every port is closed", || ports.iter().all(|port| !is_open(*port)));
    eventually("the folder is gone", || !state_dir.exists());
}

#[tokio::test]
async fn each_part_keeps_its_data_over_a_restart() {
    let mut localnet = start().await;
    let genesis = localnet.genesis_hash().await.unwrap();
    for _ in 0..3 {
        localnet.rpc("evm_mine", json!([])).await.unwrap();
    }
    let cid = put_block(&localnet, "a block").await;
    collection(&localnet).await.insert_one(doc! { "_id": 7 }).await.unwrap();

    for part in Part::ALL {
        localnet.stop_part(part).await;
        assert!(!localnet.is_running(part));
        localnet.start_part(part).await.unwrap();
        assert!(localnet.is_running(part));
    }

    assert_eq!(localnet.rpc("eth_blockNumber", json!([])).await.unwrap(), json!("0x3"));
    assert_eq!(localnet.genesis_hash().await.unwrap(), genesis);
    assert_eq!(get_block(&localnet, &cid).await, "a block");
    assert_eq!(collection(&localnet).await.count_documents(doc! {}).await.unwrap(), 1);
    localnet.stop().await;
}

#[tokio::test]
async fn killed_store_and_database_keep_what_they_answered() {
    let mut localnet = start().await;
    let cid = put_block(&localnet, "a block").await;
    collection(&localnet).await.insert_one(doc! { "_id": 7 }).await.unwrap();

    for part in [Part::Kubo, Part::Mongo] {
        localnet.kill_part(part);
        assert!(!localnet.is_running(part));
        localnet.start_part(part).await.unwrap();
    }

    assert_eq!(get_block(&localnet, &cid).await, "a block");
    assert_eq!(collection(&localnet).await.count_documents(doc! {}).await.unwrap(), 1);
    localnet.stop().await;
}

#[tokio::test]
async fn killed_chain_comes_back_with_its_last_dump() {
    let mut localnet = start().await;
    localnet.rpc("evm_mine", json!([])).await.unwrap();
    // The interval of anvil.toml is one second.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    localnet.kill_part(Part::Anvil);
    localnet.start_part(Part::Anvil).await.unwrap();
    assert_eq!(localnet.rpc("eth_blockNumber", json!([])).await.unwrap(), json!("0x1"));
    localnet.stop().await;
}

#[tokio::test]
async fn chain_keeps_its_genesis_over_many_restarts() {
    let mut localnet = start().await;
    let genesis = localnet.genesis_hash().await.unwrap();
    for _ in 0..6 {
        localnet.stop_part(Part::Anvil).await;
        // A genesis block made by a restart has another time.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        localnet.start_part(Part::Anvil).await.unwrap();
        assert_eq!(localnet.genesis_hash().await.unwrap(), genesis);
    }
    localnet.stop().await;
}

#[tokio::test]
async fn half_written_chain_state_falls_back_to_the_start_before() {
    let mut localnet = start().await;
    localnet.rpc("evm_mine", json!([])).await.unwrap();
    localnet.stop_part(Part::Anvil).await;
    localnet.start_part(Part::Anvil).await.unwrap();
    localnet.rpc("evm_mine", json!([])).await.unwrap();
    localnet.stop_part(Part::Anvil).await;
    let file = localnet.state_dir().join(&localnet.config().settings.state.file);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();

    localnet.start_part(Part::Anvil).await.unwrap();

    assert_eq!(localnet.rpc("eth_blockNumber", json!([])).await.unwrap(), json!("0x1"));
    localnet.stop().await;
}

#[tokio::test]
async fn recreated_database_is_empty() {
    let mut localnet = start().await;
    collection(&localnet).await.insert_one(doc! { "_id": 7 }).await.unwrap();
    localnet.recreate_mongo().await.unwrap();
    assert_eq!(collection(&localnet).await.count_documents(doc! {}).await.unwrap(), 0);
    localnet.stop().await;
}

#[tokio::test]
async fn store_talks_to_nobody() {
    let localnet = start().await;
    let answer =
        reqwest::Client::new().post(format!("{}/api/v0/swarm/peers", localnet.kubo_url())).send().await.unwrap();
    assert!(!answer.status().is_success() || answer.text().await.unwrap().contains("\"Peers\":null"));
    let config = std::fs::read_to_string(localnet.state_dir().join("ipfs/config")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["Bootstrap"], json!([]));
    assert_eq!(config["Routing"]["Type"], json!("none"));
    assert_eq!(config["Gateway"]["NoFetch"], json!(true));
    assert_eq!(config["Import"]["UnixFSChunker"], json!("size-1048576"));
    localnet.stop().await;
}

#[tokio::test]
async fn failing_part_is_named_with_the_end_of_its_log() {
    let mut config = LocalnetConfig::for_tests().unwrap();
    config.settings.hardfork = "atlantis".into();
    let error = Localnet::start(config.clone()).await.unwrap_err().to_string();
    assert!(error.contains("anvil ended") && error.contains("atlantis"), "{error}");
    assert_eq!(open_ports(&config), [false; 4]);
}
