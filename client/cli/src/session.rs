//! `medlock login` and `medlock logout`.

use clap::Args;
use client::{Client, error::codes, grants, session};
use serde::Serialize;

use super::{failure::Failure, moment, settings::Context};

/// Sign in at the API with your wallet.
///
/// Afterwards it checks versions of your records that others have added in the meantime, and lets the people with whom
/// you share a record open its new versions.
#[derive(Debug, Args)]
pub(crate) struct Login {}

/// End the session on this device and at the API.
#[derive(Debug, Args)]
pub(crate) struct Logout {}

#[derive(Serialize)]
struct SignedIn {
    address: String,
    expires_at: u64,
    caught_up: Option<grants::CaughtUp>,
}

impl Login {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let wallet = context.wallet(&client).await?;
        let session = session::login(&client, &wallet).await?;
        let answer = SignedIn {
            address: format!("{:#x}", session.address()),
            expires_at: session.expires_at(),
            caught_up: catch_up(&context, &client).await,
        };
        context.screen.answer(&answer, || {
            let until = moment::until_in_words(answer.expires_at);
            format!("Signed in as {} until {until}.", session.address().to_checksum(None))
        })?;
        match &answer.caught_up {
            Some(done) => context.screen.tell_all(&done.told),
            None => Ok(()),
        }
    }
}

/// Checks and shares new versions that others have added. If this fails, signing in has succeeded all the same.
async fn catch_up(context: &Context, client: &Client) -> Option<grants::CaughtUp> {
    let done = match context.keys(client).await {
        Ok(keys) => grants::catch_up(client, &keys).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(done) => Some(done),
        // An accreditor or an auditor may have no encryption keys.
        Err(failure) if failure.code() == codes::NO_KEYRING => None,
        Err(failure) => {
            context.screen.warn(format!("New versions from others could not be checked yet: {failure}"));
            None
        }
    }
}

impl Logout {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let server_told = session::logout(&client).await?;
        context.screen.answer(&serde_json::json!({ "server_told": server_told }), || {
            if server_told {
                "Signed out.".to_owned()
            } else {
                "Signed out on this device. The server did not answer; the session there ends by itself.".to_owned()
            }
        })
    }
}
