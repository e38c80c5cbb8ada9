//! The event feed: `GET /v1/events`.
