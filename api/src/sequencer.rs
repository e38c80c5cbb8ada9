//! The sequencer: orders leaves into the log and anchors its head on chain.
