use proptest::prelude::*;

use super::*;

/// Returns block `number` of branch `branch`. Branches share every block below their fork.
fn block(number: u64, branch: u64) -> BlockRef {
    let mut hash = B256::ZERO;
    hash[..8].copy_from_slice(&branch.to_be_bytes());
    hash[24..].copy_from_slice(&(number + 1).to_be_bytes());
    BlockRef { number, hash }
}

/// Returns the blocks 0..=head of a chain that leaves branch 0 after block `fork`.
fn chain(head: u64, fork: u64, branch: u64) -> Vec<BlockRef> {
    (0..=head).map(|number| block(number, if number <= fork { 0 } else { branch })).collect()
}

fn link(chain: &[BlockRef], number: u64) -> Link {
    let index = usize::try_from(number).unwrap();
    Link { block: chain[index], parent: if index == 0 { B256::ZERO } else { chain[index - 1].hash } }
}

fn window(chain: &[BlockRef], capacity: usize) -> Window {
    let mut window = Window::new(chain[0], capacity);
    chain[1..].iter().for_each(|block| window.push(*block).unwrap());
    window
}

/// Requests blocks from `chain` until the search ends.
fn ancestor(window: &Window, chain: &[BlockRef]) -> Option<BlockRef> {
    let mut search = window.search(chain.last().unwrap().number);
    loop {
        let answers: Vec<_> =
            search.numbers().filter_map(|n| chain.get(usize::try_from(n).unwrap()).copied()).collect();
        match window.meet(&search, &answers) {
            Meeting::At(block) => return Some(block),
            Meeting::TooDeep => return None,
            Meeting::Further(next) => {
                assert!(next.numbers().end() < search.numbers().start(), "a search only goes down");
                search = next;
            }
        }
    }
}

#[test]
fn the_tip_itself_needs_nothing() {
    let chain = chain(5, 5, 0);
    assert_eq!(window(&chain, 8).judge(&link(&chain, 5)), Verdict::Same);
}

#[test]
fn a_child_of_the_tip_extends_it() {
    let chain = chain(6, 6, 0);
    assert_eq!(window(&chain[..6], 8).judge(&link(&chain, 6)), Verdict::Extends);
}

#[test]
fn a_next_block_with_another_parent_is_a_fork() {
    let (ours, theirs) = (chain(5, 5, 0), chain(6, 3, 1));
    assert_eq!(window(&ours, 8).judge(&link(&theirs, 6)), Verdict::Forked);
}

#[test]
fn another_block_of_the_tips_number_is_a_fork_even_when_both_are_empty() {
    let (ours, theirs) = (chain(5, 5, 0), chain(5, 4, 1));
    assert_eq!(window(&ours, 8).judge(&link(&theirs, 5)), Verdict::Forked);
}

#[test]
fn a_shorter_chain_of_our_own_blocks_is_behind_and_ours() {
    let chain = chain(9, 9, 0);
    assert_eq!(window(&chain, 4).judge(&link(&chain, 7)), Verdict::Behind { is_ours: true });
}

#[test]
fn a_chain_that_ends_below_the_window_is_behind_and_not_known() {
    let chain = chain(9, 9, 0);
    assert_eq!(window(&chain, 4).judge(&link(&chain, 2)), Verdict::Behind { is_ours: false });
}

#[test]
fn a_window_has_no_gaps() {
    let chain = chain(9, 9, 0);
    let mut window = window(&chain[..5], 4);
    let before = window.clone();
    assert_eq!(window.push(chain[6]), Err(Gap { tip: 4, found: 6 }));
    assert_eq!(window.push(chain[4]), Err(Gap { tip: 4, found: 4 }));
    assert_eq!(window, before);
}

proptest! {
    /// A fork within the window is found exactly; a deeper one never gives an ancestor.
    #[test]
    fn the_ancestor_is_the_last_shared_block(
        ours in 1_u64..400, fork in 0_u64..400, growth in 1_u64..400, capacity in 1_usize..300,
    ) {
        let fork = fork.min(ours);
        let ours = chain(ours, ours, 0);
        let theirs = chain(fork + growth, fork, 1);
        let window = window(&ours, capacity);
        let expected = (fork >= window.oldest().number).then(|| ours[usize::try_from(fork).unwrap()]);
        prop_assert_eq!(ancestor(&window, &theirs), expected);
    }

    /// After following several branches, the window always equals the end of the branch that was followed last.
    #[test]
    fn following_forks_keeps_the_window_true(forks in prop::collection::vec((0_u64..20, 1_u64..20), 1..20)) {
        let mut branch: Vec<BlockRef> = chain(30, 30, 0);
        let mut ours = window(&branch, 64);
        for (id, (depth, growth)) in forks.into_iter().enumerate() {
            // Forks that each remove more blocks than they add could leave the window. That is `TooDeep`, which is
            // tested above.
            let fork = branch.last().unwrap().number.saturating_sub(depth).max(ours.oldest().number);
            branch.truncate(usize::try_from(fork).unwrap() + 1);
            branch.extend((1..=growth).map(|n| block(fork + n, 1000 + id as u64)));
            let head = link(&branch, branch.last().unwrap().number);
            match ours.judge(&head) {
                Verdict::Extends => {}
                Verdict::Forked | Verdict::Ahead => {
                    let ancestor = ancestor(&ours, &branch);
                    prop_assert!(ancestor.is_some());
                    ours.truncate(ancestor.unwrap().number);
                }
                other => prop_assert!(false, "a longer or other branch is never {:?}", other),
            }
            for next in &branch[usize::try_from(ours.tip().number).unwrap() + 1..] {
                ours.push(*next).unwrap();
            }
            prop_assert_eq!(ours.tip(), head.block);
            for kept in &ours.blocks {
                prop_assert_eq!(branch[usize::try_from(kept.number).unwrap()], *kept);
            }
        }
    }
}
