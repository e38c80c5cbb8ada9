//! The closed lists of the protocol as command-line values, listed in help and completions, and in plain words.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use protocol::{
    bodies::grants::ShelfQuery,
    codes::{Category, Purpose, RecordStatus, Role},
};

macro_rules! parsers {
    ($($(#[$doc:meta])* $function:ident -> $list:ident;)+) => {
        $(
            $(#[$doc])*
            pub(crate) fn $function() -> impl TypedValueParser<Value = $list> {
                PossibleValuesParser::new($list::ALL.iter().map(|member| member.as_str()))
                    .map(|word| word.parse::<$list>().expect("only words of the list come this far"))
            }
        )+
    };
}

parsers! {
    /// Reads a category.
    category -> Category;
    /// Reads a purpose.
    purpose -> Purpose;
    /// Reads a role.
    role -> Role;
}

/// Reads where received grants wait.
pub(crate) fn shelf() -> impl TypedValueParser<Value = ShelfQuery> {
    PossibleValuesParser::new(["known", "strangers", "blocked", "hidden"]).map(|word| match word.as_str() {
        "strangers" => ShelfQuery::Strangers,
        "blocked" => ShelfQuery::Blocked,
        "hidden" => ShelfQuery::Hidden,
        _ => ShelfQuery::Known,
    })
}

/// Returns a purpose as people say it.
pub(crate) const fn purpose_in_words(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Treatment => "treatment",
        Purpose::EmergencyTreatment => "emergency treatment",
        Purpose::BreakTheGlass => "an emergency without asking",
        Purpose::Payment => "payment",
        Purpose::Operations => "healthcare operations",
        Purpose::Research => "research",
        Purpose::PatientRequested => "the patient's own wish",
        Purpose::FamilyRequested => "the family's wish",
        Purpose::PublicHealth => "public health",
        Purpose::Coordination => "coordination of care",
    }
}

/// Several purposes.
pub(crate) fn purposes_in_words(purposes: &[Purpose]) -> String {
    join(purposes.iter().map(|purpose| purpose_in_words(*purpose)), "nothing")
}

/// Several roles.
pub(crate) fn roles_in_words(roles: &[Role]) -> String {
    join(roles.iter().map(|role| role.as_str()), "none")
}

/// Where a record stands.
pub(crate) const fn status_in_words(status: RecordStatus) -> &'static str {
    match status {
        RecordStatus::Active => "current",
        RecordStatus::Superseded => "replaced",
        RecordStatus::Tombstoned => "withdrawn",
    }
}

fn join(words: impl Iterator<Item = &'static str>, none: &str) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}
