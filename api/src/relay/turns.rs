//! Chooses among waiting actions when there is not room for all.

use std::collections::HashMap;

use protocol::ids::ActionId;
use serde::Deserialize;

/// The fields of a waiting action that are needed to choose.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct InTurn {
    #[serde(rename = "_id")]
    pub(super) id: ActionId,
    /// Pseudonym under which it takes turns.
    pub(super) turn: String,
    /// The gas that its transaction may use.
    pub(super) gas_limit: i64,
}

/// Orders waiting actions so that the first of everybody comes before the second of anybody. A submitter of hundreds of
/// actions therefore does not delay a submitter of one.
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
    // The sort is stable: within a round the oldest comes first.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, action)| action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_everybody_comes_before_the_second_of_anybody() {
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
