//! The subset of MongoDB's filters and updates that the mirror uses.

use mongodb::bson::{Bson, Document};

/// Returns whether a document matches a filter.
pub(super) fn fits(document: &Document, filter: &Document) -> bool {
    filter.iter().all(|(path, wanted)| {
        let mut found = Some(document);
        let (folders, name) = path.rsplit_once('.').map_or((None, path.as_str()), |(all, last)| (Some(all), last));
        for folder in folders.into_iter().flat_map(|folders| folders.split('.')) {
            found = found.and_then(|document| document.get_document(folder).ok());
        }
        let value = found.and_then(|document| document.get(name)).unwrap_or(&Bson::Null);
        let values = match value {
            Bson::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        match wanted {
            Bson::Document(operators) if operators.keys().all(|key| key.starts_with('$')) => {
                operators.iter().all(|(operator, operand)| values.iter().any(|value| compare(value, operator, operand)))
            }
            wanted => values.iter().any(|value| equal(value, wanted)),
        }
    })
}

fn equal(a: &Bson, b: &Bson) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

pub(super) fn number(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int64(number) => Some(*number),
        Bson::Int32(number) => Some(i64::from(*number)),
        _ => None,
    }
}

fn compare(value: &Bson, operator: &str, operand: &Bson) -> bool {
    match (operator, operand) {
        ("$in", Bson::Array(any)) => any.iter().any(|wanted| equal(value, wanted)),
        ("$lt", _) => number(value).zip(number(operand)).is_some_and(|(a, b)| a < b),
        ("$gt", Bson::String(least)) => value.as_str().is_some_and(|value| value > least.as_str()),
        ("$gt", _) => number(value).zip(number(operand)).is_some_and(|(a, b)| a > b),
        _ => panic!("the simulated database does not know {operator}"),
    }
}

pub(super) fn updated(document: &Document, update: &Document) -> Document {
    let mut document = document.clone();
    for (operator, fields) in update {
        let fields = fields.as_document().expect("an update names fields");
        for (name, value) in fields {
            let value = match operator.as_str() {
                "$set" => value.clone(),
                "$inc" => {
                    let before = document.get(name).and_then(number).unwrap_or_default();
                    Bson::Int64(before + number(value).expect("a number"))
                }
                _ => panic!("the simulated database does not know {operator}"),
            };
            document.insert(name, value);
        }
    }
    document
}
