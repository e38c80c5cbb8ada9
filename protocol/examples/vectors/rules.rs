//! The tables of `rules-*.json`. The answers are written by hand from `SPEC.md`, so a rule that is changed only in the
//! code makes the check fail.

use alloy::primitives::{Address, B256};
use protocol::{
    codes::{Purpose, Right, ScopeKind},
    ends::AUTHORITY_SECONDS_MAX,
    grants::{GrantState, Verdict},
    ids::RecordId,
};

use crate::{
    RECORD, Vectors,
    scenario::{
        Scenario,
        rules_scenario::{FormCase, LengthCase, ScopeCase, TermsCase, TermsText},
    },
};

const BEGIN: u64 = 1_777_852_800;
const END: u64 = BEGIN + 86_400;

pub(crate) fn add(vectors: &mut Vectors) {
    vectors.add(
        "rules-grant-terms",
        "ok",
        "state and verdict of a grant's terms",
        Scenario::GrantTerms { cases: terms_cases() },
    );
    vectors.add(
        "rules-grant-scopes",
        "ok",
        "records that a scope covers",
        Scenario::GrantScopes { cases: scope_cases() },
    );
    vectors.add(
        "rules-grant-form",
        "ok",
        "forms of a grant before it is signed",
        Scenario::GrantForms { cases: form_cases() },
    );
    vectors.add(
        "rules-content-length",
        "ok",
        "lengths of a document before it is hashed and signed",
        Scenario::ContentLengths { cases: length_cases() },
    );
    vectors.add("rules-file-names", "ok", "file names in metadata", Scenario::FileNames { cases: name_cases() });
}

fn terms_cases() -> Vec<TermsCase> {
    use GrantState::{Active, Expired, Future, Revoked};
    use Verdict::{NeverGranted, OtherPurpose, OtherRight, OutsidePeriod, Permitted};
    let treatment = Some(Purpose::Treatment);
    let good = |name: &str, state, verdict| TermsCase {
        name: name.to_owned(),
        terms: TermsText {
            not_before: BEGIN,
            not_after: END,
            epoch: 1,
            patient_epoch: 2,
            purposes: Purpose::Treatment.bit() | Purpose::Research.bit(),
            rights: Right::Read.bit(),
        },
        right: Right::Read,
        purpose: treatment,
        patient_epoch: 2,
        time: BEGIN,
        state,
        verdict,
    };
    let with = |mut case: TermsCase, change: &dyn Fn(&mut TermsCase)| {
        change(&mut case);
        case
    };
    vec![
        good("first second", Active, Permitted),
        with(good("a second before", Future, OutsidePeriod), &|case| case.time = BEGIN - 1),
        with(good("last second", Active, Permitted), &|case| case.time = END - 1),
        with(good("the end itself", Expired, OutsidePeriod), &|case| case.time = END),
        with(good("empty period", Expired, OutsidePeriod), &|case| case.terms.not_after = BEGIN),
        with(good("second purpose", Active, Permitted), &|case| case.purpose = Some(Purpose::Research)),
        with(good("another purpose", Active, OtherPurpose), &|case| case.purpose = Some(Purpose::PublicHealth)),
        with(good("no purpose is asked", Active, Permitted), &|case| case.purpose = None),
        with(good("the other right", Active, OtherRight), &|case| case.right = Right::Write),
        with(good("WRITE without purpose", Active, Permitted), &|case| {
            (case.terms.rights, case.terms.purposes) = (Right::Write.bit(), 0);
            (case.right, case.purpose) = (Right::Write, None);
        }),
        with(good("READ asked of WRITE", Active, OtherRight), &|case| case.terms.rights = Right::Write.bit()),
        with(good("revoked", Revoked, Verdict::Revoked), &|case| (case.terms.rights, case.terms.epoch) = (0, 2)),
        with(good("revoked before its period", Revoked, Verdict::Revoked), &|case| {
            (case.terms.rights, case.time) = (0, BEGIN - 1);
        }),
        with(good("revoked and over", Revoked, Verdict::Revoked), &|case| (case.terms.rights, case.time) = (0, END)),
        with(good("patient has revoked all since", Revoked, Verdict::Revoked), &|case| case.patient_epoch = 3),
        with(good("patient epoch of the future", Revoked, Verdict::Revoked), &|case| case.patient_epoch = 1),
        with(good("nothing was granted", Revoked, NeverGranted), &|case| {
            case.terms = TermsText { not_before: 0, not_after: 0, epoch: 0, patient_epoch: 0, purposes: 0, rights: 0 };
            case.patient_epoch = 0;
        }),
        with(good("longest period", Active, Permitted), &|case| {
            (case.terms.not_before, case.terms.not_after, case.time) = (0, (1 << 40) - 1, (1 << 40) - 2);
        }),
    ]
}

