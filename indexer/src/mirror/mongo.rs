//! [`Mongo`]: the store in MongoDB.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{MirrorError, Store, Transaction, Write, indexes};
use async_trait::async_trait;
use futures::TryStreamExt;
use mongodb::{
    Client, ClientSession, Collection, Database, Namespace,
    bson::{Bson, Document, RawArrayBuf, RawBsonRef, RawDocumentBuf, doc, rawdoc},
    error::{BulkWriteError, ErrorKind, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure},
    options::{
        ClientOptions, DeleteManyModel, InsertOneModel, ReadConcern, ReplaceOneModel, TransactionOptions,
        UpdateOneModel, WriteConcern, WriteModel,
    },
};

/// The number of writes in one command. The documents of a mirror are small, so the command is far below 16 MB.
const CHUNK: usize = 5_000;
/// The prefix for the collections of a mirror that is being built.
const BESIDE: &str = "rebuild.";
/// The largest number of documents that a transaction writes in one command. More are faster collection by collection.
const SHORT: usize = 48;
const DUPLICATE_KEY: i32 = 11_000;
const WRITE_CONFLICT: i32 = 112;
/// The error codes of a server without bulk writes, and of a server 8.0 with an older feature compatibility version.
const NO_BULK_WRITE: [i32; 2] = [59, 115];
const NAMESPACE_NOT_FOUND: i32 = 26;

/// A MongoDB replica set.
#[derive(Clone, Debug)]
pub struct Mongo {
    client: Client,
    db: Database,
    prefix: &'static str,
    /// The only session, while no transaction uses it. Its id stays the same, so that another process can end it.
    session: Arc<Mutex<Option<ClientSession>>>,
    /// `true` until the server shows that it has no bulk writes.
    has_bulk_write: Arc<AtomicBool>,
}

impl Mongo {
    /// Makes a client. Connects at the first use.
    ///
    /// # Errors
    /// [`MirrorError::Database`] when the URI is malformed.
    pub async fn connect(uri: &str, database: &str) -> Result<Self, MirrorError> {
        let mut options = ClientOptions::parse(uri).await?;
        options.app_name.get_or_insert_with(|| "medlock-indexer".into());
        options.server_selection_timeout.get_or_insert(Duration::from_secs(3));
        options.connect_timeout.get_or_insert(Duration::from_secs(3));
        options.write_concern = Some(WriteConcern::majority());
        options.read_concern = Some(ReadConcern::majority());
        let client = Client::with_options(options)?;
        let db = client.database(database);
        let has_bulk_write = Arc::new(AtomicBool::new(true));
        Ok(Self { client, db, prefix: "", session: Arc::default(), has_bulk_write })
    }

    /// Returns the database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.db
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.db.collection(&format!("{}{name}", self.prefix))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<ClientSession>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_session(&self) -> Result<ClientSession, MirrorError> {
        let idle = self.idle().take();
        match idle {
            Some(session) => Ok(session),
            None => Ok(self.client.start_session().await?),
        }
    }
}

#[async_trait]
impl Store for Mongo {
    async fn begin(&self) -> Result<Box<dyn Transaction>, MirrorError> {
        let mut session = self.take_session().await?;
        let options = TransactionOptions::builder()
            .read_concern(ReadConcern::majority())
            .write_concern(WriteConcern::majority())
            .build();
        session.start_transaction().with_options(options).await?;
        Ok(Box::new(MongoTransaction { store: self.clone(), session, has_begun: false }))
    }

    async fn session(&self) -> Result<Bson, MirrorError> {
        let session = self.take_session().await?;
        let id = Bson::Document(session.id().clone());
        *self.idle() = Some(session);
        Ok(id)
    }

    async fn end_session(&self, session: &Bson) -> Result<(), MirrorError> {
        self.db.run_command(doc! { "killSessions": [session.clone()] }).await?;
        Ok(())
    }

    async fn find(
        &self,
        collection: &'static str,
        filter: Document,
        limit: i64,
    ) -> Result<Vec<RawDocumentBuf>, MirrorError> {
        let documents = self.collection::<RawDocumentBuf>(collection);
        Ok(documents.find(filter).sort(doc! { "_id": 1 }).limit(limit).await?.try_collect().await?)
    }

