//! The operations of the OpenAPI document.

use axum::http::Method;
use protocol::cid::{Cid, Codec};
use serde_json::Value;

use crate::world::seeds;

/// One operation of the document.
pub(crate) struct Operation<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) described: &'a Value,
}

impl Operation<'_> {
    /// Returns the names of the parameters in the path, the query or the header.
    pub(crate) fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.described["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|it| it["in"] == place).map(|it| it["name"].as_str().expect("a name")).collect()
    }

    /// Returns the path with each parameter as `value` gives it.
    pub(crate) fn filled(&self, value: impl Fn(&str) -> String) -> String {
        let fill = |path: String, name: &&str| path.replace(&format!("{{{name}}}"), &value(name));
        self.parameters("path").iter().fold(self.path.to_owned(), fill)
    }

    /// Returns a path whose parameters are well-formed.
    pub(crate) fn good_path(&self) -> String {
        let path = self.filled(|name| match name {
            "address" => format!("0x{}", "11".repeat(20)),
            "version" => "1".to_owned(),
            "cid" => Cid::of_block(Codec::Raw, seeds::bytes().as_slice()).to_string(),
            _ => seeds::bytes().to_string(),
        });
        if self.path == "/v1/blobs" { format!("{path}?record={}&version=1", seeds::bytes()) } else { path }
    }

    /// Returns the media type of the body, if the operation has one.
    pub(crate) fn media_type(&self) -> Option<&str> {
        let content = self.described["requestBody"]["content"].as_object()?;
        content.keys().next().map(String::as_str)
    }

    /// Returns the names of the fields of the body.
    pub(crate) fn fields<'a>(&'a self, document: &'a Value) -> Vec<&'a str> {
        let schema = &self.described["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = schema.as_str().and_then(|path| path.rsplit('/').next()) else { return Vec::new() };
        let fields = document["components"]["schemas"][name]["properties"].as_object().expect("bodies have fields");
        fields.keys().map(String::as_str).collect()
    }
}
