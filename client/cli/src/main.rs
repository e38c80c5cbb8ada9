//! The `medlock` command, built on the SDK (`client`). Each file has one command or a few related ones: the arguments,
//! the calls of the SDK, and the text or JSON that is shown.

mod audit;
mod contacts;
mod doctor;
mod failure;
mod grants;
mod init;
mod key;
mod kit;
mod log;
mod moment;
mod names;
mod people;
mod pick;
mod prompt;
mod range;
mod records;
mod recovery;
mod requests;
mod screen;
mod senders;
mod session;
mod settings;
mod upload;
mod version;
mod who;
mod withdrawal;
mod words;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

use failure::{EXIT_CODES, Failure};
use screen::Screen;
use settings::{Context, Settings};

const AFTER_HELP: &str = "\
PERSON is an address (0x and 40 hex digits), a name from your contacts, or `me`.
RECORD is a record id, or its first characters.
TIME is 7d or 12h (from now on; in `log`: before now), a date (2026-05-03, that day included)
or RFC 3339 (2026-05-03T14:00:00Z).
Every signature is announced in one sentence before it is made.
Passphrases and keys are asked for or read from files, never taken from the command line.";

/// Your medical files, encrypted; your permissions, on chain.
#[derive(Debug, Parser)]
#[command(name = "medlock", version, propagate_version = false, max_term_width = 100)]
#[command(after_help = AFTER_HELP, after_long_help = format!("{AFTER_HELP}\n\n{EXIT_CODES}"))]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    // Setting up.
    Init(init::Init),
    Login(session::Login),
    Logout(session::Logout),
    Key(key::Key),
    Register(key::Register),
    Kit(kit::Kit),
    // Records.
    Upload(upload::Upload),
    List(records::List),
    Show(records::Show),
    Get(records::Get),
    Withdraw(withdrawal::Withdraw),
    Lift(withdrawal::Lift),
    Retract(withdrawal::Retract),
    // Asking for access.
    Request(requests::Request),
    Requests(requests::Requests),
    Approve(requests::Approve),
    Deny(requests::Deny),
    // Giving access.
    Grant(grants::Grant),
    Grants(grants::Grants),
    Revoke(grants::Revoke),
    // Who may send you something.
    Accept(senders::Accept),
    Block(senders::Block),
    Unblock(senders::Unblock),
    Blocks(senders::Blocks),
    Hide(senders::Hide),
    // People.
    Accredit(people::Accredit),
    Suspend(people::Suspend),
    Accreditor(people::Accreditor),
    Invite(people::Invite),
    Profile(people::Profile),
    Directory(people::Directory),
    Contacts(contacts::Contacts),
    // What happened.
    Log(log::Log),
    Audit(audit::Audit),
    // Keeping and mending.
    Restore(recovery::Restore),
    Reissue(recovery::Reissue),
    Doctor(doctor::Doctor),
    Completions(version::Completions),
    Version(version::Version),
}

#[tokio::main]
async fn main() -> ExitCode {
    run(std::env::args_os()).await
}

/// Parses the arguments, runs the command, and shows its failure. Returns the exit code.
async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && arguments.iter().any(|argument| argument == "--json") => {
            let failure = failure::bad_arguments(&error);
            Screen::new(true, false).fail(&failure);
            return ExitCode::from(failure.class().code());
        }
        Err(error) if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let failure = failure::bad_arguments(&error);
            Screen::new(false, false).fail(&failure);
            return ExitCode::from(failure.class().code());
        }
        Err(error) => {
            // If the stream is closed, nothing can be shown. Help and version exit with 0, mistakes with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let screen = cli.settings.screen();
    let context = Context::new(cli.settings, screen);
    let opened = context.opened();
    match cli.command.run(context).await.and_then(|()| settings::unreadable(&opened)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.fail(&failure);
            ExitCode::from(failure.class().code())
        }
    }
}

