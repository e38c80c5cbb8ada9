//! `medlock-localnet`: the command behind `scripts/up` and `scripts/down`.
fn main() {}
