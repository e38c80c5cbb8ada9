//! The access log: `/v1/log`, `/v1/checkpoints`.
