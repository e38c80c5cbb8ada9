//! People who do not follow the protocol: a relayer that reorders, a lab that seals wrongly, somebody who registers
//! another's envelope.

use alloy::{
    primitives::{Address, B256},
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
};
use bytes::Bytes;
use client::{
    AnyFailure, ExitClass, Failure, act, grants,
    record_status::{self, RecordStatusError},
    upload::AuthorityError,
    wallet::Wallet,
};
use contracts::call_of;
use protocol::{
    authorship,
    bodies::{
        grants::{GrantQuery, GrantSide},
        records::RegisterBody,
    },
    capsule::{Binding, Capsule},
    cid::Cid,
    codes::{Category, Purpose, RecordStatus, Right, Role, ScopeKind},
    envelope::{ContentHasher, Metadata, SealParams, SealReader, SignedBy},
    error_code::ErrorCode,
    ids::{RecordId, Salt},
    messages::{Action, Grant, GrantRef, RegisterRecord, Revoke, Scope, SignedAction, Tombstone},
    secret::{DataKey, ReleaseShare},
};

use crate::{
    chance::document,
    person::Person,
    world::{self, World, eventually, now},
};

/// Sends a signed action as anybody may: from an account that has nothing to do with it. Says whether it succeeded.
pub(crate) async fn submit_as_anybody(world: &World, person: &Person, signed: &SignedAction) -> Result<bool, String> {
    let (to, data) = call_of(signed, person.client.deployment()).expect("it is not a checkpoint");
    let anybody = world.stack.localnet().person(localnet::Role::SecondDoctor);
    let provider = ProviderBuilder::new()
        .wallet(alloy::network::EthereumWallet::from(anybody.signer))
        .connect_http(world.place.rpc.parse().unwrap());
    // A gas limit of its own: the node must not refuse what would revert, it must revert.
    let transaction = TransactionRequest::default().to(to).input(data.into()).gas_limit(1_000_000);
    let pending = provider.send_transaction(transaction).await.map_err(|error| error.to_string())?;
    let receipt = pending.get_receipt().await.map_err(|error| error.to_string())?;
    Ok(receipt.status())
}

#[test]
fn a_relayer_that_submits_the_revocation_first_gains_nothing() {
    world::run(async {
        let world = world::shared().await;
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let record = patient.upload("reordered.txt", &document(500)).await.record;
        let deployment = patient.client.deployment();
        let registry = deployment.address_of(protocol::deployment::ContractName::GrantRegistry);
        let (tag, salt) = patient.keys.seed().tag(deployment.chain_id, registry, doctor.address(), Right::Read);

        // The patient signs a grant and, thinking better of it, its revocation.
        let deadline = act::new_deadline(&patient.client).await.unwrap();
        let granted = Action::Grant(Grant {
            patient: patient.address(),
            tag: tag.0,
            rights: Right::Read.bit(),
            purposes: Purpose::Treatment.bit(),
            notBefore: alloy::primitives::aliases::U40::ZERO,
            notAfter: alloy::primitives::aliases::U40::from(now() + 86_400),
            patientEpoch: 0,
            scopes: vec![Scope {
                kind: ScopeKind::Record.code(),
                id: record.0,
                epoch: 0,
                bundleHash: B256::repeat_byte(7),
            }],
            nonce: act::new_nonce(),
            deadline,
        });
        let revoked = Action::Revoke(Revoke {
            patient: patient.address(),
            grants: vec![GrantRef { tag: tag.0, kind: ScopeKind::Record.code(), id: record.0 }],
            nonce: act::new_nonce(),
            deadline,
        });
        let granted = patient.wallet.sign_action(granted, deployment).await.unwrap();
        let revoked = patient.wallet.sign_action(revoked, deployment).await.unwrap();

        // In this order, so that the grant would survive its revocation.
        assert_eq!(submit_as_anybody(world, &patient, &revoked).await, Ok(true));
        assert_eq!(
            submit_as_anybody(world, &patient, &granted).await,
            Ok(false),
            "the grant names a state that is gone"
        );
        let may = |purpose| patient.client.chain().is_allowed(record, doctor.address(), salt, purpose);
        assert!(!may(Purpose::Treatment).await.unwrap().allowed);

        // The relayer itself refuses it before it costs anything, and replaying the revocation changes nothing.
        let refused = patient.client.api().unwrap().submit(&granted).await.expect_err("it cannot succeed");
        assert!(
            matches!(
                refused.refusal(),
                Some(ErrorCode::StaleState | ErrorCode::WouldRevert | ErrorCode::InvalidRequest)
            ),
            "{}: {refused}",
            refused.code()
        );
        assert_eq!(submit_as_anybody(world, &patient, &revoked).await, Ok(false), "a nonce counts once");
        assert!(!opens(&doctor, record).await);
    });
}

