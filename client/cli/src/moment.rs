//! Parses times that people type (`7d`, `12h`, `2026-05-03`, RFC 3339), and formats times for people.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// The end of a day that a date without a time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The first second of the day: `--from 2026-05-03`.
    Start,
    /// The first second after the day: `--until 2026-05-03` includes that day.
    End,
}

/// The direction in which a duration without a date counts from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// After now: the end of a grant.
    Forwards,
    /// Before now: the beginning of a part of the log.
    Backwards,
}

/// The reason why a time cannot be parsed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum MomentError {
    /// The text has none of the accepted forms.
    #[error("'{0}' is not a time: write 7d, 12h, 2026-05-03 or 2026-05-03T14:00:00Z")]
    Unreadable(String),
    /// The text is not a duration.
    #[error("'{0}' is not a length")]
    NotALength(String),
    /// The number is too large for the calendar.
    #[error("'{0}' is too far in the past or future")]
    OutOfRange(String),
}

/// Parses a duration and returns its seconds: whole numbers with `s`, `m`, `h`, `d` or `w` (a day is 24 hours), one or
/// several in a row as in `1d12h`.
pub(crate) fn parse_length(text: &str) -> Result<u64, MomentError> {
    let unreadable = || MomentError::NotALength(text.to_owned());
    let out_of_range = || MomentError::OutOfRange(text.to_owned());
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(unreadable());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let unit = match after.bytes().next() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            Some(b'd') => 86_400,
            Some(b'w') => 604_800,
            _ => return Err(unreadable()),
        };
        if number.is_empty() {
            return Err(unreadable());
        }
        let seconds =
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(out_of_range)?;
        total = total.checked_add(seconds).ok_or_else(out_of_range)?;
        rest = &after[1..];
    }
    Ok(total)
}

/// Parses a time and returns its Unix seconds: a duration from `now` (Unix seconds), a date in `zone`, or RFC 3339.
pub(crate) fn parse_moment(
    text: &str,
    now: u64,
    zone: &TimeZone,
    edge: Edge,
    counted: Counted,
) -> Result<u64, MomentError> {
    let text = text.trim();
    let out_of_range = || MomentError::OutOfRange(text.to_owned());
    if text == "now" {
        return Ok(now);
    }
    match parse_length(text) {
        Ok(length) => {
            let moment = match counted {
                Counted::Forwards => now.checked_add(length),
                Counted::Backwards => now.checked_sub(length),
            };
            return moment.filter(|moment| *moment < 1 << 40).ok_or_else(out_of_range);
        }
        Err(MomentError::OutOfRange(text)) => return Err(MomentError::OutOfRange(text)),
        Err(_) => {}
    }
    let seconds = if text.len() == 10 {
        let date: Date = text.parse().map_err(|_| MomentError::Unreadable(text.to_owned()))?;
        let date = match edge {
            Edge::Start => date,
            Edge::End => date.checked_add(1.day()).map_err(|_| out_of_range())?,
        };
        date.to_zoned(zone.clone()).map_err(|_| out_of_range())?.timestamp().as_second()
    } else {
        text.parse::<Timestamp>().map_err(|_| MomentError::Unreadable(text.to_owned()))?.as_second()
    };
    u64::try_from(seconds).map_err(|_| out_of_range())
}

/// Returns the current time in Unix seconds.
pub(crate) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// Formats a time in the local time zone: `3 May 2026, 14:05`.
pub(crate) fn in_words(seconds: u64) -> String {
    in_words_at(seconds, &TimeZone::system())
}

/// Formats the end of a period. Midnight belongs to the day before it, so `until 3 May 2026` includes that day.
pub(crate) fn until_in_words(seconds: u64) -> String {
    until_in_words_at(seconds, &TimeZone::system())
}

/// Returns the sentence of a message, with its times (`until second 1777852800`) in words.
pub(crate) fn with_times(sentence: &str) -> String {
    with_times_at(sentence, &TimeZone::system())
}

fn with_times_at(sentence: &str, zone: &TimeZone) -> String {
    const MARK: &str = "second ";
    let mut text = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once(MARK) {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        text += before;
        match after[..digits].parse() {
            Ok(seconds) => text += &until_in_words_at(seconds, zone),
            Err(_) => {
                text += MARK;
                text += &after[..digits];
            }
        }
        rest = &after[digits..];
    }
    text + rest
}

fn in_words_at(seconds: u64, zone: &TimeZone) -> String {
    zoned(seconds, zone)
        .map_or_else(|| "a very distant time".to_owned(), |time| time.strftime("%-d %b %Y, %H:%M").to_string())
}