    async fn insert_new(&self, collection: &'static str, document: Document) -> Result<bool, MirrorError> {
        match self.collection::<Document>(collection).insert_one(document).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind.as_ref() {
                ErrorKind::Write(WriteFailure::WriteError(refused)) if refused.code == DUPLICATE_KEY => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    async fn update(&self, collection: &'static str, filter: Document, update: Document) -> Result<bool, MirrorError> {
        Ok(self.collection::<Document>(collection).update_one(filter, update).await?.matched_count == 1)
    }

    async fn prepare(&self) -> Result<(), MirrorError> {
        indexes::ensure(&self.db, self.prefix).await
    }

    async fn ping(&self) -> Result<(), MirrorError> {
        Ok(self.db.run_command(doc! { "ping": 1 }).await.map(drop)?)
    }

    async fn drop_collections(&self, collections: &[&'static str]) -> Result<(), MirrorError> {
        for name in collections {
            self.collection::<Document>(name).drop().await?;
        }
        Ok(())
    }

    fn beside(&self) -> Arc<dyn Store> {
        Arc::new(Self { prefix: BESIDE, session: Arc::default(), ..self.clone() })
    }

    async fn take_over(&self, collection: &'static str) -> Result<(), MirrorError> {
        let full = |prefix: &str| format!("{}.{prefix}{collection}", self.db.name());
        let rename = doc! { "renameCollection": full(BESIDE), "to": full(self.prefix), "dropTarget": true };
        match self.client.database("admin").run_command(rename).await {
            Ok(_) => Ok(()),
            Err(error) => match error.kind.as_ref() {
                ErrorKind::Command(refused) if refused.code == NAMESPACE_NOT_FOUND => Ok(()),
                _ => Err(error.into()),
            },
        }
    }
}

struct MongoTransaction {
    store: Mongo,
    session: ClientSession,
    /// Whether the server has received a command of this transaction.
    has_begun: bool,
}

#[async_trait]
impl Transaction for MongoTransaction {
    async fn find(&mut self, collection: &'static str, filter: Document) -> Result<Vec<RawDocumentBuf>, MirrorError> {
        self.has_begun = true;
        let documents = self.store.collection::<RawDocumentBuf>(collection);
        let mut found = documents.find(filter).session(&mut self.session).await?;
        let mut documents = Vec::new();
        while let Some(document) = found.next(&mut self.session).await.transpose()? {
            documents.push(document);
        }
        Ok(documents)
    }

    async fn write(&mut self, writes: Vec<Write>) -> Result<(), MirrorError> {
        let documents: usize = writes.iter().map(Write::len).sum();
        let is_short = documents <= SHORT && self.store.has_bulk_write.load(Ordering::Relaxed);
        let by_themselves = match (is_short, self.has_begun) {
            (true, true) => 0,
            // The first command contains the read concern. MongoDB accepts it with a bulk write, but the embedded
            // server (secantusd 0.5.3) does not.
            (true, false) => 1,
            (false, _) => usize::MAX,
        };
        let mut writes = writes.into_iter();
        for write in writes.by_ref().take(by_themselves) {
            self.has_begun = true;
            self.write_one(write).await?;
        }
        self.write_at_once(writes).await
    }

    /// Asks again while the result is unknown. If it stays unknown, loading the cursor shows it.
    async fn commit(mut self: Box<Self>) -> Result<(), MirrorError> {
        for _ in 1..COMMIT_TRIES {
            match self.session.commit_transaction().await {
                Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {}
                result => return self.end(result),
            }
        }
        let result = self.session.commit_transaction().await;
        self.end(result)
    }

    async fn abort(mut self: Box<Self>) {
        // The important error was returned before. A transaction that cannot be aborted expires, or the next holder
        // ends it.
        let result = self.session.abort_transaction().await;
        drop(self.end(result));
    }
}

const COMMIT_TRIES: usize = 5;

/// Converts the refusal of some writes into an error. With the embedded server, a conflict between transactions is one
/// of these refusals.
fn refusal(refused: &BulkWriteError) -> MirrorError {
    let mut errors: Vec<_> = refused.write_errors.iter().collect();
    errors.sort_unstable_by_key(|(index, _)| **index);
    match errors.first() {
        Some((_, first)) if first.code == WRITE_CONFLICT => MirrorError::Conflict,
        first => MirrorError::Write {
            collection: "several collections at once",
            reason: first.map(|(_, error)| error.message.clone()).unwrap_or_default(),
        },
    }
}

fn plain(collection: &'static str, document: &RawDocumentBuf) -> Result<Document, MirrorError> {
    document.to_document().map_err(|_| MirrorError::Form { collection })
}

impl Write {
    /// Returns the number of documents of a write. It is unknown for a deletion.
    fn len(&self) -> usize {
        match self {
            Self::Insert(_, documents) | Self::Replace(_, documents) => documents.len(),
            Self::Update { .. } | Self::Delete { .. } => 1,
        }
    }

    fn into_models(
        self,
        models: &mut Vec<WriteModel>,
        namespace: impl Fn(&'static str) -> Namespace,
    ) -> Result<(), MirrorError> {
        match self {
            Self::Insert(collection, documents) => {
                for document in documents {
                    let document = plain(collection, &document)?;
                    models.push(
                        InsertOneModel::builder().namespace(namespace(collection)).document(document).build().into(),
                    );
                }
            }
            Self::Replace(collection, documents) => {
                for document in documents {
                    let document = plain(collection, &document)?;
                    let filter = doc! { "_id": document.get("_id") };
                    let model = ReplaceOneModel::builder().namespace(namespace(collection)).filter(filter);
                    models.push(model.replacement(document).upsert(true).build().into());
                }
            }
            Self::Update { collection, filter, update } => {
                let model = UpdateOneModel::builder().namespace(namespace(collection)).filter(filter);
                models.push(model.update(update).build().into());
            }
            Self::Delete { collection, filter } => {
                models.push(DeleteManyModel::builder().namespace(namespace(collection)).filter(filter).build().into());
            }
        }
        Ok(())
    }
}

impl MongoTransaction {
    /// Sends all writes in one command, which MongoDB supports since 8.0.
    async fn write_at_once(&mut self, writes: impl Iterator<Item = Write>) -> Result<(), MirrorError> {
        let mut models = Vec::new();
        for write in writes {
            write.into_models(&mut models, |collection| self.store.collection::<Document>(collection).namespace())?;
        }
        if models.is_empty() {
            return Ok(());
        }
        let updates =
            models.iter().filter(|model| !matches!(model, WriteModel::InsertOne(_) | WriteModel::DeleteMany(_)));
        let updates = i64::try_from(updates.count()).unwrap_or(i64::MAX);
        match self.store.client.bulk_write(models).session(&mut self.session).await {
            Ok(result) if result.matched_count + result.upserted_count == updates => Ok(()),
            Ok(_) => Err(MirrorError::Unmatched),
            Err(error) => Err(match error.kind.as_ref() {
                ErrorKind::BulkWrite(refused) if !refused.write_errors.is_empty() => refusal(refused),
                // The transaction is tried again without bulk writes.
                ErrorKind::IncompatibleServer { .. } => self.without_bulk_write(),
                ErrorKind::Command(refused) if NO_BULK_WRITE.contains(&refused.code) => self.without_bulk_write(),
                _ => error.into(),
            }),
        }
    }

    fn without_bulk_write(&self) -> MirrorError {
        self.store.has_bulk_write.store(false, Ordering::Relaxed);
        MirrorError::Conflict
    }

    /// Writes documents of one collection. For many documents, this is faster.
    async fn write_one(&mut self, write: Write) -> Result<(), MirrorError> {
        match write {
            Write::Insert(collection, documents) => {
                let into = self.store.collection::<RawDocumentBuf>(collection);
                into.insert_many(documents).ordered(false).session(&mut self.session).await?;
            }
            Write::Replace(collection, documents) => {
                for documents in documents.chunks(CHUNK) {
                    self.replace(collection, documents).await?;
                }
            }
            Write::Update { collection, filter, update } => {
                let documents = self.store.collection::<Document>(collection);
                let result = documents.update_one(filter, update).session(&mut self.session).await?;
                if result.matched_count != 1 {
                    return Err(MirrorError::Unmatched);
                }
            }
            Write::Delete { collection, filter } => {
                self.store.collection::<Document>(collection).delete_many(filter).session(&mut self.session).await?;
            }
        }
        Ok(())
    }

    /// Replaces many documents with one command. The driver has no such function within a transaction.
    async fn replace(&mut self, collection: &'static str, documents: &[RawDocumentBuf]) -> Result<(), MirrorError> {
        let mut updates = RawArrayBuf::new();
        for document in documents {
            let id = document.get("_id").ok().flatten().unwrap_or(RawBsonRef::Null).to_raw_bson();
            updates.push(rawdoc! { "q": { "_id": id }, "u": document.clone(), "upsert": true });
        }
        let name = format!("{}{collection}", self.store.prefix);
        let command = rawdoc! { "update": name, "updates": updates, "ordered": true };
        let answer = self.store.db.run_raw_command(command).session(&mut self.session).await?;
        match answer.get_array("writeErrors").ok().and_then(|errors| errors.first()) {
            Some(error) => Err(MirrorError::Write { collection, reason: error.to_string() }),
            None => Ok(()),
        }
    }

    /// Ends the transaction. A session is used again only when its last transaction succeeded.
    fn end(self, result: mongodb::error::Result<()>) -> Result<(), MirrorError> {
        if result.is_ok() {
            *self.store.idle() = Some(self.session);
        }
        Ok(result?)
    }
}
