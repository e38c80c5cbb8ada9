//! Checks that the secret file belongs to a database.
//!
//! A sealed value names its secret by a line number. If the lines were in another order, a server could not open any
//! stored value, and would seal new values under a number that later means another secret. So the first server that
//! seals under a line stores a check value for it in each database, and every later server compares its file with it.

use futures::TryStreamExt;
use mongodb::{Collection, Database, bson::doc};
use serde::{Deserialize, Serialize};

use super::AtRest;
use crate::store::is_duplicate;

/// The check value of one secret. `_id` is its line in the secret file, counted from 1.
#[derive(Serialize, Deserialize)]
struct CheckDoc {
    #[serde(rename = "_id")]
    line: i32,
    check: String,
}

/// The reason why a server must not seal anything in a database.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The line has a different secret from the one that the database was sealed under.
    #[error(
        "line {line} of the operator's secret file is not the secret that the database {database} was sealed under. \
         Put back the file as it was: the same secrets in the same order, new ones only at the end; or connect to the \
         database that belongs to this file"
    )]
    Other {
        /// The line number, from 1.
        line: i32,
        /// The name of the database.
        database: String,
    },
    /// A line is missing.
    #[error(
        "the operator's secret file has no line {line}, but the database {database} has values that are sealed under it. \
         Put back the file as it was: no line is ever removed"
    )]
    Missing {
        /// The line number, from 1.
        line: i32,
        /// The name of the database.
        database: String,
    },
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] mongodb::error::Error),
}

/// Compares the secrets with those that `database` was sealed under, and stores check values for new ones in
/// `collection`.
///
/// # Errors
/// Returns an error when a line has a different secret, or is missing. Nothing is stored then.
pub async fn expect_secrets(at_rest: &AtRest, database: &Database, collection: &str) -> Result<(), SecretsError> {
    let checks: Collection<CheckDoc> = database.collection(collection);
    // Two servers that start at once may have different files. The second one finds out by reading again.
    loop {
        let known = known(&checks).await?;
        let new = unknown(at_rest, &known, database.name())?;
        if new.is_empty() {
            return Ok(());
        }
        match checks.insert_many(new).await {
            Ok(_) => return Ok(()),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns whether the secrets are still those that `database` was sealed under. They are not if another database has
/// replaced it.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn are_known(
    at_rest: &AtRest,
    database: &Database,
    collection: &str,
) -> Result<bool, mongodb::error::Error> {
    let checks: Collection<CheckDoc> = database.collection(collection);
    let known = known(&checks).await?;
    Ok(unknown(at_rest, &known, database.name()).is_ok_and(|new| new.is_empty()))
}

async fn known(checks: &Collection<CheckDoc>) -> mongodb::error::Result<Vec<CheckDoc>> {
    checks.find(doc! { "_id": { "$gte": 1 } }).sort(doc! { "_id": 1 }).await?.try_collect().await
}

/// Returns the check values that are not in the database yet.
fn unknown(at_rest: &AtRest, known: &[CheckDoc], database: &str) -> Result<Vec<CheckDoc>, SecretsError> {
    let ours = at_rest.checks();
    let of_line = |line: i32| usize::try_from(line).ok()?.checked_sub(1).and_then(|at| ours.get(at));
    for CheckDoc { line, check } in known {
        match of_line(*line) {
            None => return Err(SecretsError::Missing { line: *line, database: database.to_owned() }),
            Some(ours) if ours != check => {
                return Err(SecretsError::Other { line: *line, database: database.to_owned() });
            }
            Some(_) => {}
        }
    }
    let numbered = (1_i32..).zip(ours.clone()).map(|(line, check)| CheckDoc { line, check });
    Ok(numbered.filter(|new| known.iter().all(|known| known.line != new.line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at_rest::tests::at_rest;

    fn noted(at_rest: &AtRest) -> Vec<CheckDoc> {
        unknown(at_rest, &[], "d").unwrap()
    }

    #[test]
    fn a_changed_order_a_changed_secret_and_a_missing_line_differ_from_a_rotation() {
        let known = noted(&at_rest(&[1, 2]));
        let said = |bytes: &[u8]| unknown(&at_rest(bytes), &known, "d").map(|new| new.len());
        assert_eq!(said(&[1, 2]).unwrap(), 0);
        assert_eq!(said(&[1, 2, 3]).unwrap(), 1, "a rotation");
        assert!(matches!(said(&[2, 1]), Err(SecretsError::Other { line: 1, .. })));
        assert!(matches!(said(&[1, 3]), Err(SecretsError::Other { line: 2, .. })));
        assert!(matches!(said(&[1]), Err(SecretsError::Missing { line: 2, .. })));
        assert!(matches!(said(&[3, 1, 2]), Err(SecretsError::Other { line: 1, .. })));
    }

    #[test]
    fn a_check_value_is_not_a_key_and_depends_on_the_secret() {
        let [one, two] = [1, 2].map(|byte| at_rest(&[byte]).checks().remove(0));
        assert_ne!(one, two);
        assert_eq!(one.len(), 32);
    }
}
