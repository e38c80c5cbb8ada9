//! Deliberate faults, which show that the simulation finds such faults. Only a build with the feature `simulation`
//! contains them, and only the simulation enables it. In all other builds [`is`] always returns `false`.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutant {
    /// The cursor is written in a separate transaction, before the data.
    CursorBeforeData = 1,
    /// A block is accepted as the next one by its number alone.
    NoParentCheck,
    /// A rollback does not undo one view.
    GrantsStay,
    /// An answer without logs is accepted, even if the bloom filter contradicts it.
    EmptyIsBelieved,
    /// After a failed commit the indexer continues as if it had succeeded, and the database does not check the cursor.
    CommitIsAssumed,
    /// The lease and the cursor are not checked before writing.
    NoFence,
}

impl Mutant {
    /// All faults.
    pub const ALL: [Self; 6] = [
        Self::CursorBeforeData,
        Self::NoParentCheck,
        Self::GrantsStay,
        Self::EmptyIsBelieved,
        Self::CommitIsAssumed,
        Self::NoFence,
    ];
}

#[cfg(feature = "simulation")]
static ACTIVE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Enables one fault, or none, in this process.
#[cfg(feature = "simulation")]
pub fn set(mutant: Option<Mutant>) {
    ACTIVE.store(mutant.map_or(0, |mutant| mutant as u8), std::sync::atomic::Ordering::SeqCst);
}

/// Returns whether this fault is enabled.
#[cfg(feature = "simulation")]
pub(crate) fn is(mutant: Mutant) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == mutant as u8
}

/// Returns whether this fault is enabled: always `false`.
#[cfg(not(feature = "simulation"))]
pub(crate) const fn is(_: Mutant) -> bool {
    false
}
