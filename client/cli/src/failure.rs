//! The failure of a command: the SDK's error or one of its own, shown as two lines on stderr (what went wrong, what to do
//! now) or, with `--json`, as one JSON object; and the exit codes.

use std::{borrow::Cow, fmt, path::Path};

use client::error::{Code, ExitClass, codes};

/// The failure of a command: one of the SDK's, or one of its own.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    what: String,
    now: Cow<'static, str>,
}

impl Failure {
    /// A failure with the usual remedy of its code; `what` is one sentence.
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        Self { what: what.into(), now: code.now().into(), code }
    }

    /// The same with another remedy.
    pub(crate) fn remedy(self, now: impl Into<Cow<'static, str>>) -> Self {
        Self { now: now.into(), ..self }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> Code {
        self.code.clone()
    }

    /// The class that decides the exit code.
    pub(crate) const fn class(&self) -> ExitClass {
        self.code.class()
    }
}

impl<E: client::Failure> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: error.code(), what: error.to_string(), now: error.now() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// The table of exit codes for `medlock help`; the numbers are those of `client::error::ExitClass`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something else went wrong, for example with a file
  2  the command or its input cannot be carried out as given
  3  no such record, version, grant, request or person
  4  not permitted: not signed in, no grant, expired, revoked, not accredited
  5  something is not genuine: a server, a storage node or a file is not to be trusted
  6  the server, the chain or the storage does not answer";

/// A failure because the arguments contradict each other, or one of them cannot be read.
pub(crate) fn usage(what: impl fmt::Display) -> Failure {
    Failure::new(codes::USAGE, what.to_string())
}

/// A failure because the arguments are not those of a command: the message of the parser and, as the remedy, its tip.
/// The usage line is left out: it shows optional settings as if they were required.
pub(crate) fn bad_arguments(error: &clap::Error) -> Failure {
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return usage("a subcommand is missing");
    }
    let text = error.render().to_string();
    let mut parts = text.split("\n\n");
    let what = parts.next().unwrap_or_default();
    let failure = usage(what.strip_prefix("error: ").unwrap_or(what));
    match parts.find_map(|part| part.trim_start().strip_prefix("tip: ")) {
        Some(tip) => failure.remedy(tip.to_owned()),
        None => failure,
    }
}

/// A failure because a file cannot be read or written; `doing` is `read` or `written`.
pub(crate) fn file(path: &Path, doing: &str, error: &std::io::Error) -> Failure {
    Failure::new(codes::LOCAL_FILE, format!("{} cannot be {doing}: {error}", path.display()))
}

/// The person answered no.
pub(crate) fn not_confirmed() -> Failure {
    Failure::new(codes::NOT_CONFIRMED, "you did not agree")
}

/// The two lines: what went wrong, and what to do now.
pub(crate) fn lines(failure: &Failure) -> (String, String) {
    (sentence(&failure.what), sentence(&failure.now))
}

/// The failure for programs.
pub(crate) fn to_json(failure: &Failure) -> serde_json::Value {
    let (what, now) = lines(failure);
    serde_json::json!({ "error": { "code": failure.code.as_str(), "what": what, "now": now, "exit": failure.class().code() } })
}

/// One line ending with a full stop, and beginning with a capital letter if it begins with a word: names of files and
/// addresses stay as they are.
fn sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_word = line.split(' ').next().is_some_and(|word| word.chars().all(char::is_alphabetic));
    let mut characters = line.chars();
    let line = match characters.next() {
        Some(first) if is_word => first.to_uppercase().chain(characters).collect(),
        _ => line,
    };
    if line.ends_with(['.', '!', '?', ':']) { line } else { line + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_exactly_two_lines() {
        let (what, now) = lines(&Failure::new(codes::USAGE, "first\nsecond").remedy("do this\n  or that"));
        assert_eq!((what.as_str(), now.as_str()), ("First second.", "Do this or that."));
        let (what, _) = lines(&Failure::new(codes::FILE_EXISTS, "scan.png exists already"));
        assert_eq!(what, "scan.png exists already.");
    }

    #[test]
    fn a_mistake_in_the_arguments_is_two_lines_without_the_usage() {
        let command = || clap::Command::new("medlock").arg(clap::arg!(--to <PERSON>).required(true));
        let missing = command().try_get_matches_from(["medlock"]).unwrap_err();
        let (what, now) = lines(&bad_arguments(&missing));
        assert_eq!(what, "The following required arguments were not provided: --to <PERSON>.");
        assert_eq!(now, "Correct the command; --help shows what it takes.");
        let misspelt = command().try_get_matches_from(["medlock", "--too", "x"]).unwrap_err();
        let (what, now) = lines(&bad_arguments(&misspelt));
        assert_eq!(what, "Unexpected argument '--too' found.");
        assert!(now.contains("'--to'"), "{now}");
    }

    #[test]
    fn every_exit_code_is_documented() {
        let classes = [
            ExitClass::Other,
            ExitClass::Usage,
            ExitClass::NotFound,
            ExitClass::NotAllowed,
            ExitClass::VerificationFailed,
            ExitClass::Network,
        ];
        for class in classes {
            assert!(EXIT_CODES.contains(&format!("\n  {}  ", class.code())), "{class:?} is not documented");
        }
    }
}
