//! Runs programs and takes the wall-clock time from before the spawn until the end is known.
//! Contenders take turns, so that what disturbs the machine disturbs all of them alike.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::samples::Samples;

/// How much of a failed program's words is told.
const WORDS: usize = 300;

/// Something whose time is taken again and again.
pub(crate) struct Contender<'a> {
    rounds: usize,
    once: Box<dyn FnMut() -> Result<Duration, Error> + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender that prepares and cleans up itself, and says how long the rest took.
    pub(crate) fn new(
        rounds: usize,
        once: impl FnMut() -> Result<Duration, Error> + 'a,
    ) -> Contender<'a> {
        Contender { rounds, once: Box::new(once) }
    }

    /// A contender that is one command.
    pub(crate) fn command(rounds: usize, mut make: impl FnMut() -> Command + 'a) -> Contender<'a> {
        Contender::new(rounds, move || time(&mut make()))
    }
}

/// One round of each that is not counted (caches, a first start), then rounds in turns.
pub(crate) fn in_turns<const N: usize>(
    mut contenders: [Contender<'_>; N],
) -> Result<[Samples; N], Error> {
    let mut taken: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for contender in &mut contenders {
        (contender.once)()?;
    }
    let rounds = contenders.iter().map(|each| each.rounds).max().unwrap_or(0);
    for round in 0..rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut taken) {
            if round < contender.rounds {
                times.push((contender.once)()?);
            }
        }
    }
    Ok(taken.map(Samples::new))
}

/// Runs a command without input; any status but 0 is an error that tells what it said.
pub(crate) fn time(command: &mut Command) -> Result<Duration, Error> {
    // A file, not a pipe: nobody has to read while the clock runs.
    let said = tempfile::tempfile().map_err(|source| start(command, source))?;
    let kept = said.try_clone().map_err(|source| start(command, source))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(kept);
    let begun = Instant::now();
    let status = command.status().map_err(|source| start(command, source))?;
    let took = begun.elapsed();
    if status.success() {
        return Ok(took);
    }
    Err(Error::Failed { call: shown(command), status: status.to_string(), said: tail(said) })
}

/// Runs a command and hands back everything that it said, stdout first.
pub(crate) fn text(command: &mut Command) -> Result<String, Error> {
    let output = command.stdin(Stdio::null()).output().map_err(|source| start(command, source))?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(said);
    }
    let status = output.status.to_string();
    Err(Error::Failed { call: shown(command), status, said: one_line(&said) })
}

/// As [`text`], for a command that has to say something particular.
pub(crate) fn saying(command: &mut Command, expected: &'static str) -> Result<(), Error> {
    let said = text(command)?;
    if said.contains(expected) {
        return Ok(());
    }
    let call = shown(command);
    Err(Error::Unexpected { call, lacks: expected, said: one_line(&said) })
}

fn start(command: &Command, source: std::io::Error) -> Error {
    Error::Start { call: shown(command), source }
}

fn shown(command: &Command) -> String {
    let mut words: Vec<OsString> = vec![command.get_program().to_owned()];
    words.extend(command.get_args().map(OsString::from));
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn tail(mut said: std::fs::File) -> String {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    match said.rewind().and_then(|()| said.read_to_end(&mut bytes)) {
        Ok(_) => one_line(&String::from_utf8_lossy(&bytes)),
        Err(error) => format!("(what it said cannot be read: {error})"),
    }
}

/// The end of a text on one line: errors come last.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let skipped = line.chars().count().saturating_sub(WORDS);
    if skipped == 0 {
        line
    } else {
        format!("… {}", line.chars().skip(skipped).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_take_turns_after_one_round_that_is_not_counted() {
        let order = std::cell::RefCell::new(String::new());
        let turn = |name: char| {
            order.borrow_mut().push(name);
            Ok(Duration::from_secs(1))
        };
        let [a, b] =
            in_turns([Contender::new(3, || turn('a')), Contender::new(1, || turn('b'))]).unwrap();
        assert_eq!(order.borrow().as_str(), "ababaa");
        assert_eq!((a.rounds(), b.rounds()), (3, 1));
    }

    #[test]
    fn a_command_that_fails_is_no_measurement() {
        let mut bad = Command::new("sh");
        bad.args(["-c", "echo no >&2; exit 3"]);
        let error = time(&mut bad).unwrap_err();
        assert!(error.to_string().ends_with("ended with exit status: 3: no"), "{error}");
        let mut other = Command::new("echo");
        assert!(matches!(saying(other.arg("x"), "CACHED"), Err(Error::Unexpected { .. })));
    }
}
