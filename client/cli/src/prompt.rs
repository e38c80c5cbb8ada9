//! Questions at the terminal: passphrases without echo, confirmations, and some of the recovery words.
//!
//! Without a terminal nothing is asked. The passphrase comes from a file, and every other question fails.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
};

use client::{Failure as _, error::codes, wallet::check_new_passphrase};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::failure::{self, Failure};

/// Returns whether a person can answer questions.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Returns the first line of a passphrase file, without its line break.
pub(crate) fn passphrase_from(path: &Path) -> Result<SecretString, Failure> {
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| failure::file(path, "read", &error))?);
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(failure::usage(format!("{} contains no passphrase", path.display()))
            .remedy("Write the passphrase into the first line of that file"));
    }
    Ok(SecretString::from(line))
}

/// Asks for the passphrase of an existing account.
pub(crate) fn passphrase() -> Result<SecretString, Failure> {
    if !is_interactive() {
        return Err(no_terminal(
            "the passphrase",
            "Name a file with the passphrase: MEDLOCK_PASSPHRASE_FILE or --passphrase-file",
        ));
    }
    Ok(SecretString::from(hidden("Passphrase: ")?.as_str()))
}

/// Asks twice for the passphrase of a new account.
pub(crate) fn new_passphrase() -> Result<SecretString, Failure> {
    if !is_interactive() {
        return Err(no_terminal(
            "a new passphrase",
            "Name a file with the passphrase: MEDLOCK_PASSPHRASE_FILE or --passphrase-file",
        ));
    }
    loop {
        let first = hidden("New passphrase: ")?;
        let first = SecretString::from(first.as_str());
        // Checks the rules of the keyring and the wallet file before the passphrase is asked for again.
        if let Err(refused) = check_new_passphrase(&first) {
            tell(&refused.now());
            continue;
        }
        if *hidden("The same passphrase again: ")? == *first.expose_secret() {
            return Ok(first);
        }
        tell("The two passphrases differ.");
    }
}

/// Asks for a confirmation. Only `yes` confirms.
pub(crate) fn agree(question: &str, assumed: bool) -> Result<(), Failure> {
    if assumed {
        return Ok(());
    }
    if !is_interactive() {
        return Err(no_terminal("a confirmation", "Add --yes to confirm"));
    }
    if line(&format!("{question} Type yes to continue: "))?.trim() == "yes" {
        Ok(())
    } else {
        Err(failure::not_confirmed())
    }
}

/// Asks for one visible line.
pub(crate) fn line(question: &str) -> Result<Zeroizing<String>, Failure> {
    ask(question);
    let mut answer = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| failure::file("standard input".as_ref(), "read", &error))?;
    Ok(answer)
}

/// Asks for one hidden line.
pub(crate) fn hidden(question: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(question)
        .map(Zeroizing::new)
        .map_err(|error| failure::file("the terminal".as_ref(), "read", &error))
}

fn no_terminal(what: &str, now: &'static str) -> Failure {
    Failure::new(codes::USAGE, format!("{what} is needed, and there is no terminal to ask for it")).remedy(now)
}

fn ask(question: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_file_gives_its_first_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        std::fs::write(&path, "correct horse\r\nignored\n").unwrap();
        assert_eq!(passphrase_from(&path).unwrap().expose_secret(), "correct horse");
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(passphrase_from(&path).unwrap_err().code(), "usage");
        assert_eq!(passphrase_from(&directory.path().join("missing")).unwrap_err().code(), "local_file");
    }
}
