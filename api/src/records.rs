//! Records, versions and release shares: `/v1/records`.
