//! The contracts are deployed on the local chain, and a state without them is detected.

use localnet::{Localnet, LocalnetConfig, Part, Role, deployment};
use serde_json::{Value, json};

#[tokio::test]
async fn deployment_survives_a_restart_and_is_missed_on_another_chain() {
    let mut localnet = Localnet::start(LocalnetConfig::for_tests().unwrap()).await.unwrap();
    let file = localnet.state_dir().join("deployment.json");
    deployment::deploy(&localnet, &file).await.unwrap();

    let text = std::fs::read_to_string(&file).unwrap();
    let deployed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(deployed["chain_id"], json!(31337));
    assert_eq!(deployed["genesis_hash"].as_str().unwrap(), localnet.genesis_hash().await.unwrap());
    let operator = localnet.person(Role::Operator).address.to_string();
    assert!(deployed["operator"].as_str().unwrap().eq_ignore_ascii_case(&operator));
    assert_eq!(deployed["contracts"].as_object().unwrap().len(), 5);
    deployment::check(&localnet, &file).await.unwrap();

    localnet.stop_part(Part::Anvil).await;
    localnet.start_part(Part::Anvil).await.unwrap();
    deployment::check(&localnet, &file).await.unwrap();

    localnet.stop_part(Part::Anvil).await;
    std::fs::remove_file(localnet.state_dir().join(&localnet.config().settings.state.file)).unwrap();
    localnet.start_part(Part::Anvil).await.unwrap();
    let error = deployment::check(&localnet, &file).await.unwrap_err().to_string();
    assert!(error.contains("another chain") && error.contains("rm -rf"), "{error}");
    localnet.stop().await;
}
