//! The capsules of each grant in the database. There may be many, so no list reads them.
//!
//! Their hash is on chain, so they are sealed. Otherwise bundles would show which grants were stored when, and which
//! request each of them answers.

use std::sync::Arc;

use futures::TryStreamExt;
use mongodb::{Collection, Database, bson::doc};
use protocol::{
    bodies::grants::BundleBody,
    capsule::CAPSULE_LEN,
    ids::{GrantId, RequestId},
};
use serde::{Deserialize, Serialize};

use super::{collection, create_clustered, find_id, index, is_duplicate};
use crate::{
    at_rest::{AtRest, AtRestError, Lookup, Sealed, Use},
    error::ApiError,
    work,
};

/// A bundle. `_id`: blind index of grant and grant epoch ([`Lookup::Bundle`]). A renewed grant has a separate bundle,
/// so a renewal that is never mined does not change the current one.
#[derive(Clone, Serialize, Deserialize)]
struct BundleDoc {
    #[serde(rename = "_id")]
    id: String,
    /// Blind index of the grant ([`Lookup::BundleGrant`]).
    grant: String,
    /// The capsules: [`BundleBody`].
    sealed: Sealed,
    /// The grant and request that they belong to: [`About`].
    about: Sealed,
}

/// The grant and request of a bundle.
#[derive(Clone, Serialize, Deserialize)]
struct About {
    grant: GrantId,
    epoch: i64,
    request: Option<RequestId>,
    stored_at: i64,
}

/// A bundle that was opened, or that is to be stored.
#[derive(Clone)]
pub(crate) struct KeptBundle {
    pub(crate) grant: GrantId,
    /// The epoch of the grant on chain that belongs to this bundle.
    pub(crate) epoch: i64,
    pub(crate) body: BundleBody,
    /// The request that the grant answers.
    pub(crate) request: Option<RequestId>,
    /// Unix milliseconds.
    pub(crate) stored_at: i64,
}

/// The identity of a bundle, without its capsules.
pub(crate) struct BundleName {
    pub(crate) id: String,
    pub(crate) epoch: i64,
    pub(crate) request: Option<RequestId>,
    pub(crate) stored_at: i64,
    about: Sealed,
}

impl KeptBundle {
    /// Returns the newest version that it opens.
    pub(crate) fn newest_version(&self) -> Option<u16> {
        self.body.capsules.last().map(|capsule| capsule.version)
    }

    /// Returns the bytes that name it.
    fn name(&self) -> [u8; 40] {
        name_of(self.grant, self.epoch)
    }

    /// Seals it under this id. This takes long, so it runs outside the async threads.
    ///
    /// # Errors
    /// Returns an error when the sealing task fails.
    async fn seal(&self, at_rest: &Arc<AtRest>, id: String) -> Result<BundleDoc, ApiError> {
        let (bundle, at_rest) = (self.clone(), Arc::clone(at_rest));
        work::run(self.body.capsules.len() * CAPSULE_LEN, move || Ok(bundle.sealed(&at_rest, id))).await
    }

    fn sealed(&self, at_rest: &AtRest, id: String) -> BundleDoc {
        let Self { grant, epoch, ref body, request, stored_at } = *self;
        BundleDoc {
            grant: at_rest.blind(Lookup::BundleGrant, grant.0),
            sealed: at_rest.seal(Use::Bundle, &id, body),
            about: at_rest.seal(Use::BundleAbout, &id, &About { grant, epoch, request, stored_at }),
            id,
        }
    }

    /// Returns its `_id`. A bundle that was stored under an earlier secret keeps its id.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    async fn id(&self, database: &Database, at_rest: &AtRest) -> mongodb::error::Result<String> {
        let standing = find_id(&bundles(database), &at_rest.older(Lookup::Bundle, self.name())).await?;
        Ok(standing.unwrap_or_else(|| at_rest.blind(Lookup::Bundle, self.name())))
    }
}

impl BundleDoc {
    fn open(&self, at_rest: &AtRest) -> Result<KeptBundle, AtRestError> {
        let About { grant, epoch, request, stored_at } = at_rest.open(Use::BundleAbout, &self.id, &self.about)?;
        let body = at_rest.open(Use::Bundle, &self.id, &self.sealed)?;
        Ok(KeptBundle { grant, epoch, body, request, stored_at })
    }
}

fn name_of(grant: GrantId, epoch: i64) -> [u8; 40] {
    let mut name = [0; 40];
    name[..32].copy_from_slice(grant.0.as_slice());
    name[32..].copy_from_slice(&epoch.to_be_bytes());
    name
}