async fn opens(person: &Person, record: RecordId) -> bool {
    person.open(record).await.is_ok()
}

/// How a lab departs from the protocol.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Forgery {
    /// The owner capsule is sealed to the lab itself: the patient could never open the record.
    OwnerCapsule,
    /// The release share is not the one that follows from the data key.
    ReleaseShare,
}

/// Uploads a document for a patient as a forged client would. Everything else is as it should be.
async fn upload_forged(
    lab: &Person,
    patient: &Person,
    content: &[u8],
    forgery: Forgery,
) -> Result<RecordId, AnyFailure> {
    let api = lab.client.api()?;
    let chain = lab.client.chain();
    let context = chain.envelope_context();
    let salt = Salt(B256::new(rand::random()));
    let record = RecordId::derive(lab.address(), salt);
    let created = now();
    let mut hasher = ContentHasher::new();
    hasher.update(content);
    let content_hash = hasher.finish();
    let hash = authorship::signing_hash(&context, record, 1, lab.address(), content_hash, created);
    let signature =
        lab.wallet.sign_typed(hash, client::wallet::Wish { sentence: "a forged client asks nobody" }).await?;
    let metadata = Metadata {
        content_len: content.len() as u64,
        media_type: "text/plain".to_owned(),
        file_name: "forged.txt".to_owned(),
        content_hash,
        created,
        fhir_type: None,
        codes: Vec::new(),
        signed_by: Some(SignedBy { author: lab.address(), signature }),
    };
    let dek = DataKey::generate(&mut rand::rng());
    let (patient_key, patient_key_epoch) = chain.public_key(patient.address()).await?;
    let sealed_to =
        if forgery == Forgery::OwnerCapsule { lab.keys.identity().public_key().clone() } else { patient_key };
    let params = SealParams {
        context,
        record,
        version: 1,
        patient: patient.address(),
        patient_key: sealed_to,
        patient_key_epoch,
        metadata,
    };
    let mut envelope = Vec::new();
    std::io::Read::read_to_end(&mut SealReader::new(content, &params, &dek).unwrap(), &mut envelope).unwrap();
    let length = envelope.len() as u64;
    let stored = api.upload_blob(record, 1, length, futures::stream::iter([Ok(Bytes::from(envelope))])).await?;
    let cid: Cid = stored.cid.parse().expect("the server gives a CID");

    let of = context.record_version(record, 1);
    let release_share = match forgery {
        Forgery::OwnerCapsule => dek.release_share(&of),
        Forgery::ReleaseShare => ReleaseShare::from_bytes(rand::random()),
    };
    let operator = lab.client.deployment().operator_key().unwrap();
    let binding = Binding::release_share(&of, patient.address(), lab.client.deployment().operator, operator.epoch);
    let release_share = Capsule::seal(&release_share, &operator.key, &binding);
    let action = Action::RegisterRecord(RegisterRecord {
        uploader: lab.address(),
        patient: patient.address(),
        salt: salt.0,
        category: Category::Laboratory.code(),
        codec: cid.codec().code(),
        digest: cid.digest(),
        writeSalt: write_salt(lab, patient).await?.0,
        nonce: act::new_nonce(),
        deadline: act::new_deadline(&lab.client).await?,
    });
    let body = RegisterBody {
        action: Some(lab.wallet.sign_action(action, lab.client.deployment()).await?),
        record,
        version: 1,
        release_share: release_share.as_bytes().to_vec().into(),
        salt: Some(salt),
        write_salt: None,
    };
    api.register(&body).await?;
    Ok(record)
}

async fn write_salt(lab: &Person, patient: &Person) -> Result<Salt, AuthorityError> {
    let query =
        GrantQuery { side: Some(GrantSide::Received), patient: Some(patient.address()), ..GrantQuery::default() };
    let grants = lab.client.api()?.grants(&query).await?;
    let found = grants.iter().find(|grant| grant.patient == patient.address() && grant.right == Some(Right::Write));
    found.and_then(|grant| grant.salt).ok_or(AuthorityError::NoGrant)
}

