//! What an attack did, and the answers that it got.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The counter of a running attack.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

/// The counts of an attack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Each answer, such as `201` or `429 rate_limited`, and how often it came.
    pub(crate) answers: BTreeMap<String, u64>,
    /// The slowest answer.
    pub(crate) slowest: Duration,
    /// Bytes of all answers.
    pub(crate) bytes: u64,
    /// Further remarks, in order.
    pub(crate) notes: Vec<String>,
}

impl Tally {
    /// Counts one answer.
    pub(crate) fn answered(&self, what: impl Into<String>, bytes: u64, after: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.answers.entry(what.into()).or_default() += 1;
        counts.bytes += bytes;
        counts.slowest = counts.slowest.max(after);
    }

    /// Counts something that is not an answer.
    pub(crate) fn happened(&self, what: impl Into<String>) {
        self.answered(what, 0, Duration::ZERO);
    }

    /// Adds a remark for the table.
    pub(crate) fn note(&self, note: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).notes.push(note.into());
    }

    /// Returns the counts so far.
    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Counts {
    /// Returns the answers in one line, the most frequent first.
    pub(crate) fn line(&self) -> String {
        let mut answers: Vec<_> = self.answers.iter().collect();
        answers.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let words: Vec<String> = answers.iter().map(|(what, count)| format!("{what} ×{count}")).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }
}
