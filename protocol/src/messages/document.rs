//! The actions in the OpenAPI document: a choice of forms, distinguished by `type`.

use std::borrow::Cow;

use alloy::sol_types::SolStruct;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::{
    Accredit, Action, AddAccreditor, Checkpoint, Grant, LiftTombstone, RegisterKey, RegisterRecord, RegisterVersion,
    RemoveAccreditor, Retract, Revoke, RevokeAll, Supersede, Suspend, Tombstone,
};
use crate::typed_data;

type Form = (&'static str, fn() -> Cow<'static, str>);

/// The word of each action, and the EIP-712 type of its message.
const FORMS: &[Form] = &[
    ("add_accreditor", AddAccreditor::eip712_encode_type),
    ("remove_accreditor", RemoveAccreditor::eip712_encode_type),
    ("accredit", Accredit::eip712_encode_type),
    ("suspend", Suspend::eip712_encode_type),
    ("register_key", || RegisterKey::FORM.into()),
    ("register_record", RegisterRecord::eip712_encode_type),
    ("register_version", RegisterVersion::eip712_encode_type),
    ("supersede", Supersede::eip712_encode_type),
    ("tombstone", Tombstone::eip712_encode_type),
    ("lift_tombstone", LiftTombstone::eip712_encode_type),
    ("retract", Retract::eip712_encode_type),
    ("grant", Grant::eip712_encode_type),
    ("revoke", Revoke::eip712_encode_type),
    ("revoke_all", RevokeAll::eip712_encode_type),
    ("checkpoint", Checkpoint::eip712_encode_type),
];

/// Returns the name of an action's form in the document: `GrantAction`.
fn name_of(encoded: &str) -> String {
    format!("{}Action", encoded.split('(').next().unwrap_or_default())
}

fn form(word: &str, encoded: &str) -> Value {
    json!({
        "type": "object",
        "required": ["type", "message"],
        "properties": { "type": { "type": "string", "enum": [word] }, "message": typed_data::schema(encoded) },
        "additionalProperties": false,
    })
}

impl PartialSchema for Action {
    fn schema() -> RefOr<Schema> {
        let path = |encode: &fn() -> Cow<'static, str>| format!("#/components/schemas/{}", name_of(&encode()));
        let items: Vec<Value> = FORMS.iter().map(|(_, encode)| json!({ "$ref": path(encode) })).collect();
        let mapping: serde_json::Map<String, Value> =
            FORMS.iter().map(|(word, encode)| ((*word).to_owned(), path(encode).into())).collect();
        typed_data::into_schema(json!({
            "description": "One action of the contracts, unsigned: its type, and the message as it is signed (EIP-712).",
            "oneOf": items,
            "discriminator": { "propertyName": "type", "mapping": mapping },
        }))
    }
}

impl ToSchema for Action {
    fn name() -> Cow<'static, str> {
        "Action".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let forms =
            FORMS.iter().map(|(word, encode)| (name_of(&encode()), typed_data::into_schema(form(word, &encode()))));
        schemas.extend(forms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_form() {
        let error = serde_json::from_value::<Action>(json!({ "type": "none", "message": {} })).expect_err("no action");
        // The error of serde lists the accepted values.
        let error = error.to_string();
        let known: Vec<&str> = error.split('`').skip(1).step_by(2).filter(|word| *word != "none").collect();
        let described: Vec<&str> = FORMS.iter().map(|(word, _)| *word).collect();
        assert_eq!(described, known, "{error}");
    }

    #[test]
    fn every_field_of_a_form_has_a_description() {
        fn check(schema: &Value, path: &str) {
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                assert!(schema["description"].is_string(), "{path}.{field}");
                check(&schema["items"], &format!("{path}.{field}"));
            }
        }
        for (word, encode) in FORMS {
            check(&form(word, &encode())["properties"]["message"], word);
        }
    }

    #[test]
    fn a_form_is_generated_from_the_signed_type() {
        let form = form("revoke", &Revoke::eip712_encode_type());
        let message = &form["properties"]["message"];
        assert_eq!(message["required"], json!(["patient", "grants", "nonce", "deadline"]));
        assert_eq!(message["properties"]["grants"]["items"]["required"], json!(["tag", "kind", "id"]));
        assert_eq!(message["properties"]["patient"]["pattern"], "^0x[0-9a-fA-F]{40}$");
    }
}