async fn forged_soon(lab: &Person, patient: &Person, content: &[u8], forgery: Forgery) -> RecordId {
    eventually("the forged record is there", || async {
        upload_forged(lab, patient, content, forgery).await.map_err(|error| format!("{}: {error}", error.code()))
    })
    .await
}

#[test]
fn a_lab_cannot_lock_a_patient_out_of_a_record_that_others_read() {
    world::run(async {
        let world = world::shared().await;
        let (patient, lab, doctor) =
            tokio::join!(world.person(), world.practitioner(Role::Lab), world.practitioner(Role::Doctor));
        patient.let_upload(&lab).await;
        let record = forged_soon(&lab, &patient, &document(3_000), Forgery::OwnerCapsule).await;

        // The patient cannot open it, is told so, and can share it with nobody.
        let refused = eventually("the mirror shows the record", || async {
            match patient.open(record).await {
                Ok(_) => panic!("the owner capsule is for somebody else"),
                Err(error) if error.class() == ExitClass::NotFound => Err(error.to_string()),
                Err(error) => Ok(error),
            }
        })
        .await;
        assert_eq!(refused.class(), ExitClass::VerificationFailed, "{}: {refused}", refused.code());
        let refused =
            patient.try_share(&patient.client, &[record], &doctor, 600).await.expect_err("there is nothing to share");
        assert_eq!(refused.class(), ExitClass::VerificationFailed, "{}: {refused}", refused.code());
        let caught_up = eventually("the mirror shows the record", || async {
            let done = grants::catch_up(&patient.client, &patient.keys).await.map_err(|error| error.to_string())?;
            if done.broken.is_empty() { Err(format!("{done:?}")) } else { Ok(done) }
        })
        .await;
        assert_eq!(caught_up.broken, [(record, 1)]);
        assert!(!opens(&doctor, record).await);
    });
}

#[test]
fn a_wrong_release_share_is_noticed_and_replaced_by_the_patient() {
    world::run(async {
        let world = world::shared().await;
        let (patient, lab, doctor) =
            tokio::join!(world.person(), world.practitioner(Role::Lab), world.practitioner(Role::Doctor));
        patient.let_upload(&lab).await;
        let content = document(3_000);
        let record = forged_soon(&lab, &patient, &content, Forgery::ReleaseShare).await;

        // The patient needs no release share, and sharing deposits none.
        assert_eq!(patient.open_soon(record).await, content);
        patient.share(&[record], &doctor, 3_600).await;
        // The doctor gets nothing rather than something else.
        let refused = eventually("the mirror shows the grant", || async {
            match doctor.open(record).await {
                Ok(_) => panic!("the halves of the key do not belong together"),
                Err(error) if error.class() == ExitClass::VerificationFailed => Ok(error),
                Err(error) => Err(format!("{}: {error}", error.code())),
            }
        })
        .await;
        assert_eq!(refused.code(), "commitment", "{refused}");
        let caught_up = grants::catch_up(&patient.client, &patient.keys).await.unwrap();
        assert_eq!((caught_up.shares_deposited, caught_up.checked), (1, 1), "{caught_up:?}");
        assert!(caught_up.broken.is_empty(), "{caught_up:?}");
        assert_eq!(doctor.open(record).await.unwrap(), content);
    });
}

