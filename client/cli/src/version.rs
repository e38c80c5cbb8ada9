//! `medlock version` and `medlock completions`.

use clap::Args;
use clap_complete::Shell;
use protocol::{deployment::DEPLOYMENT_VERSION, envelope::FORMAT};

use super::{failure::Failure, settings::Context};

/// Show the version of this program.
#[derive(Debug, Args)]
pub(crate) struct Version {}

impl Version {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        let answer =
            serde_json::json!({ "version": version, "envelope": FORMAT, "deployment_version": DEPLOYMENT_VERSION });
        context.screen.answer(&answer, || format!("medlock {version} (envelope {FORMAT})"))
    }
}

/// Write completions for a shell to standard output.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, context: &Context, command: &mut clap::Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "medlock", &mut script);
        context.screen.write(&script)
    }
}
