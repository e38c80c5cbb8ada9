//! Grants and their bundles: `/v1/grants`.