#[test]
fn registering_the_digest_of_another_persons_envelope_opens_nothing() {
    world::run(async {
        let world = world::shared().await;
        let (victim, thief) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(4_000);
        let uploaded = victim.upload("mine.txt", &content).await;
        let cid: Cid = uploaded.cid.parse().unwrap();
        let salt = Salt(B256::new(rand::random()));
        let stolen = RecordId::derive(thief.address(), salt);
        let action = Action::RegisterRecord(RegisterRecord {
            uploader: thief.address(),
            patient: thief.address(),
            salt: salt.0,
            category: 0,
            codec: cid.codec().code(),
            digest: cid.digest(),
            writeSalt: B256::ZERO,
            nonce: act::new_nonce(),
            deadline: act::new_deadline(&thief.client).await.unwrap(),
        });
        let signed = thief.wallet.sign_action(action, thief.client.deployment()).await.unwrap();

        // The server does not relay it as an upload: the envelope names another record.
        let body = RegisterBody {
            action: Some(signed.clone()),
            record: stolen,
            version: 1,
            release_share: vec![0; 117].into(),
            salt: Some(salt),
            write_salt: None,
        };
        let refused = thief.client.api().unwrap().register(&body).await.expect_err("the envelope names another record");
        assert!(
            refused.class() != ExitClass::Other && refused.class() != ExitClass::Network,
            "{}: {refused}",
            refused.code()
        );

        // Anyone can put it on chain without the server. The thief's record is then a name for bytes that are not its own.
        assert_eq!(submit_as_anybody(world, &thief, &signed).await, Ok(true));
        eventually("the mirror shows it", || async {
            thief.client.api().unwrap().record(stolen).await.map_err(|error| error.to_string())
        })
        .await;
        let refused = thief.open(stolen).await.expect_err("the envelope is not this record's");
        assert_ne!(refused.class(), ExitClass::Other, "{}: {refused}", refused.code());
        let blob = thief.client.api().unwrap().blob(&cid, None).await;
        assert!(blob.is_err(), "not even the ciphertext is given out");

        // The victim's record is untouched, also when the thief withdraws the stolen one.
        let withdrawn = record_status::tombstone(&thief.client, &thief.wallet, stolen, act::Way::Relayed);
        withdrawn.await.expect("it is the thief's own record");
        assert_eq!(victim.open(uploaded.record).await.unwrap(), content);
    });
}

#[test]
fn a_relayer_that_keeps_a_withdrawal_back_cannot_close_the_record_once_it_was_opened_again() {
    world::run(async {
        let world = world::shared().await;
        let patient = world.person().await;
        let content = document(500);
        let record = patient.upload("withdrawn.txt", &content).await.record;
        let (client, wallet) = (&patient.client, &patient.wallet);
        let kept = Action::Tombstone(Tombstone {
            patient: patient.address(),
            record: record.0,
            epoch: client.chain().tombstone(record).await.unwrap().epoch,
            nonce: act::new_nonce(),
            deadline: act::new_revocation_deadline(client).await.unwrap(),
        });
        let kept = wallet.sign_action(kept, client.deployment()).await.unwrap();

        // The patient waits no longer, withdraws the record directly, and thinks better of it.
        let balance = serde_json::json!([patient.address(), "0xde0b6b3a7640000"]);
        world.stack.localnet().rpc("anvil_setBalance", balance).await.unwrap();
        record_status::tombstone(client, wallet, record, act::Way::Direct).await.unwrap();
        let again = record_status::tombstone(client, wallet, record, act::Way::Relayed).await;
        let again = again.expect_err("nothing is signed twice");
        assert!(matches!(again, RecordStatusError::AlreadyWithdrawn), "{again}");
        assert_eq!(submit_as_anybody(world, &patient, &kept).await, Ok(false), "the lift is not made stale");
        record_status::lift(client, wallet, record, act::Way::Direct).await.unwrap();

        assert_eq!(submit_as_anybody(world, &patient, &kept).await, Ok(false));
        assert_eq!(client.chain().record(record).await.unwrap().status, RecordStatus::Active);
        assert_eq!(patient.open(record).await.unwrap(), content);
        // What is signed now counts.
        record_status::tombstone(client, wallet, record, act::Way::Relayed).await.unwrap();
        assert_eq!(client.chain().record(record).await.unwrap().status, RecordStatus::Tombstoned);
    });
}

#[test]
fn a_contract_that_judges_signatures_gets_so_much_gas_and_no_more() {
    world::run(async {
        let world = world::shared().await;
        let patient = world.person().await;
        // Both answer the value that accepts; the second one only where it finds more than a million of gas left.
        let accepts = "631626ba7e60e01b5f5260205ff3";
        let (plain, greedy) = (Address::from(rand::random::<[u8; 20]>()), Address::from(rand::random::<[u8; 20]>()));
        for (at, code) in [(plain, accepts.to_owned()), (greedy, format!("5a620f424010600c575f5ffd5b{accepts}"))] {
            let account = serde_json::json!([at, format!("0x{code}")]);
            world.stack.localnet().rpc("anvil_setCode", account).await.unwrap();
        }
        let chain = patient.client.chain();
        let asked = async |signer| chain.contract_accepts(signer, B256::ZERO, &vec![1; 65].into()).await.unwrap();
        assert!(asked(plain).await);
        assert!(!asked(greedy).await);
        let endless = vec![1; 5_000].into();
        assert!(!chain.contract_accepts(plain, B256::ZERO, &endless).await.unwrap(), "too long to be asked about");
    });
}
