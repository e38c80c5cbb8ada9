//! The scenarios of `rules-*.json`: tables of questions to the rules of grants and files, with the answers. The server,
//! the command line and the web app call the functions that these tables test.

use alloy::primitives::{Address, B256};
use protocol::{
    codes::{Purpose, Right, ScopeKind},
    envelope::{ContentLenError, check_content_len, is_file_name},
    grants::{Asked, GrantForm, GrantFormError, GrantState, Scope, Terms, Verdict, covers},
    ids::RecordId,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsText {
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) epoch: u32,
    pub(crate) patient_epoch: u32,
    pub(crate) purposes: u16,
    pub(crate) rights: u8,
}

/// One row of `rules-grant-terms.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsCase {
    pub(crate) name: String,
    pub(crate) terms: TermsText,
    pub(crate) right: Right,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) patient_epoch: u32,
    pub(crate) time: u64,
    pub(crate) state: GrantState,
    pub(crate) verdict: Verdict,
}

/// One row of `rules-grant-scopes.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeCase {
    pub(crate) name: String,
    pub(crate) kind: ScopeKind,
    pub(crate) id: B256,
    pub(crate) record: RecordId,
    /// The code of the record's category.
    pub(crate) category: u16,
    pub(crate) covers: bool,
    /// Whether this version knows the scope.
    pub(crate) known: bool,
}

/// One row of `rules-grant-form.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormCase {
    pub(crate) name: String,
    pub(crate) patient: Address,
    pub(crate) grantee: Address,
    pub(crate) right: Right,
    pub(crate) scopes: Vec<(ScopeKind, B256)>,
    pub(crate) purposes: u16,
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) now: u64,
    /// `ok`, or the first broken rule.
    pub(crate) answer: String,
}

/// One row of `rules-content-length.json`; lengths in bytes, as decimal text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LengthCase {
    pub(crate) content: String,
    pub(crate) metadata: usize,
    pub(crate) max: String,
    pub(crate) answer: String,
}

pub(crate) fn run_terms(cases: &[TermsCase]) {
    for case in cases {
        let TermsText { not_before, not_after, epoch, patient_epoch, purposes, rights } = case.terms;
        let terms = Terms { not_before, not_after, epoch, patient_epoch, purposes, rights, kind: None };
        let asked =
            Asked { right: case.right, purpose: case.purpose, patient_epoch: case.patient_epoch, time: case.time };
        let answer = (terms.state_at(case.patient_epoch, case.time), terms.verdict(&asked));
        assert_eq!(answer, (case.state, case.verdict), "{}", case.name);
        assert_eq!(terms.permits(&asked), case.verdict == Verdict::Permitted, "{}", case.name);
        assert_eq!(terms.stands(case.patient_epoch), case.state != GrantState::Revoked, "{}", case.name);
    }
}

pub(crate) fn run_scopes(cases: &[ScopeCase]) {
    for case in cases {
        assert_eq!(covers(case.kind, case.id, case.record, case.category), case.covers, "{}", case.name);
        let scope = Scope::from_chain(case.kind, case.id);
        assert_eq!(scope.is_some(), case.known, "{}", case.name);
        assert!(scope.is_none_or(|scope| scope.on_chain() == (case.kind, case.id)), "{}", case.name);
    }
}

pub(crate) fn run_forms(cases: &[FormCase]) {
    for case in cases {
        let form = GrantForm {
            patient: case.patient,
            grantee: case.grantee,
            right: case.right,
            scopes: &case.scopes,
            purposes: case.purposes,
            not_before: case.not_before,
            not_after: case.not_after,
        };
        let answer = match form.check(case.now) {
            Ok(()) => "ok",
            Err(GrantFormError::Grantee) => "grantee",
            Err(GrantFormError::ScopeCount) => "scope_count",
            Err(GrantFormError::ScopeTwice) => "scope_twice",
            Err(GrantFormError::ReadScope) => "read_scope",
            Err(GrantFormError::WriteScope) => "write_scope",
            Err(GrantFormError::NoPurpose) => "no_purpose",
            Err(GrantFormError::Period) => "period",
            Err(GrantFormError::TooFarAhead) => "too_far_ahead",
            Err(_) => "unknown",
        };
        assert_eq!(answer, case.answer, "{}", case.name);
    }
}

pub(crate) fn run_lengths(cases: &[LengthCase]) {
    for case in cases {
        let number = |text: &str| text.parse().expect("a decimal number");
        let answer = match check_content_len(number(&case.content), case.metadata, number(&case.max)) {
            Ok(()) => "ok",
            Err(ContentLenError::Empty) => "empty",
            Err(ContentLenError::TooLarge { .. }) => "too_large",
        };
        assert_eq!(answer, case.answer, "{} bytes", case.content);
    }
}

pub(crate) fn run_names(cases: &[(String, bool)]) {
    for (name, allowed) in cases {
        assert_eq!(is_file_name(name), *allowed, "{name:?}");
    }
}
