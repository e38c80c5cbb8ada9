//! `medlock kit`: the recovery words, and the file that stores them.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use alloy::primitives::Address;
use clap::Args;
use client::{
    Client,
    error::codes,
    unlock::{self, Keys},
};
use protocol::{recovery::RecoveryKit, secret::Seed};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{
    failure::{self, Failure},
    prompt,
    settings::Context,
};

/// Show the recovery words, or prove that you saved them.
///
/// Anybody who has these words can open all your records. Without them, nothing can be restored when this device is
/// lost. Keep them on paper, away from this device.
#[derive(Debug, Args)]
pub(crate) struct Kit {
    /// Only ask for some of the words, as a proof that they are saved.
    #[arg(long, conflicts_with = "file")]
    prove: bool,
    /// Write the kit to this new file (mode 0600) instead of showing it; counts as saved.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Kit {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        if self.prove {
            ask_for_some(&client, &keys)?;
            return context.screen.answer(&serde_json::json!({ "saved": true }), || "Your words are saved.".to_owned());
        }
        if let Some(path) = self.file {
            save(&client, &keys, &path)?;
            let answer = serde_json::json!({ "saved": true, "file": path });
            return context.screen.answer(&answer, || written_in_words(&path));
        }
        let kit = unlock::kit(&client, &keys);
        let answer = serde_json::json!({
            "owner": format!("{:#x}", kit.owner),
            "chain_id": kit.chain_id,
            "words": kit.words.expose_secret(),
        });
        context.screen.answer(&answer, || in_words(&kit).to_string())?;
        if !unlock::is_saved(&client)? {
            context.screen.note("Write them down, then run: medlock kit --prove");
        }
        Ok(())
    }
}

/// Shows the words and asks for some of them, or writes them to a file: the end of `medlock init`.
pub(crate) fn save_at_first(
    context: &Context,
    client: &Client,
    keys: &Keys,
    file: Option<&Path>,
) -> Result<(), Failure> {
    if let Some(path) = file {
        save(client, keys, path)?;
        context.screen.note(written_in_words(path));
        return Ok(());
    }
    if !prompt::is_interactive() {
        context
            .screen
            .warn("The recovery words are not saved yet. Before the first upload run: medlock kit --file FILE");
        return Ok(());
    }
    context.screen.note(in_words(&unlock::kit(client, keys)).as_str());
    prompt::line("Write the words down now, then press Enter. They will disappear. ")?;
    // Clears the screen and the scrollback, because the answers to the next questions must not be readable there.
    context.screen.clear();
    ask_for_some(client, keys)?;
    context.screen.note("Your words are saved.");
    Ok(())
}

/// Asks for three of the words, as a proof that they were saved.
fn ask_for_some(client: &Client, keys: &Keys) -> Result<(), Failure> {
    if !prompt::is_interactive() {
        return Err(failure::usage("some of the words are needed, and there is no terminal to ask for them")
            .remedy("Run it in a terminal, or save the kit in a file: medlock kit --file FILE"));
    }
    let mut answers = Vec::new();
    for place in unlock::places_to_prove() {
        answers.push((place, prompt::line(&format!("Word {place}: "))?.trim().to_lowercase()));
    }
    Ok(unlock::prove_saved(client, keys, &answers)?)
}

/// Writes the kit to a new file, and reads it back to prove that it is saved.
fn save(client: &Client, keys: &Keys, path: &Path) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(codes::FILE_EXISTS, format!("{} already exists", path.display())).remedy("Choose another name")
        }
        _ => failure::file(path, "written", &error),
    })?;
    file.write_all(unlock::kit(client, keys).text.expose_secret().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| failure::file(path, "written", &error))?;
    let read = Saved::read(path)?;
    let words = Zeroizing::new(read.words.expose_secret().to_owned());
    let words: Vec<&str> = words.split_whitespace().collect();
    let answers: Vec<(usize, String)> = unlock::places_to_prove()
        .into_iter()
        .filter_map(|place| Some((place, (*words.get(place.checked_sub(1)?)?).to_owned())))
        .collect();
    Ok(unlock::prove_saved(client, keys, &answers)?)
}

fn in_words(kit: &unlock::Kit) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "{}\nThese words open every record of this owner, and nothing can be restored without them.\n\
         Keep them on paper, away from the device. They are used by medlock restore and medlock init --words.\n",
        kit.text.expose_secret()
    ))
}

fn written_in_words(path: &Path) -> String {
    format!(
        "The recovery kit is in {}. Anybody who has it can open all your records, so move it away from this device.",
        path.display()
    )
}

/// The content of a kit file, or of a file with only the words.
pub(crate) struct Saved {
    /// The recovery words.
    pub(crate) words: SecretString,
    /// The owner, if the file names one.
    pub(crate) owner: Option<Address>,
}

impl Saved {
    /// Reads a kit file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| failure::file(path, "read", &error))?);
        Self::parse(&text)
    }

    /// Reads a kit's text, or the words alone.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if let Ok(kit) = RecoveryKit::parse(text) {
            return Ok(Self { words: kit.seed.to_words().as_str().into(), owner: Some(kit.owner) });
        }
        let words = Zeroizing::new(text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase());
        match Seed::from_words(&words) {
            Ok(_) => Ok(Self { words: words.as_str().into(), owner: None }),
            Err(error) => Err(Failure::new(codes::INVALID_WORDS, error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_kit_is_parsed_again() {
        let kit = RecoveryKit { owner: Address::repeat_byte(0x1a), chain_id: 31_337, seed: Seed::from_bytes([7; 32]) };
        let saved = Saved::parse(&kit.to_text()).unwrap();
        assert_eq!(saved.words.expose_secret(), kit.seed.to_words().as_str());
        assert_eq!(saved.owner, Some(kit.owner));
    }

    #[test]
    fn a_file_with_only_the_words_is_accepted() {
        let words = Seed::from_bytes([7; 32]).to_words();
        let typed = format!("  {}\r\n", words.to_uppercase().replace(' ', "\n"));
        let saved = Saved::parse(&typed).unwrap();
        assert_eq!(saved.words.expose_secret(), words.as_str());
        assert_eq!(saved.owner, None);
    }

    #[test]
    fn other_text_is_not_a_kit() {
        for text in ["", " \n", "abandon ability able", "\u{1f382}"] {
            assert_eq!(Saved::parse(text).err().unwrap().code(), "invalid_words", "{text}");
        }
    }
}