fn until_in_words_at(seconds: u64, zone: &TimeZone) -> String {
    let Some(time) = zoned(seconds, zone) else { return "a very distant time".to_owned() };
    if time.time() == jiff::civil::Time::midnight()
        && let Ok(last_day) = time.yesterday()
    {
        return last_day.strftime("%-d %b %Y").to_string();
    }
    let form = if time.second() == 0 { "%-d %b %Y, %H:%M" } else { "%-d %b %Y, %H:%M:%S" };
    time.strftime(form).to_string()
}

fn zoned(seconds: u64, zone: &TimeZone) -> Option<jiff::Zoned> {
    let seconds = i64::try_from(seconds).ok()?;
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_767_268_800; // 2026-01-01T12:00:00Z

    fn until(text: &str) -> Result<u64, MomentError> {
        parse_moment(text, NOON, &TimeZone::UTC, Edge::End, Counted::Forwards)
    }

    #[test]
    fn lengths_are_counted_in_seconds() {
        for (text, seconds) in
            [("45s", 45), ("30m", 1_800), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600), ("1d12h", 129_600)]
        {
            assert_eq!(parse_length(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn lengths_without_number_or_unit_are_refused() {
        for text in ["", " ", "7", "d", "7y", "-7d", "7 d", "7d ago", "1.5h", "0x7d", "2026-12-03"] {
            assert!(matches!(parse_length(text), Err(MomentError::NotALength(_))), "{text}");
        }
    }

    #[test]
    fn too_long_durations_are_refused() {
        for text in ["99999999999999999999d", "18446744073709551615w", "18446744073709551615s1s"] {
            assert!(matches!(parse_length(text), Err(MomentError::OutOfRange(_))), "{text}");
        }
    }

    #[test]
    fn a_length_counts_from_now() {
        assert_eq!(until("7d"), Ok(NOON + 604_800));
        assert!(matches!(until("99999999w"), Err(MomentError::OutOfRange(_))));
    }

    #[test]
    fn a_length_can_count_back_from_now() {
        let since = |text| parse_moment(text, NOON, &TimeZone::UTC, Edge::Start, Counted::Backwards);
        assert_eq!(since("7d"), Ok(NOON - 604_800));
        assert_eq!(since("now"), Ok(NOON));
        assert_eq!(since("2026-05-03"), Ok(1_777_766_400), "a date is the same in both directions");
        assert!(matches!(since("99999w"), Err(MomentError::OutOfRange(_))), "before 1970");
    }

    #[test]
    fn a_date_ends_after_its_last_second_and_starts_with_its_first() {
        assert_eq!(until("2026-05-03"), Ok(1_777_852_800)); // 2026-05-04T00:00:00Z
        assert_eq!(parse_moment("2026-05-03", NOON, &TimeZone::UTC, Edge::Start, Counted::Forwards), Ok(1_777_766_400));
    }

    #[test]
    fn a_date_is_read_in_the_local_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(parse_moment("2026-05-03", NOON, &zone, Edge::Start, Counted::Forwards), Ok(1_777_766_400 - 7_200));
    }

    #[test]
    fn rfc_3339_is_exact() {
        assert_eq!(until("2026-05-03T14:00:00Z"), Ok(1_777_816_800));
        assert_eq!(until("2026-05-03T14:00:00+02:00"), Ok(1_777_809_600));
    }

    #[test]
    fn other_text_is_refused_as_a_time_without_a_panic() {
        for text in [
            "",
            "tomorrow",
            "2026-13-01",
            "2026-02-30",
            "03/05/2026",
            "2026-05-03T25:00:00Z",
            "1969-12-30",
            "\u{1f382}\u{1f382}22",
        ] {
            assert!(until(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_sentence_of_a_message_shows_its_moments_in_words() {
        let shown = |sentence| with_times_at(sentence, &TimeZone::UTC);
        assert_eq!(shown("Allow it until second 1777852800."), "Allow it until 3 May 2026.");
        assert_eq!(shown("From second 1777816800 until second 1777852800"), "From 3 May 2026, 14:00 until 3 May 2026");
        assert_eq!(
            shown("The second time; second 99999999999999999999."),
            "The second time; second 99999999999999999999."
        );
    }

    #[test]
    fn an_end_at_midnight_names_the_day_before() {
        assert_eq!(until_in_words_at(1_777_852_800, &TimeZone::UTC), "3 May 2026");
        assert_eq!(until_in_words_at(1_777_816_800, &TimeZone::UTC), "3 May 2026, 14:00");
        assert_eq!(in_words_at(1_777_852_800, &TimeZone::UTC), "4 May 2026, 00:00");
        assert_eq!(until_in_words_at(u64::MAX, &TimeZone::UTC), "a very distant time");
    }
}
