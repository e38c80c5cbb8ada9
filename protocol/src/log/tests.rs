//! The expected roots are from the reference implementation of RFC 6962 (certificate-transparency, `merkle_tree_test`).

use super::*;

/// The eight leaves of the reference implementation's tests.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn golden() -> Vec<LeafHash> {
    LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect()
}

fn many(count: u64) -> Vec<LeafHash> {
    (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect()
}

#[test]
fn roots_are_those_of_the_reference_implementation() {
    let leaves = golden();
    assert_eq!(hex::encode(root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (i, expected) in ROOTS.iter().enumerate() {
        assert_eq!(hex::encode(root(&leaves[..=i])), *expected);
    }
}

#[test]
fn every_inclusion_proof_verifies_and_no_other_position_does() {
    for size in 1..=33_u64 {
        let leaves = many(size);
        let root = root(&leaves);
        for index in 0..size {
            let leaf = leaves[index as usize];
            let proof = inclusion_proof(&leaves, index).unwrap();
            assert!(verify_inclusion(leaf, index, size, &proof, root));
            assert!(!verify_inclusion(leaf, index + 1, size, &proof, root));
            assert!(!verify_inclusion(leaf_hash(b"other"), index, size, &proof, root));
            let longer = [proof.as_slice(), &[B256::ZERO]].concat();
            assert!(!verify_inclusion(leaf, index, size, &longer, root));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(!verify_inclusion(leaf, index, size, shorter, root));
            }
        }
        assert!(inclusion_proof(&leaves, size).is_none());
    }
}

#[test]
fn every_consistency_proof_verifies_and_a_changed_history_does_not() {
    for size in 1..=33_u64 {
        let leaves = many(size);
        let new_root = root(&leaves);
        for old in 1..=size {
            let old_root = root(&leaves[..old as usize]);
            let proof = consistency_proof(&leaves, old).unwrap();
            assert!(verify_consistency(old, old_root, size, new_root, &proof), "{old} {size}");
            assert!(!verify_consistency(old, B256::ZERO, size, new_root, &proof));
            assert!(!verify_consistency(old, old_root, size, B256::ZERO, &proof));
            let longer = [proof.as_slice(), &[B256::ZERO]].concat();
            assert!(!verify_consistency(old, old_root, size, new_root, &longer));
        }
        assert!(consistency_proof(&leaves, 0).is_none() && consistency_proof(&leaves, size + 1).is_none());
    }
}

#[test]
fn ct_merkle_agrees() {
    let mut tree = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut frontier = Frontier::default();
    for i in 0..70_u64 {
        tree.push(i.to_be_bytes().to_vec());
        frontier.push(leaf_hash(&i.to_be_bytes()));
        assert_eq!(frontier.root().as_slice(), tree.root().as_bytes().as_slice());
        assert_eq!(frontier.size(), tree.len());
    }
    let proof = tree.prove_inclusion(17);
    let ours = inclusion_proof(&many(70), 17).unwrap();
    assert_eq!(proof.as_bytes(), ours.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>());
}

#[test]
fn a_stored_frontier_continues_from_its_state() {
    let leaves = many(45);
    let mut frontier = Frontier::default();
    for (i, leaf) in leaves.iter().enumerate() {
        let stored = serde_json::to_string(&frontier).unwrap();
        frontier = serde_json::from_str(&stored).unwrap();
        frontier.push(*leaf);
        assert_eq!(frontier.root(), root(&leaves[..=i]));
    }
    assert!(Frontier::new(3, vec![B256::ZERO]).is_err());
}

#[test]
fn heads_chain() {
    assert_eq!(Head::EMPTY.hash(), B256::ZERO);
    let one = Head::EMPTY.next(2, B256::repeat_byte(7));
    assert_eq!(one.previous, B256::ZERO);
    let expected = keccak256([[0; 32].as_slice(), &2_u64.to_be_bytes(), &[7; 32]].concat());
    assert_eq!(one.hash(), expected);
    assert_eq!(one.next(3, B256::ZERO).previous, expected);
}
