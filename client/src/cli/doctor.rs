//! `medlock doctor`: what is wrong here, and how to mend it.

use clap::Args;
use client::{
    ClientError, Kind,
    doctor::{self, Check, Verdict},
};

use super::{failure::Failure, screen::plain, settings::Context};

/// Check this installation and say how to mend what is wrong.
///
/// Changes nothing and asks for no passphrase.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let checks = doctor::examine(&context.home()?, context.overrides()).await;
        context.screen.answer(&serde_json::json!({ "checks": checks }), || {
            checks.iter().map(in_words).collect::<Vec<_>>().join("\n")
        })?;
        match checks.iter().find(|check| check.verdict == Verdict::Bad) {
            None => Ok(()),
            Some(bad) => Err(ClientError::new(kind_of(bad), "something here does not work")
                .remedy(format!("Begin with `{}`: {}", bad.name, bad.remedy))),
        }
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

/// The failure that a command would meet because of this: the exit code says the same in both places.
fn kind_of(check: &Check) -> Kind {
    match check.name {
        "rpc" | "api" => Kind::Unreachable,
        "chain" => Kind::OtherChain,
        "contracts" => Kind::OtherCode,
        "deployment" => Kind::OtherDeployment,
        "keystore" => Kind::NoWallet,
        "keyring" => Kind::NoKeyring,
        "key" => Kind::WrongKeys,
        "kit" => Kind::KitNotSaved,
        "session" => Kind::NoSession,
        _ => Kind::InvalidConfig,
    }
}
