//! Content identifiers, compared with the results of Kubo 0.43.0 for `ipfs add -Q --only-hash --cid-version 1
//! --raw-leaves --chunker size-1048576 --max-file-links 1024`.

use proptest::prelude::*;
use protocol::cid::{CHUNK_LEN, Cid, CidBuilder, Codec, Node};

/// Content, length and CID. `true`: byte i is `(i ^ i>>8 ^ i>>16) & 255`; `false`: all bytes are 0.
const KUBO: [(bool, usize, &str); 11] = [
    (true, 0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
    (true, 1, "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu"),
    (true, 4_096, "bafkreiax3jfedmaic6manq4vy43c4ape3ayr3nzjciwqrxhxpetwhj3trq"),
    (true, 1_048_575, "bafkreib2ep74ujd2kmaivjwz2dla5lgl7rjjdkqdnyv4sdne4cohdogio4"),
    (true, 1_048_576, "bafkreie2awbtsiutokydyo2wku4hhy3idozoybuppopqrv6wzhozgfl4xu"),
    (true, 1_048_577, "bafybeibuluft4ezja3gqos7usof52hxvjz3tlhtgqe7kgwhbl6qq6fbah4"),
    (true, 2_097_152, "bafybeibcidjo5w5f7bpib5zcnef2zhvjrdd6inx5jz2prhknz2jmmwn6ny"),
    (true, 5_242_883, "bafybeihwi5zdo3lmsn666pgefny2nvw4tiep3bwdzr3lwy6ahnasgqykci"),
    (false, 1_073_741_824, "bafybeibqawkaltgjfdebq4no6nmfcvkcw7k52xqzclkwfmrkn6oxw7srmy"),
    (false, 1_073_741_825, "bafybeigx4uyebjbq65346xh6cjrt6yshbdudzudhnqecwbzvymslxj7gje"),
    (false, 1_074_790_407, "bafybeib5lqrdbo44k4be4g3lpvbxgq7fuixffc2azus6ef65ndvyo3n2ti"),
];

fn content(pattern: bool, len: usize) -> Vec<u8> {
    (0..len).map(|i| if pattern { (i ^ (i >> 8) ^ (i >> 16)) as u8 } else { 0 }).collect()
}

#[test]
fn kubo_computes_the_same() {
    for (pattern, len, expected) in KUBO {
        let piece = content(pattern, len.min(1 << 24));
        let mut builder = CidBuilder::new();
        let mut left = len;
        while left > 0 {
            let now = left.min(piece.len());
            builder.update(&piece[..now]);
            left -= now;
        }
        assert_eq!(builder.finish().to_string(), expected, "{len}");
    }
}

#[test]
fn text_and_bytes_have_one_form() {
    let cid = Cid::of_block(Codec::Raw, b"abc");
    let text = cid.to_string();
    assert_eq!(text.parse::<Cid>().unwrap(), cid);
    assert_eq!(Cid::from_bytes(&cid.to_bytes()).unwrap(), cid);
    assert!(text.to_uppercase().parse::<Cid>().is_err(), "another spelling");
    assert!("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG".parse::<Cid>().is_err(), "version 0");
    assert!("bafyrei".parse::<Cid>().is_err());
    let mut other = cid.to_bytes();
    other[1] = 0x71;
    assert!(Cid::from_bytes(&other).is_err(), "dag-cbor");
    assert!(Cid::from_bytes(&cid.to_bytes()[1..]).is_err());
}

/// Reads a range as a client does: fetches only the blocks that cover it, and checks each one.
fn read(
    blocks: &std::collections::HashMap<Cid, Vec<u8>>,
    cid: Cid,
    at: u64,
    range: &std::ops::Range<u64>,
    fetched: &mut usize,
) -> Vec<u8> {
    let block = &blocks[&cid];
    assert!(cid.names(block));
    *fetched += 1;
    if cid.codec() == Codec::Raw {
        let within = |offset: u64| (offset.saturating_sub(at) as usize).min(block.len());
        return block[within(range.start)..within(range.end)].to_vec();
    }
    let node = Node::parse(block, at).unwrap();
    node.covering(range).flat_map(|child| read(blocks, child.cid, child.file_range.start, range, fetched)).collect()
}

#[test]
fn a_range_is_read_block_by_block() {
    let content = content(true, 5 * CHUNK_LEN + 17);
    let mut builder = CidBuilder::keeping_nodes();
    builder.update(&content);
    let (root, nodes) = builder.finish_tree();
    let mut blocks: std::collections::HashMap<_, _> = nodes.into_iter().collect();
    for leaf in content.chunks(CHUNK_LEN) {
        blocks.insert(Cid::of_block(Codec::Raw, leaf), leaf.to_vec());
    }
    for range in [
        0..1,
        0..content.len(),
        CHUNK_LEN - 1..CHUNK_LEN + 1,
        4 * CHUNK_LEN..4 * CHUNK_LEN + 5,
        5 * CHUNK_LEN..5 * CHUNK_LEN + 17,
    ] {
        let mut fetched = 0;
        let found = read(&blocks, root, 0, &(range.start as u64..range.end as u64), &mut fetched);
        assert_eq!(found, content[range.clone()]);
        assert_eq!(fetched, 1 + (range.start / CHUNK_LEN..range.end.div_ceil(CHUNK_LEN)).len());
    }
}

#[test]
fn a_node_is_refused_unless_it_is_written_as_we_write_it() {
    let mut builder = CidBuilder::keeping_nodes();
    builder.update(&content(true, CHUNK_LEN + 1));
    let (root, nodes) = builder.finish_tree();
    let (cid, block) = nodes.last().unwrap();
    assert_eq!(*cid, root);
    let node = Node::parse(block, 0).unwrap();
    assert_eq!(node.len(), CHUNK_LEN as u64 + 1);
    assert_eq!(node.children().len(), 2);
    assert!(node.children().iter().all(protocol::cid::Child::is_leaf));

    assert!(Node::parse(&block[..block.len() - 1], 0).is_err(), "cut short");
    assert!(Node::parse(&[block.as_slice(), &[0]].concat(), 0).is_err(), "something after");
    assert!(Node::parse(&[], 0).is_err());
    // The last byte is the size of the second child, so the sizes no longer add up to the size of the file.
    let mut lies = block.clone();
    *lies.last_mut().unwrap() = 2;
    assert!(Node::parse(&lies, 0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_any_length_give_the_same_cid(len in 0_usize..3 * CHUNK_LEN, step in 1_usize..2 * CHUNK_LEN) {
        let content = content(true, len);
        let mut whole = CidBuilder::new();
        whole.update(&content);
        let mut pieces = CidBuilder::new();
        content.chunks(step).for_each(|piece| pieces.update(piece));
        prop_assert_eq!(whole.finish(), pieces.finish());
    }

    #[test]
    fn random_blocks_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Node::parse(&bytes, u64::MAX - 5);
        let _ = Cid::from_bytes(&bytes);
    }
}
