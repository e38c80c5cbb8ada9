//! What an attack did, and what it was answered.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Counts while an attack runs.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Each answer, such as `201` or `429 rate_limited`, and how often it came.
    pub(crate) answers: BTreeMap<String, u64>,
    /// The slowest answer.
    pub(crate) slowest: Duration,
    /// Bytes of all answers.
    pub(crate) bytes: u64,
    /// What else there is to say, in the order of saying.
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

    /// Says something for the table.
    pub(crate) fn note(&self, note: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).notes.push(note.into());
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Counts {
    /// The answers in one line, the most frequent first.
    pub(crate) fn line(&self) -> String {
        let mut answers: Vec<_> = self.answers.iter().collect();
        answers.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let words: Vec<String> = answers.iter().map(|(what, count)| format!("{what} ×{count}")).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }
}
