//! Pages of lists: their cursors, their size limit, and their queries.
//!
//! A page costs a fixed number of queries, however much others have written. It ends after the requested number of
//! items, or before the item that would make it too large. `next` is the place where the next page begins.

use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::bodies::{PAGE_BYTES_MAX, Page};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::ApiError;

/// A place in a list that is ordered by a number and then by id, newest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// A time or a block number.
    pub(crate) at: i64,
    /// The item's `_id`.
    pub(crate) id: String,
}

impl Place {
    /// Parses a cursor.
    ///
    /// # Errors
    /// Returns `invalid_request` for a text that is not a cursor of this server.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let invalid = || ApiError::invalid("cursor is not valid for this server");
        let (at, id) = text.split_once(':').ok_or_else(invalid)?;
        let is_number = (1..=19).contains(&at.len()) && at.bytes().all(|byte| byte.is_ascii_digit());
        let is_id = id.len() <= 100 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b':'));
        if !is_number || !is_id {
            return Err(invalid());
        }
        Ok(Self { at: at.parse().map_err(|_| invalid())?, id: id.to_owned() })
    }

    /// Parses a cursor, if there is one.
    ///
    /// # Errors
    /// Returns the errors of [`Self::parse`].
    pub(crate) fn parse_some(text: Option<&str>) -> Result<Option<Self>, ApiError> {
        text.map(Self::parse).transpose()
    }

    /// Returns the cursor of this place.
    pub(crate) fn cursor(&self) -> String {
        format!("{}:{}", self.at, self.id)
    }
}

/// Returns at most `limit` documents that match `filter`, by the number in `field` and then by id, newest first, after
/// a place.
///
/// It makes two queries instead of one with `$or`. Each uses the index over the filter's fields, `field` and `_id`.
/// `$or` is slow on some servers even where each branch has an index.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn newest_first<T: DeserializeOwned + Send + Sync>(
    collection: &Collection<T>,
    filter: Document,
    field: &str,
    after: Option<&Place>,
    limit: usize,
) -> mongodb::error::Result<Vec<T>> {
    let order = doc! { field: -1, "_id": -1 };
    let of = |more: Document| {
        let mut all = filter.clone();
        all.extend(more);
        all
    };
    let max = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let Some(after) = after else {
        return collection.find(filter).sort(order).limit(max(limit)).await?.try_collect().await;
    };
    let same = of(doc! { field: after.at, "_id": { "$lt": &after.id } });
    let mut found: Vec<T> = collection.find(same).sort(order.clone()).limit(max(limit)).await?.try_collect().await?;
    // A limit of 0 would mean no limit.
    if found.len() < limit {
        let older = of(doc! { field: { "$lt": after.at } });
        let rest: Vec<T> =
            collection.find(older).sort(order).limit(max(limit - found.len())).await?.try_collect().await?;
        found.extend(rest);
    }
    Ok(found)
}

/// Seconds in a week.
pub(crate) const WEEK_SECONDS: i64 = 7 * 86_400;

/// Returns the week of a time (Unix seconds). Lists are ordered by it in the database, where the time itself is sealed.
pub(crate) const fn week_of(seconds: i64) -> i64 {
    seconds.div_euclid(WEEK_SECONDS)
}

