//! Vectors for the key epochs of a person. Some of the keys were registered by somebody else.

use alloy::primitives::B256;

use crate::{Vectors, scenario::Scenario, seed};

const OWN: u8 = 0x01;
const OTHER: u8 = 0x02;

/// Returns the hash of the key with this number of a seed.
fn key(of: u8, number: u32) -> B256 {
    seed(of).identity_key(number).public_key().hash()
}

pub(crate) fn add(vectors: &mut Vectors) {
    let mut add = |name: &str,
                   expect: &str,
                   description: &str,
                   history: &[(u32, B256)],
                   own: &[u32],
                   foreign: &[u32],
                   opens: &[(u32, Option<B256>)]| {
        let scenario = Scenario::KeyEpochs {
            seed: [OWN; 32].into(),
            history: history.to_vec(),
            own: own.to_vec(),
            foreign: foreign.to_vec(),
            opens: opens.to_vec(),
        };
        vectors.add(&format!("key-epochs-{name}"), expect, description, scenario);
    };
    let (own, other) = (|number| key(OWN, number), |number| key(OTHER, number));
    let opened = |number| Some(own(number));

    add("none", "none", "nothing is registered yet", &[], &[], &[], &[(1, opened(1))]);
    add("one", "ok", "the first key", &[(1, own(1))], &[1], &[], &[(1, opened(1)), (2, opened(2))]);
    add(
        "two",
        "ok",
        "a second key after the first",
        &[(1, own(1)), (2, own(2))],
        &[2, 1],
        &[],
        &[(1, opened(1)), (2, opened(2))],
    );
    add(
        "phished",
        "foreign key",
        "somebody else's key as the second epoch",
        &[(1, own(1)), (2, other(2))],
        &[1],
        &[2],
        &[(1, opened(1)), (2, None), (3, opened(3))],
    );
    add(
        "registered-again",
        "ok",
        "three epochs, the second somebody else's, the third the seed's own key of it",
        &[(1, own(1)), (2, other(2)), (3, own(3))],
        &[3, 1],
        &[2],
        &[(1, opened(1)), (2, None), (3, opened(3))],
    );
    add(
        "first-key-again",
        "ok",
        "three epochs, the third the very key of the first, by the wallet alone",
        &[(1, own(1)), (2, other(2)), (3, own(1))],
        &[3, 1],
        &[2],
        &[(1, opened(1)), (2, None), (3, opened(1))],
    );
    add(
        "phished-twice",
        "foreign key",
        "own keys between those of somebody else",
        &[(1, other(1)), (2, own(2)), (3, other(3)), (4, own(2)), (5, other(9))],
        &[4, 2],
        &[1, 3, 5],
        &[(2, opened(2)), (4, opened(2)), (5, None)],
    );
    add(
        "first-foreign",
        "wrong keys",
        "somebody else's key before the first own one",
        &[(1, other(1))],
        &[],
        &[1],
        &[(1, None), (2, opened(2))],
    );
    add(
        "all-foreign",
        "wrong keys",
        "the keys of another seed",
        &[(1, other(1)), (2, other(2)), (3, other(3))],
        &[],
        &[1, 2, 3],
        &[(3, None)],
    );
    add(
        "forgetful-node",
        "ok",
        "a node that tells the newest epoch only",
        &[(u32::MAX, own(u32::MAX))],
        &[u32::MAX],
        &[],
        &[(u32::MAX, opened(u32::MAX)), (7, opened(7))],
    );
    add(
        "forgetful-node-again",
        "wrong keys",
        "a node that tells the newest epoch only, where the first key stands again: the first epoch is not known",
        &[(3, own(1))],
        &[],
        &[3],
        &[(1, opened(1)), (3, None)],
    );
    add("future-number", "wrong keys", "an own key of a later epoch", &[(1, own(2))], &[], &[1], &[(1, None)]);
}
