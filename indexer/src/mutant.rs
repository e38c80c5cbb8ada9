//! Deliberate faults, to show that the simulation finds such faults. Only a build with the feature `simulation`,
//! which nothing but the simulation asks for, contains them: elsewhere [`is`] is the constant `false`.

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutant {
    /// The cursor is written in a transaction of its own, before the data.
    CursorBeforeData = 1,
    /// A block is taken for the next one by its number alone.
    NoParentCheck,
    /// A rollback forgets one view.
    GrantsStay,
    /// An answer without logs is believed, whatever the bloom filter says.
    EmptyIsBelieved,
    /// After a failed commit the indexer goes on where it believes to be, and nothing in the database contradicts.
    CommitIsAssumed,
    /// A lost lease stops nobody from writing, nor does a cursor that has moved.
    NoFence,
}

impl Mutant {
    /// All of them.
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

/// Puts one fault, or none, into this process.
#[cfg(feature = "simulation")]
pub fn set(mutant: Option<Mutant>) {
    ACTIVE.store(mutant.map_or(0, |mutant| mutant as u8), std::sync::atomic::Ordering::SeqCst);
}

/// Whether this fault is in.
#[cfg(feature = "simulation")]
pub(crate) fn is(mutant: Mutant) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == mutant as u8
}

/// Whether this fault is in: never.
#[cfg(not(feature = "simulation"))]
pub(crate) const fn is(_: Mutant) -> bool {
    false
}