/// Returns the collection of bundles.
fn bundles(database: &Database) -> Collection<BundleDoc> {
    database.collection(collection::BUNDLES)
}

/// Creates the index over the grants of bundles.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    create_clustered(database, collection::BUNDLES).await?;
    bundles(database).create_index(index(doc! { "grant": 1 })).await?;
    Ok(())
}

/// Stores new bundles in a single write. Returns false when one of them exists already.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn insert(database: &Database, at_rest: &Arc<AtRest>, new: &[KeptBundle]) -> Result<bool, ApiError> {
    let mut documents = Vec::with_capacity(new.len());
    for bundle in new {
        let id = bundle.id(database, at_rest).await?;
        documents.push(bundle.seal(at_rest, id).await?);
    }
    match bundles(database).insert_many(documents).ordered(false).await {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Replaces the bundle that has the same name.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn replace(database: &Database, at_rest: &Arc<AtRest>, bundle: &KeptBundle) -> Result<(), ApiError> {
    let id = bundle.id(database, at_rest).await?;
    let document = bundle.seal(at_rest, id.clone()).await?;
    bundles(database).replace_one(doc! { "_id": id }, document).upsert(true).await?;
    Ok(())
}

/// Returns the bundle of one epoch of a grant. A bundle that cannot be opened is treated as missing, and can be stored
/// again. Opening it takes long, so it runs outside the async threads.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn find(
    database: &Database,
    at_rest: &Arc<AtRest>,
    grant: GrantId,
    epoch: i64,
) -> Result<Option<KeptBundle>, ApiError> {
    let named = doc! { "_id": at_rest.find(Lookup::Bundle, name_of(grant, epoch)) };
    let Some(found) = bundles(database).find_one(named).await? else { return Ok(None) };
    let at_rest = Arc::clone(at_rest);
    work::run(found.sealed.as_bytes().len(), move || {
        let opened = found.open(&at_rest).inspect_err(|error| tracing::error!(%error, "a bundle does not open"));
        Ok(opened.ok())
    })
    .await
}

/// Returns the names of all bundles of a grant, oldest first.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn names_of(
    database: &Database,
    at_rest: &AtRest,
    grant: GrantId,
) -> mongodb::error::Result<Vec<BundleName>> {
    let of_grant = doc! { "grant": at_rest.find(Lookup::BundleGrant, grant.0) };
    let mut names = names(database, at_rest, of_grant).await?;
    names.sort_by_key(|name| name.epoch);
    Ok(names)
}

/// Returns the names, with grant and epoch, of the bundles with these ids.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn names_among(
    database: &Database,
    at_rest: &AtRest,
    wanted: impl IntoIterator<Item = (GrantId, i64)>,
) -> mongodb::error::Result<Vec<BundleName>> {
    let wanted = wanted.into_iter().map(|(grant, epoch)| name_of(grant, epoch));
    names(database, at_rest, doc! { "_id": at_rest.find_any(&[Lookup::Bundle], wanted) }).await
}

async fn names(
    database: &Database,
    at_rest: &AtRest,
    filter: mongodb::bson::Document,
) -> mongodb::error::Result<Vec<BundleName>> {
    /// A sealed bundle without its capsules.
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "_id")]
        id: String,
        about: Sealed,
    }
    let bundles: Collection<Named> = database.collection(collection::BUNDLES);
    let found: Vec<Named> = bundles.find(filter).projection(doc! { "about": 1 }).await?.try_collect().await?;
    let opened = found.into_iter().filter_map(|Named { id, about }| {
        let of: About = at_rest.open(Use::BundleAbout, &id, &about).ok()?;
        Some(BundleName { id, epoch: of.epoch, request: of.request, stored_at: of.stored_at, about })
    });
    Ok(opened.collect())
}

/// Destroys the capsules of a bundle. The document remains.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn erase(
    database: &Database,
    at_rest: &AtRest,
    name: &BundleName,
    empty: &BundleBody,
) -> mongodb::error::Result<()> {
    let empty = at_rest.seal(Use::Bundle, &name.id, empty);
    bundles(database).update_one(doc! { "_id": &name.id }, doc! { "$set": { "sealed": empty } }).await?;
    Ok(())
}

/// Deletes a bundle, unless another one was stored in its place in the meantime.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn delete(database: &Database, name: BundleName) -> mongodb::error::Result<()> {
    bundles(database).delete_one(doc! { "_id": name.id, "about": name.about }).await?;
    Ok(())
}
