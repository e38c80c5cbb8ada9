//! The queries that a server sends to its database, seen at the driver: one of each shape.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use mongodb::{
    bson::{Bson, Document, doc},
    event::{EventHandler, command::CommandEvent},
};

/// One query of a collection, as a `find`.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) database: String,
    pub(crate) collection: String,
    pub(crate) filter: Document,
    pub(crate) sort: Option<Document>,
    pub(crate) limit: Option<i64>,
}

impl Question {
    /// Returns the shape of the query: everything but the values.
    pub(crate) fn shape(&self) -> String {
        let sort = self.sort.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {} sort {sort}", self.collection, shape_of(&Bson::Document(self.filter.clone())))
    }

    pub(crate) fn find(&self) -> Document {
        let mut find = doc! { "find": &self.collection, "filter": self.filter.clone(), "batchSize": 10_000 };
        if let Some(sort) = &self.sort {
            find.insert("sort", sort.clone());
        }
        if let Some(limit) = self.limit {
            find.insert("limit", limit);
        }
        find
    }
}

fn shape_of(value: &Bson) -> String {
    match value {
        Bson::Document(document) => {
            let fields = document.iter().map(|(name, value)| format!("{name}:{}", shape_of(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        // However many values a list has; alternatives and conditions are each of their own shape.
        Bson::Array(values) if values.iter().all(|value| value.as_document().is_some()) => {
            format!("[{}]", values.iter().map(shape_of).collect::<Vec<_>>().join(","))
        }
        Bson::Array(_) => "[]".to_owned(),
        _ => "_".to_owned(),
    }
}

/// Returns the queries in a command.
fn questions(database: &str, name: &str, command: &Document) -> Vec<Question> {
    let collection = command.get_str(name).unwrap_or_default().to_owned();
    let question = |filter: Document, sort: Option<Document>, limit: Option<i64>| Question {
        database: database.to_owned(),
        collection: collection.clone(),
        filter,
        sort,
        limit,
    };
    let part = |of: &Document, name: &str| of.get_document(name).ok().cloned();
    let number = |name: &str| command.get_i64(name).or_else(|_| command.get_i32(name).map(i64::from)).ok();
    let statements = |list: &str| -> Vec<Question> {
        let statements = command.get_array(list).cloned().unwrap_or_default();
        let filters = statements.iter().filter_map(|statement| part(statement.as_document()?, "q"));
        filters.map(|filter| question(filter, None, None)).collect()
    };
    match name {
        "find" => vec![question(part(command, "filter").unwrap_or_default(), part(command, "sort"), number("limit"))],
        "findAndModify" => vec![question(part(command, "query").unwrap_or_default(), part(command, "sort"), Some(1))],
        // Without a filter the database knows the number.
        "count" | "distinct" => match part(command, "query") {
            Some(query) if !query.is_empty() => vec![question(query, None, None)],
            _ => Vec::new(),
        },
        "update" => statements("updates"),
        "delete" => statements("deletes"),
        "aggregate" => {
            let pipeline = command.get_array("pipeline").cloned().unwrap_or_default();
            let stages: Vec<&Document> = pipeline.iter().filter_map(Bson::as_document).collect();
            // Change streams read the oplog, not the collection.
            if stages.iter().any(|stage| stage.contains_key("$changeStream")) {
                return Vec::new();
            }
            let limit = stages.iter().find_map(|stage| stage.get_i64("$limit").ok());
            let matched = stages.first().and_then(|stage| part(stage, "$match")).unwrap_or_default();
            vec![question(matched, None, limit)]
        }
        _ => Vec::new(),
    }
}

/// All queries that were seen, one of each shape.
#[derive(Clone, Default)]
pub(crate) struct Watched(Arc<Mutex<BTreeMap<String, Question>>>);

impl Watched {
    pub(crate) fn observer(&self) -> EventHandler<CommandEvent> {
        let watched = self.clone();
        EventHandler::callback(move |event| {
            let CommandEvent::Started(started) = event else { return };
            for question in questions(&started.db, &started.command_name, &started.command) {
                watched.0.lock().expect("nobody panics here").entry(question.shape()).or_insert(question);
            }
        })
    }

    pub(crate) fn all(&self) -> Vec<Question> {
        self.0.lock().expect("nobody panics here").values().cloned().collect()
    }
}
