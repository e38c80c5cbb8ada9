//! Whose turn it is, when more waits than there is room for.

use std::collections::HashMap;

use protocol::ids::ActionId;
use serde::Deserialize;

/// What must be known of a waiting action to choose.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct InTurn {
    #[serde(rename = "_id")]
    pub(super) id: ActionId,
    /// Pseudonym of whoever takes turns.
    pub(super) turn: String,
    /// The gas that its transaction may use.
    pub(super) gas_limit: i64,
}

/// Orders waiting actions, oldest first, so that everybody's first goes before anybody's second: whoever brings hundreds
/// waits behind whoever brings one.
pub(super) fn in_turn(waiting: Vec<InTurn>) -> Vec<InTurn> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut ranked: Vec<(usize, InTurn)> = waiting
        .into_iter()
        .map(|action| {
            let count = counts.entry(action.turn.clone()).or_default();
            *count += 1;
            (*count, action)
        })
        .collect();
    // Stable: within a round the oldest goes first.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, action)| action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybodys_first_goes_before_anybodys_second() {
        let action = |number: u8, turn: &str| InTurn {
            id: ActionId(alloy::primitives::B256::repeat_byte(number)),
            turn: turn.to_owned(),
            gas_limit: 1,
        };
        let waiting =
            vec![action(1, "a"), action(2, "a"), action(3, "a"), action(4, "b"), action(5, "c"), action(6, "b")];
        let order: Vec<u8> = in_turn(waiting).iter().map(|action| action.id.0[0]).collect();
        assert_eq!(order, [1, 4, 5, 2, 6, 3]);
    }
}
