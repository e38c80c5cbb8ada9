//! `medlock doctor`: checks an installation.

use std::path::PathBuf;

use clap::Args;
use client::{
    doctor::{self, Check, Verdict},
    error::codes,
};

use super::{failure::Failure, screen::plain, settings::Context};

/// Check this installation and say how to fix problems.
///
/// Changes nothing, and does not ask for the passphrase.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Check a web app instead: whether the server at this URL delivers exactly the files of a build
    #[arg(long, value_name = "URL")]
    web: Option<String>,
    /// The list of hashes that the build made
    #[arg(long, value_name = "FILE", default_value = "client/web/dist/HASHES", requires = "web")]
    hashes: PathBuf,
}

impl Doctor {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let checks = match &self.web {
            None => {
                let deployment = context.settings.deployment.as_deref();
                doctor::examine(&context.home()?, context.overrides(), deployment).await
            }
            Some(url) => doctor::examine_web(url, &self.read_hashes()?).await?,
        };
        context.screen.answer(&serde_json::json!({ "checks": checks }), || {
            checks.iter().map(in_words).collect::<Vec<_>>().join("\n")
        })?;
        // The exit code is the one with which a command would fail because of the first failed check.
        match checks.iter().find_map(|check| Some((check, check.failure.clone()?))) {
            None => Ok(()),
            Some((bad, code)) => {
                Err(Failure::new(code, "a check failed").remedy(format!("Begin with `{}`: {}", bad.name, bad.remedy)))
            }
        }
    }
}

impl Doctor {
    fn read_hashes(&self) -> Result<String, Failure> {
        std::fs::read_to_string(&self.hashes).map_err(|_| {
            let what = format!("The list of hashes {} cannot be read.", self.hashes.display());
            Failure::new(codes::LOCAL_FILE, what).remedy(
                "Build the same version yourself (npm run build --workspace client/web) and name its HASHES: --hashes.",
            )
        })
    }
}

fn in_words(check: &Check) -> String {
    let verdict = match check.verdict {
        Verdict::Good => "good     ",
        Verdict::Warning => "attention",
        Verdict::Bad => "BAD      ",
        Verdict::NotTried => "not tried",
    };
    let mut text = format!("{verdict}  {:<10}  {}", check.name, plain(&check.what));
    if !check.remedy.is_empty() {
        text += &format!("\n{:25}Do: {}", "", plain(&check.remedy));
    }
    text
}
