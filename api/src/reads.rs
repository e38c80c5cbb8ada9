//! Reads: `POST /v1/reads`.
