//! The closed lists of the protocol as command-line values, which help and completions list, and as words for people.

use std::fmt::Display;

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
                    .map(|word| word.parse::<$list>().expect("clap accepts only words of the list"))
            }
        )+
    };
}

parsers! {
    /// Returns a parser for a category.
    category -> Category;
    /// Returns a parser for a purpose.
    purpose -> Purpose;
    /// Returns a parser for a role.
    role -> Role;
}

/// The purposes, for the help of the commands that take one.
pub(crate) const PURPOSES: &str = "\
PURPOSE is one of:
  TREAT    treatment
  ETREAT   emergency treatment
  BTG      an emergency, without asking the patient first (a grant is needed all the same)
  HPAYMT   payment
  HOPERAT  running a practice or a hospital
  HRESCH   research
  PUBHLTH  public health
  COC      coordination of care
  FAMRQT   for the patient's family
  PATRQT   for anybody else whom the patient chose
For every purpose except FAMRQT and PATRQT, the reader must be accredited.";

/// Returns a parser for a list of received grants.
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
        Purpose::BreakTheGlass => "an emergency without asking the patient first",
        Purpose::Payment => "payment",
        Purpose::Operations => "healthcare operations",
        Purpose::Research => "research",
        Purpose::PatientRequested => "the patient's own request",
        Purpose::FamilyRequested => "the family's request",
        Purpose::PublicHealth => "public health",
        Purpose::Coordination => "coordination of care",
    }
}

/// Returns several purposes, separated by commas.
pub(crate) fn purposes_in_words(purposes: &[Purpose]) -> String {
    join(purposes.iter().map(|purpose| purpose_in_words(*purpose)), "nothing")
}

/// Returns several roles, separated by commas.
pub(crate) fn roles_in_words(roles: &[Role]) -> String {
    join(roles.iter().map(|role| role.as_str()), "none")
}

/// Returns the status of a record in one word.
pub(crate) const fn status_in_words(status: RecordStatus) -> &'static str {
    match status {
        RecordStatus::Active => "current",
        RecordStatus::Superseded => "replaced",
        RecordStatus::Tombstoned => "withdrawn",
    }
}

/// Returns a number with its noun: `1 read`, `3 reads`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

fn join(words: impl Iterator<Item = &'static str>, none: &str) -> String {
    let words: Vec<_> = words.collect();
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_explains_every_purpose() {
        for purpose in Purpose::ALL {
            assert!(PURPOSES.contains(&format!("\n  {purpose} ")), "{purpose} is not explained");
        }
    }
}
