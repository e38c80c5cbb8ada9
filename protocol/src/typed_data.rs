//! The macro that defines the structs that people sign (EIP-712). Each is written once, in Solidity, and has a strict
//! JSON form.

mod fields;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, schema::Schema};

use crate::{
    codes::MAX_SCOPES,
    messages::{KEY_BYTES_MAX, REVOKED_MAX},
    statements::PROFILE_TEXT_BYTES_MAX,
};

/// `sol!` for structs with a JSON form. Bytes, addresses and integers above 32 bits are `0x` hex text only
/// ([`crate::hex_text`]); the default forms of alloy would also accept arrays of numbers.
///
/// Accepts structs only. Each field gets its serde form here, so that none can be forgotten.
macro_rules! typed_data {
    (@structs [$($done:tt)*]) => {
        alloy::sol! { $($done)* }
    };
    (@structs [$($done:tt)*] $(# $attribute:tt)* struct $name:ident { $($fields:tt)* } $($rest:tt)*) => {
        typed_data!(@fields [$($done)* $(# $attribute)* struct $name] [] [$($fields)*] $($rest)*);
    };
    (@fields [$($done:tt)*] [$($ready:tt)*] [] $($rest:tt)*) => {
        typed_data!(@structs [$($done)* { $($ready)* }] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [address $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* #[serde(with = "crate::hex_text")] address $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [bytes32 $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* #[serde(with = "crate::hex_text")] bytes32 $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [bytes $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* #[serde(with = "crate::hex_text")] bytes $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [uint40 $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(
            @fields $done [$($ready)* #[serde(with = "crate::hex_text::quantity")] uint40 $field;] [$($fields)*] $($rest)*
        );
    };
    (@fields $done:tt [$($ready:tt)*] [uint256 $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(
            @fields $done [$($ready)* #[serde(with = "crate::hex_text::quantity")] uint256 $field;] [$($fields)*] $($rest)*
        );
    };
    // Numbers of at most 64 bits, text, and lists of other structs are plain JSON.
    (@fields $done:tt [$($ready:tt)*] [uint8 $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* uint8 $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [uint16 $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* uint16 $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [uint32 $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* uint32 $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [uint64 $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* uint64 $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [string $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* string $field;] [$($fields)*] $($rest)*);
    };
    (@fields $done:tt [$($ready:tt)*] [$list:ident [] $field:ident; $($fields:tt)*] $($rest:tt)*) => {
        typed_data!(@fields $done [$($ready)* $list[] $field;] [$($fields)*] $($rest)*);
    };
    ($(# $attribute:tt)* struct $($structs:tt)*) => {
        typed_data!(@structs [] $(# $attribute)* struct $($structs)*);
    };
}

pub(crate) use typed_data;

/// Implements the OpenAPI schema of structs that people sign.
macro_rules! described {
    ($($name:ident),+) => {
        $(
            impl utoipa::PartialSchema for $name {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                    let encoded = <Self as alloy::sol_types::SolStruct>::eip712_encode_type();
                    crate::typed_data::into_schema(crate::typed_data::schema(&encoded))
                }
            }

            impl utoipa::ToSchema for $name {
                fn name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )+
    };
}

pub(crate) use described;

/// Returns the JSON schema (OpenAPI 3.1) of a struct, computed from its EIP-712 type: the struct itself, then the
/// structs of its lists (`Grant(address patient,…)Scope(uint8 kind,…)`). So the document always matches what is signed.
pub(crate) fn schema(encoded: &str) -> Value {
    let structs: Vec<(&str, &str)> =
        encoded.split_terminator(')').filter_map(|definition| definition.split_once('(')).collect();
    let Some((name, _)) = structs.first() else { return json!({}) };
    schema_of(name, &structs)
}

fn schema_of(name: &str, structs: &[(&str, &str)]) -> Value {
    let fields = structs.iter().find(|(known, _)| *known == name).map_or("", |(_, fields)| fields);
    let fields: Vec<(&str, &str)> = fields.split(',').filter_map(|field| field.split_once(' ')).collect();
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(kind, field)| {
            let mut schema = schema_of_field(kind, structs);
            if let Some(description) = fields::description_of(name, field) {
                schema["description"] = description.into();
            }
            ((*field).to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = fields.iter().map(|(_, field)| *field).collect();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

fn schema_of_field(kind: &str, structs: &[(&str, &str)]) -> Value {
    let hex = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let number = |max: u64| json!({ "type": "integer", "minimum": 0, "maximum": max });
    match kind {
        "address" => hex("^0x[0-9a-fA-F]{40}$"),
        "bytes32" => hex("^0x[0-9a-fA-F]{64}$"),
        "bytes" => {
            json!({ "type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$", "maxLength": 2 + 2 * KEY_BYTES_MAX })
        }
        "uint40" => hex("^0x0*[0-9a-fA-F]{1,10}$"),
        "uint256" => hex("^0x[0-9a-fA-F]{1,64}$"),
        "uint8" => number(u8::MAX.into()),
        "uint16" => number(u16::MAX.into()),
        "uint32" => number(u32::MAX.into()),
        "uint64" => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
        "string" => json!({ "type": "string", "maxLength": PROFILE_TEXT_BYTES_MAX }),
        list => match list.strip_suffix("[]") {
            Some(member) => {
                let items_max = if member == "Scope" { MAX_SCOPES } else { REVOKED_MAX };
                json!({ "type": "array", "items": schema_of(member, structs), "maxItems": items_max })
            }
            None => schema_of(list, structs),
        },
    }
}

/// Converts JSON into a schema of the document.
pub(crate) fn into_schema(json: Value) -> RefOr<Schema> {
    serde_json::from_value(json).expect("the schemas written here are well-formed")
}
