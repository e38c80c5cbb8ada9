//! The arguments of the command line.

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::attacks::NAMES;

/// The longest duration of the measurement under attack.
const SECONDS: u64 = 120;

/// The arguments of the command line.
pub(crate) struct Wishes {
    /// The attacks, in the order of [`NAMES`].
    pub(crate) attacks: Vec<&'static str>,
    /// The longest duration of the measurement under attack.
    pub(crate) longest: Duration,
}

impl Wishes {
    /// Parses `--attack NAME` (may repeat; `none` measures the noise of the machine) and `--seconds N`.
    ///
    /// # Errors
    /// Returns an error for every other argument.
    pub(crate) fn read() -> anyhow::Result<Self> {
        // Cargo adds its own argument.
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        let mut only: Option<Vec<String>> = None;
        let mut seconds = SECONDS;
        while let Some(argument) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{argument} needs a value"))?;
            match argument.as_str() {
                "--attack" | "--only" => only.get_or_insert_default().push(value),
                "--seconds" => seconds = value.parse().context("--seconds needs a number")?,
                other => anyhow::bail!("there is no {other}\n  do: use --attack NAME or --seconds N"),
            }
        }
        ensure!((1..=3_600).contains(&seconds), "--seconds must be between 1 and 3600");
        for name in only.iter().flatten() {
            ensure!(
                name == "none" || NAMES.contains(&name.as_str()),
                "there is no attack \"{name}\"\n  do: name one of {}, or none",
                NAMES.join(", ")
            );
        }
        let is_wanted = |name: &&str| only.as_ref().is_none_or(|only| only.iter().any(|other| other == name));
        let attacks = NAMES.into_iter().filter(is_wanted).collect();
        Ok(Self { attacks, longest: Duration::from_secs(seconds) })
    }
}