fn scope_cases() -> Vec<ScopeCase> {
    let category = |code: u64| B256::from(alloy::primitives::U256::from(code));
    let case = |name: &str, kind, id, covers, known| ScopeCase {
        name: name.to_owned(),
        kind,
        id,
        record: RECORD,
        category: 3,
        covers,
        known,
    };
    vec![
        case("the record", ScopeKind::Record, RECORD.0, true, true),
        case("another record", ScopeKind::Record, B256::repeat_byte(0x53), false, true),
        case("its category", ScopeKind::Category, category(3), true, true),
        case("another category", ScopeKind::Category, category(4), false, true),
        case("a code that is not listed", ScopeKind::Category, category(999), false, false),
        ScopeCase {
            category: 999,
            ..case("a record of a code that is not listed", ScopeKind::Category, category(999), true, false)
        },
        case("a category with high bytes", ScopeKind::Category, category(0x1_0000_0003), false, false),
        case("all", ScopeKind::All, B256::ZERO, true, true),
        case("all with an id", ScopeKind::All, B256::repeat_byte(1), false, false),
        case("the record's id as a category", ScopeKind::Category, RECORD.0, false, false),
        ScopeCase {
            record: RecordId(category(3)),
            ..case("a record whose id is a category's", ScopeKind::Record, category(3), true, true)
        },
    ]
}

fn form_cases() -> Vec<FormCase> {
    let (patient, grantee) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let records = |from: u8, to: u8| (from..=to).map(|byte| (ScopeKind::Record, B256::repeat_byte(byte))).collect();
    let good = |name: &str, answer: &str| FormCase {
        name: name.to_owned(),
        patient,
        grantee,
        right: Right::Read,
        scopes: records(1, 1),
        purposes: Purpose::Treatment.bit(),
        not_before: 0,
        not_after: END,
        now: BEGIN,
        answer: answer.to_owned(),
    };
    let with = |mut case: FormCase, change: &dyn Fn(&mut FormCase)| {
        change(&mut case);
        case
    };
    let all = || vec![(ScopeKind::All, B256::ZERO)];
    vec![
        good("one record", "ok"),
        with(good("64 records", "ok"), &|case| case.scopes = records(1, 64)),
        with(good("65 records", "scope_count"), &|case| case.scopes = records(1, 65)),
        with(good("no scope", "scope_count"), &|case| case.scopes.clear()),
        with(good("a record twice", "scope_twice"), &|case| case.scopes = [records(1, 2), records(2, 2)].concat()),
        with(good("zero grantee", "grantee"), &|case| case.grantee = Address::ZERO),
        with(good("oneself", "grantee"), &|case| case.grantee = patient),
        with(good("reading all", "read_scope"), &|case| case.scopes = all()),
        with(good("writing all", "ok"), &|case| (case.right, case.scopes) = (Right::Write, all())),
        with(good("writing a record", "write_scope"), &|case| case.right = Right::Write),
        with(good("writing a category and a record", "write_scope"), &|case| {
            case.right = Right::Write;
            case.scopes = [vec![(ScopeKind::Category, B256::with_last_byte(3))], records(1, 1)].concat();
        }),
        with(good("no purpose", "no_purpose"), &|case| case.purposes = 0),
        with(good("an end in the past", "period"), &|case| case.not_after = BEGIN - 1),
        with(good("an end now", "period"), &|case| case.not_after = BEGIN),
        with(good("an end in a second", "ok"), &|case| case.not_after = BEGIN + 1),
        with(good("an end at its beginning", "period"), &|case| case.not_before = END),
        with(good("a beginning in the future", "ok"), &|case| case.not_before = END - 1),
        with(good("20 years", "ok"), &|case| case.not_after = BEGIN + AUTHORITY_SECONDS_MAX),
        with(good("a second more", "too_far_ahead"), &|case| case.not_after = BEGIN + AUTHORITY_SECONDS_MAX + 1),
    ]
}

fn length_cases() -> Vec<LengthCase> {
    let case = |content: u64, metadata, max: u64, answer: &str| LengthCase {
        content: content.to_string(),
        metadata,
        max: max.to_string(),
        answer: answer.to_owned(),
    };
    // The shortest envelope has 1,216 + 74 + 4,096 + 32 bytes.
    vec![
        case(0, 100, 1 << 30, "empty"),
        case(0, 0, 0, "empty"),
        case(1, 100, 5_418, "ok"),
        case(1, 100, 5_417, "too_large"),
        case(1 << 20, 100, 1 << 20, "too_large"),
        case(1 << 20, 100, 2 << 20, "ok"),
        case(1 << 46, 100, 1 << 47, "ok"),
        case((1 << 46) + 1, 100, 1 << 50, "too_large"),
    ]
}

fn name_cases() -> Vec<(String, bool)> {
    let cases = [
        ("findings.pdf", true),
        ("a", true),
        ("Blutbild 3. Mai.pdf", true),
        ("ärztlicher Brief.pdf", true),
        ("检查.pdf", true),
        ("...", true),
        (".hidden", true),
        ("", false),
        (".", false),
        ("..", false),
        ("a/b", false),
        ("a\\b", false),
        ("line\nbreak", false),
        ("nul\0", false),
        ("delete\u{7f}", false),
        ("next line\u{85}", false),
        ("exe.\u{202e}gpj", false),
        ("mark\u{200f}", false),
        ("isolate\u{2066}", false),
        ("arabic\u{61c}", false),
    ];
    let mut cases: Vec<(String, bool)> = cases.map(|(name, allowed)| (name.to_owned(), allowed)).into();
    cases.push(("x".repeat(255), true));
    cases.push(("x".repeat(256), false));
    cases.push(("ä".repeat(128), false));
    cases
}