/// Returns at most `limit` documents that match `filter`, by their places, newest first, after a place. The database
/// has only the week of a place, in `field`. `open` returns the document's own week, and its place and content after
/// opening.
///
/// A week is read as a whole, so the cost of a page depends on how many documents its weeks contain for one person.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn newest_first_by_week<T: DeserializeOwned + Send + Sync, U>(
    collection: &Collection<T>,
    filter: Document,
    field: &str,
    after: Option<&Place>,
    limit: usize,
    (week, open): (impl Fn(&T) -> i64 + Copy, impl Fn(T) -> Option<(Place, U)> + Copy),
) -> mongodb::error::Result<Vec<(Place, U)>> {
    let with = |condition: Document| {
        let mut all = filter.clone();
        all.insert(field, condition);
        all
    };
    let mut found: Vec<(Place, U)> = Vec::new();
    let mut below = None;
    if let Some(after) = after {
        let same: Vec<T> = collection.find(with(doc! { "$eq": week_of(after.at) })).await?.try_collect().await?;
        found.extend(same.into_iter().filter_map(open).filter(|(place, _)| place < after));
        below = Some(week_of(after.at));
    }
    while found.len() < limit {
        let wanted = limit - found.len();
        let older = below.map_or_else(|| filter.clone(), |below| with(doc! { "$lt": below }));
        let max = i64::try_from(wanted).unwrap_or(i64::MAX);
        let older = collection.find(older).sort(doc! { field: -1 }).limit(max).await?;
        let older: Vec<T> = older.try_collect().await?;
        // The last week may continue beyond the limit.
        let cut = older.last().filter(|_| older.len() == wanted).map(week);
        let whole = older.into_iter().filter(|document| cut.is_none_or(|cut| week(document) > cut));
        found.extend(whole.filter_map(open));
        let Some(cut) = cut else { break };
        let last: Vec<T> = collection.find(with(doc! { "$eq": cut })).await?.try_collect().await?;
        found.extend(last.into_iter().filter_map(open));
        below = Some(cut);
    }
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    found.truncate(limit);
    Ok(found)
}

/// Returns a page of items, each with the cursor of its place. It ends after `limit` items, or before
/// [`PAGE_BYTES_MAX`] would be exceeded. `further` is the cursor of what follows all of them.
///
/// # Errors
/// Returns `internal` when an item cannot be written as JSON.
pub(crate) fn page<T: Serialize>(
    items: impl IntoIterator<Item = (String, T)>,
    limit: usize,
    further: Option<String>,
) -> Result<Page<T>, ApiError> {
    let mut kept = Vec::new();
    let (mut bytes, mut last) = (0, None);
    for (cursor, item) in items {
        bytes += serde_json::to_vec(&item).map_err(ApiError::internal)?.len() + 1;
        if kept.len() == limit || (bytes > PAGE_BYTES_MAX && !kept.is_empty()) {
            return Ok(Page { items: kept, next: last });
        }
        kept.push(item);
        last = Some(cursor);
    }
    Ok(Page { items: kept, next: further })
}

/// Removes the items above `limit`. Returns whether there were any.
pub(crate) fn cut<T>(found: &mut Vec<T>, limit: usize) -> bool {
    let has_more = found.len() > limit;
    found.truncate(limit);
    has_more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize, text: &str) -> Vec<(String, String)> {
        (0..count).map(|number| (format!("{number}:x"), text.to_owned())).collect()
    }

    #[test]
    fn a_page_ends_by_count_or_by_bytes_and_has_at_least_one_item() {
        let all = page(numbered(3, "a"), 3, None).unwrap();
        assert_eq!((all.items.len(), all.next), (3, None));
        let cut = page(numbered(3, "a"), 2, None).unwrap();
        assert_eq!((cut.items.len(), cut.next.as_deref()), (2, Some("1:x")));
        let quarter = "a".repeat(PAGE_BYTES_MAX / 4);
        let heavy = page(numbered(9, &quarter), 9, Some("end".to_owned())).unwrap();
        assert_eq!((heavy.items.len(), heavy.next.as_deref()), (3, Some("2:x")));
        let giant = page(numbered(2, &"a".repeat(PAGE_BYTES_MAX * 2)), 9, None).unwrap();
        assert_eq!((giant.items.len(), giant.next.as_deref()), (1, Some("0:x")));
        let empty = page(Vec::<(String, String)>::new(), 9, Some("7:x".to_owned())).unwrap();
        assert_eq!((empty.items.len(), empty.next.as_deref()), (0, Some("7:x")));
    }

    #[test]
    fn a_cursor_is_digits_a_colon_and_an_id() {
        let place = Place { at: 12, id: "0xab".to_owned() };
        assert_eq!(Place::parse(&place.cursor()).unwrap(), place);
        for foreign in ["", ":", "12", "12:$ne", "-1:0xab", "+1:0xab", "x:0xab", "99999999999999999999:0xab"] {
            assert!(Place::parse(foreign).is_err(), "{foreign}");
        }
    }
}
