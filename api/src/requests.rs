//! Access requests: `/v1/requests`.
