//! The relay: signed actions become transactions, exactly once, also through restarts: `/v1/actions`.