impl Command {
    async fn run(self, context: Context) -> Result<(), Failure> {
        match self {
            Self::Init(command) => command.run(context).await,
            Self::Login(command) => command.run(context).await,
            Self::Logout(command) => command.run(context).await,
            Self::Key(command) => command.run(context).await,
            Self::Register(command) => command.run(context).await,
            Self::Kit(command) => command.run(context).await,
            Self::Upload(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Get(command) => command.run(context).await,
            Self::Withdraw(command) => command.run(context).await,
            Self::Lift(command) => command.run(context).await,
            Self::Retract(command) => command.run(context).await,
            Self::Request(command) => command.run(context).await,
            Self::Requests(command) => command.run(context).await,
            Self::Approve(command) => command.run(context).await,
            Self::Deny(command) => command.run(context).await,
            Self::Grant(command) => command.run(context).await,
            Self::Grants(command) => command.run(context).await,
            Self::Revoke(command) => command.run(context).await,
            Self::Accept(command) => command.run(context).await,
            Self::Block(command) => command.run(context).await,
            Self::Unblock(command) => command.run(context).await,
            Self::Blocks(command) => command.run(context).await,
            Self::Hide(command) => command.run(context).await,
            Self::Accredit(command) => command.run(context).await,
            Self::Suspend(command) => command.run(context).await,
            Self::Accreditor(command) => command.run(context).await,
            Self::Invite(command) => command.run(context).await,
            Self::Profile(command) => command.run(context).await,
            Self::Directory(command) => command.run(context).await,
            Self::Contacts(command) => command.run(context).await,
            Self::Log(command) => command.run(context).await,
            Self::Audit(command) => command.run(context).await,
            Self::Restore(command) => command.run(context).await,
            Self::Reissue(command) => command.run(context).await,
            Self::Doctor(command) => command.run(context).await,
            Self::Completions(command) => command.run(&context, &mut Cli::command()),
            Self::Version(command) => command.run(&context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_command(command: &clap::Command, path: &str, visit: &mut impl FnMut(&str, &clap::Command)) {
        for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
            let path = format!("{path} {}", subcommand.get_name());
            visit(&path, subcommand);
            every_command(subcommand, &path, visit);
        }
    }

    #[test]
    fn the_command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        let mut seen = 0;
        every_command(&Cli::command(), "medlock", &mut |path, command| {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.split_whitespace().count() >= 3, "{path} does not say what it does: {about:?}");
            assert!(about.starts_with(char::is_uppercase), "{path}: {about:?}");
            seen += 1;
        });
        assert!(seen >= 30, "only {seen} commands");
    }

    /// `INSTA_UPDATE=always cargo test -p cli` rewrites the snapshots.
    #[test]
    fn the_help_of_every_command_is_the_one_in_snapshots() {
        let help = |path: &str, command: &clap::Command| {
            let mut command = command.clone().bin_name(path).term_width(100);
            command.build();
            command.render_long_help().to_string()
        };
        insta::assert_snapshot!("help-medlock", help("medlock", &Cli::command()));
        every_command(&Cli::command(), "medlock", &mut |path, command| {
            insta::assert_snapshot!(format!("help-{}", path.replace(' ', "-")), help(path, command));
        });
    }

    #[test]
    fn every_argument_says_what_it_means() {
        every_command(&Cli::command(), "medlock", &mut |path, command| {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path} {} has no help", argument.get_id());
            }
        });
    }

    #[test]
    fn no_argument_takes_a_secret() {
        every_command(&Cli::command(), "medlock", &mut |path, command| {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                let secret = ["passphrase", "password", "private_key", "seed", "words"].contains(&id);
                assert!(!secret || !argument.get_action().takes_values(), "{path} --{id} takes a secret");
            }
        });
    }

    #[test]
    fn help_lists_the_exit_codes() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains(EXIT_CODES), "{help}");
    }
}
