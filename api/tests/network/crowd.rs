//! Rows of other people: as many as a test wants, beside each row of its own.

use mongodb::{
    Database,
    bson::{Binary, Bson, Document, doc},
};

/// Collections with one document, or a few of the server's own: nobody else can make them grow.
pub(crate) const SMALL: [&str; 10] = [
    "cursor",
    "blocks",
    "indexer_lease",
    "api_feed_cursor",
    "api_leases",
    "api_secrets",
    "log_secrets",
    "log_positions",
    "api_budgets",
    "accreditors",
];

/// Fills every collection with `count` rows of other people and returns the names of the filled collections.
///
/// The addresses `shared` (hex without `0x`) stay as they are: the operator's and its relayers' stand in everybody's rows.
pub(crate) async fn fill(database: &Database, count: usize, shared: &[String]) -> Vec<String> {
    let mut full = Vec::new();
    for name in database.list_collection_names().await.expect("the database answers") {
        let collection = database.collection::<Document>(&name);
        if SMALL.contains(&name.as_str()) || name.starts_with("system.") {
            continue;
        }
        let Some(own) = collection.find_one(doc! {}).await.expect("the database answers") else { continue };
        for start in (0..count).step_by(5_000) {
            let rows = (start..count.min(start + 5_000)).map(|number| of_another(&own, number, shared));
            let done = collection.insert_many(rows).ordered(false).await;
            done.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        full.push(name);
    }
    full
}

/// Returns a document of somebody else: other addresses, ids and numbers, the same states.
fn of_another(document: &Document, number: usize, shared: &[String]) -> Document {
    let changed = document.iter().map(|(name, value)| {
        let changed = match value {
            Bson::String(text) if name == "_id" => Bson::String(other_text(text, number, shared) + &number.to_string()),
            value => other(name, value, number, shared),
        };
        (name.clone(), changed)
    });
    changed.collect()
}

/// Numbers that only grow: those of others lie behind one's own, as what is over does. All others lie ahead.
const BEHIND: [&str; 4] = ["index", "nonce", "block_number", "number"];

fn other(name: &str, value: &Bson, number: usize, shared: &[String]) -> Bson {
    // Away from all numbers of one's own: some are unique.
    let step = i64::try_from(number).expect("few") + 1_000_000;
    match value {
        // Not written in hex.
        Bson::String(text) if name == "cid" => Bson::String(format!("{text}{number}")),
        Bson::String(text) => Bson::String(other_text(text, number, shared)),
        Bson::Document(document) => {
            let fields = document.iter().map(|(name, value)| (name.clone(), other(name, value, number, shared)));
            Bson::Document(fields.collect())
        }
        Bson::Array(values) => Bson::Array(values.iter().map(|value| other(name, value, number, shared)).collect()),
        Bson::Int64(value) if BEHIND.contains(&name) => Bson::Int64(value.saturating_sub(step)),
        Bson::Int64(value) if !["epoch", "version"].contains(&name) => Bson::Int64(value.saturating_add(step)),
        // Sealed bytes, which nothing here opens.
        Bson::Binary(sealed) => Bson::Binary(Binary { bytes: number.to_le_bytes().to_vec(), ..sealed.clone() }),
        other => other.clone(),
    }
}

/// Hex of 16 digits or more becomes other hex; long texts are cut, since nothing here reads them.
fn other_text(text: &str, number: usize, shared: &[String]) -> String {
    let mut changed = String::new();
    let mut digits = String::new();
    for char in text.chars().take(300).chain(['\n']) {
        if char.is_ascii_hexdigit() && !char.is_ascii_uppercase() {
            digits.push(char);
            continue;
        }
        if digits.len() >= 16 && !shared.contains(&digits) {
            changed.extend(other_hex(&digits, number).chars().cycle().take(digits.len()));
        } else {
            changed += &digits;
        }
        digits.clear();
        if char != '\n' {
            changed.push(char);
        }
    }
    changed
}

/// 16 hex digits that follow from others and a number, spread as ids are.
fn other_hex(digits: &str, number: usize) -> String {
    let seed = digits.bytes().fold(number as u64 + 1, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:016x}", mixed ^ (mixed >> 29))
}
