//! The output of a command: answers on stdout (sentences and tables for people, one JSON value for programs), and
//! everything else on stderr. Colours and progress bars appear only on a terminal, and never with `NO_COLOR`.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use client::{Progress, Step, Told, error::codes};
use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::failure::{self, Failure};

/// The output streams and their style.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    json: bool,
    quiet: bool,
    stdout_colour: bool,
    stderr_colour: bool,
    stderr_terminal: bool,
}

impl Screen {
    /// Creates a screen for this process's standard streams.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        // https://no-color.org: any value except the empty one.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let stderr_terminal = io::stderr().is_terminal();
        Self {
            json,
            quiet,
            stdout_colour: io::stdout().is_terminal() && !plain,
            stderr_colour: stderr_terminal && !plain,
            stderr_terminal,
        }
    }

    /// Returns whether the answer goes to a program.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Shows each item that could not be done, after the answer. Fails if there is one.
    pub(crate) fn tell_all(self, told: &[Told]) -> Result<(), Failure> {
        for item in told {
            self.warn(told_in_words(item));
        }
        match told.len() {
            0 => Ok(()),
            1 => Err(Failure::new(codes::NOT_ALL_DONE, "one item could not be done; everything else was done")),
            many => Err(Failure::new(
                codes::NOT_ALL_DONE,
                format!("{many} items could not be done; everything else was done"),
            )),
        }
    }

    /// Shows the answer: `value` as JSON, or `words` for people.
    pub(crate) fn answer<T: Serialize>(self, value: &T, words: impl FnOnce() -> String) -> Result<(), Failure> {
        let mut text = if self.json {
            serde_json::to_string_pretty(value).expect("answers have text keys and finite numbers")
        } else {
            words()
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.write(text.as_bytes())
    }

    /// Writes raw bytes to stdout. A closed pipe (`| head`) is not an error.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(failure::file("standard output".as_ref(), "written", &error))
            }
            _ => Ok(()),
        }
    }

    /// Copies a file to stdout.
    pub(crate) fn write_file(self, path: &Path) -> Result<(), Failure> {
        let mut file = std::fs::File::open(path).map_err(|error| failure::file(path, "read", &error))?;
        let mut stdout = io::stdout().lock();
        match io::copy(&mut file, &mut stdout).and_then(|_| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(failure::file("standard output".as_ref(), "written", &error))
            }
            _ => Ok(()),
        }
    }

    /// Clears the screen and its scrollback, if there is one.
    pub(crate) fn clear(self) {
        if self.stderr_terminal {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\x1b[2J\x1b[3J\x1b[H").and_then(|()| stderr.flush());
        }
    }

    /// Writes a remark to stderr, except for programs or with `--quiet`.
    pub(crate) fn note(self, text: impl std::fmt::Display) {
        if !self.quiet {
            // If stderr is closed, nothing can be shown.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Announces in one sentence what the wallet is about to sign. It is shown even with `--quiet`, because the user
    /// agrees to it.
    pub(crate) fn signing(self, sentence: &str) {
        let label = if self.stderr_colour { "\x1b[1mSigning:\x1b[0m" } else { "Signing:" };
        let _ = writeln!(io::stderr().lock(), "{label} {sentence}");
    }

    /// Writes a warning to stderr.
    pub(crate) fn warn(self, text: impl std::fmt::Display) {
        let label = if self.stderr_colour { "\x1b[33mNote:\x1b[0m" } else { "Note:" };
        let _ = writeln!(io::stderr().lock(), "{label} {text}");
    }

    /// Shows the failure of a command.
    pub(crate) fn fail(self, failure: &Failure) {
        let mut stderr = io::stderr().lock();
        let (what, now) = failure::lines(failure);
        let _ = if self.json {
            writeln!(stderr, "{}", failure::to_json(failure))
        } else if self.stderr_colour {
            writeln!(stderr, "\x1b[31m{what}\x1b[0m\n{now}")
        } else {
            writeln!(stderr, "{what}\n{now}")
        };
    }

    /// Formats a heading for stdout.
    pub(crate) fn heading(self, text: &str) -> String {
        if self.stdout_colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Formats a table without lines, wrapped to the terminal's width, with bold headings on a terminal.
    pub(crate) fn table<const N: usize>(self, header: [&str; N], rows: Vec<[String; N]>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if !self.stdout_colour {
            table.force_no_tty();
        }
        table.set_header(header.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
        table.add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.trim_fmt()
    }

    /// Returns a progress bar for a long operation, shown only on a terminal, and the handle that updates it.
    pub(crate) fn watch(self, what: &str) -> (Bar, Progress) {
        let target = if self.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{msg} {spinner}"));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        let shown = bar.clone();
        let what = what.to_owned();
        let progress = Progress::new(move |step| match step {
            Step::Hashing { done, total } => bytes(&shown, &format!("{what}: reading"), done, total),
            Step::Sending { done, total } => {
                bytes(&shown, &format!("{what}: encrypting and sending"), done, Some(total))
            }
            Step::Registering => waiting(&shown, &format!("{what}: registering on the chain")),
            Step::Asking => waiting(&shown, &format!("{what}: asking for the key")),
            Step::Fetching { done, total } => bytes(&shown, &format!("{what}: fetching and decrypting"), done, total),
            Step::Items { done, total } => {
                shown.set_style(style("{msg} {wide_bar} {pos}/{len}"));
                shown.set_length(total);
                shown.set_position(done);
            }
            _ => {}
        });
        (Bar(bar), progress)
    }

    const fn shows_progress(self) -> bool {
        self.stderr_terminal && !self.quiet && !self.json
    }
}

/// A progress bar. It disappears when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constant and valid")
}

fn bytes(bar: &ProgressBar, message: &str, done: u64, total: Option<u64>) {
    // Setting the style or message redraws the bar, so this happens only when the step changes.
    if bar.message() != message {
        bar.set_message(message.to_owned());
        bar.set_style(match total {
            Some(_) => style("{msg} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta}"),
            None => style("{msg} {spinner} {bytes}  {bytes_per_sec}"),
        });
        bar.reset_eta();
    }
    if let Some(total) = total {
        bar.set_length(total);
    }
    bar.set_position(done);
}

fn waiting(bar: &ProgressBar, message: &str) {
    bar.set_style(style("{msg} {spinner}"));
    bar.set_message(message.to_owned());
}

fn told_in_words(item: &Told) -> String {
    let version = item.version.map_or_else(String::new, |version| format!(", version {version}"));
    let about = match (item.record, item.grant) {
        (Some(record), _) => format!("Record {}{version}: ", short(record)),
        (None, Some(grant)) => format!("Grant {}: ", short(grant)),
        (None, None) => String::new(),
    };
    format!("{about}{} ({})", plain(&item.what), plain(&item.code))
}

/// Writes a number of bytes for people: `812 B`, `4.1 kB`, `12 MB`.
pub(crate) fn bytes_in_words(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// Returns text from other people (names, file names, reasons) without control characters, so that it cannot move the
/// cursor or change colours.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_direction_mark(c) { '\u{fffd}' } else { c }).collect()
}

/// Returns whether the character changes the text direction (Unicode Bidi_Control). Such a character can make `gpj.exe`
/// look like `exe.jpg`.
const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the start of a long id: `0x1f2e3d4c`.
pub(crate) fn short(id: impl std::fmt::Display) -> String {
    id.to_string().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_others_cannot_control_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
        assert_eq!(plain("scan\u{202e}gpj.exe"), "scan\u{fffd}gpj.exe");
        assert_eq!(plain("Befund März.pdf"), "Befund März.pdf");
    }

    #[test]
    fn progress_is_shown_only_to_people_at_a_terminal() {
        let shows = |stderr_terminal, quiet, json| {
            let screen = Screen { json, quiet, stdout_colour: false, stderr_colour: false, stderr_terminal };
            screen.shows_progress()
        };
        assert!(shows(true, false, false), "a terminal");
        assert!(!shows(false, false, false), "a pipe or a file");
        assert!(!shows(true, true, false), "--quiet");
        assert!(!shows(true, false, true), "--json");
        assert!(!shows(false, true, true), "none of them");
    }

    #[test]
    fn a_table_away_from_a_terminal_has_no_escape_codes() {
        let screen =
            Screen { json: false, quiet: false, stdout_colour: false, stderr_colour: false, stderr_terminal: false };
        let text = screen.table(["RECORD", "SIZE"], vec![["0x12".to_owned(), "4 kB".to_owned()]]);
        assert!(text.contains("RECORD") && text.contains("0x12") && !text.contains('\u{1b}'), "{text}");
    }
}
