//! Signals by name and number (signal(7)).

use crate::error::{Error, ErrorKind, Result, quoted};

/// SIGKILL.
pub(crate) const KILL: i32 = 9;
/// SIGTERM.
pub(crate) const TERM: i32 = 15;

/// Names of the standard signals by number, from 1 on.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
const FIRST_REAL_TIME: i32 = 34;
const LAST: i32 = 64;

/// Parses `KILL`, `SIGKILL`, `sigkill`, `9` or `RTMIN+3`.
///
/// ```
/// assert_eq!(minidock::signal::parse("SIGTERM").unwrap(), 15);
/// assert!(minidock::signal::parse("SIGNONE").is_err());
/// ```
pub fn parse(text: &str) -> Result<i32> {
    let unknown = || {
        Error::new(ErrorKind::InvalidInput, format!("{} is not a signal", quoted(text)))
            .with_hint("give a name as SIGTERM, or a number from 1 to 64")
    };
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=LAST).contains(&number) { Ok(number) } else { Err(unknown()) };
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(place) = NAMES.iter().position(|known| *known == name) {
        return i32::try_from(place + 1).map_err(|_| unknown());
    }
    let offset = |text: &str| if text.is_empty() { Some(0) } else { text.get(1..)?.parse().ok() };
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) if rest.is_empty() || rest.starts_with('+') => {
            offset(rest).map(|n: i32| FIRST_REAL_TIME + n)
        }
        (_, Some(rest)) if rest.is_empty() || rest.starts_with('-') => {
            offset(rest).map(|n: i32| LAST - n)
        }
        _ => None,
    };
    number.filter(|n| (FIRST_REAL_TIME..=LAST).contains(n)).ok_or_else(unknown)
}

/// The name of a signal with `SIG`, or its number.
#[must_use]
pub fn name(number: i32) -> String {
    usize::try_from(number - 1)
        .ok()
        .and_then(|place| NAMES.get(place))
        .map_or_else(|| number.to_string(), |name| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (text, number) in [
            ("9", 9),
            ("KILL", 9),
            ("sigint", 2),
            ("SIGRTMIN", 34),
            ("RTMIN+3", 37),
            ("RTMAX-1", 63),
        ] {
            assert_eq!(parse(text).unwrap(), number, "{text}");
        }
        for text in ["", "0", "65", "SIG", "RTMIN+31", "RTMAX+1", "-1", "TERMX"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(name(9), "SIGKILL");
        assert_eq!(name(40), "40");
    }
}
