//! Runs a program with its output shown as it comes and kept, under a time limit that ends the
//! program and everything below it. It never waits for an output that a stray holds open.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::call::shown;
use crate::error::Error;
use crate::{screen, strays};

/// How long an output may stay open after its program ended.
const DRAIN: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(20);

/// A program that ran to its end.
pub(crate) struct Streamed {
    /// Its exit status; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// stdout and stderr as one text, in the order in which they were written.
    pub(crate) text: String,
    /// A process that outlived the program still held its output open.
    pub(crate) held: bool,
    /// Wall-clock time.
    pub(crate) took: Duration,
}

/// Runs `command`; with `show`, its output also goes to the screen at once.
pub(crate) fn stream(mut command: Command, limit: Duration, show: bool) -> Result<Streamed, Error> {
    let call = shown(&command);
    let program = command.get_program().to_string_lossy().into_owned();
    let start = |source| Error::Start { program: program.clone(), source };
    let (reader, writer) = std::io::pipe().map_err(start)?;
    let second = writer.try_clone().map_err(start)?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    let begun = Instant::now();
    let mut child = command.spawn().map_err(start)?;
    // The command owns the writing ends: without this the output would never end.
    drop(command);
    let chunks = read_apart(reader);

    let mut kept = Vec::new();
    let mut ended: Option<Instant> = None;
    let mut held = false;
    loop {
        match chunks.recv_timeout(TICK) {
            Ok(chunk) => {
                if show {
                    screen::raw(&chunk);
                }
                kept.extend_from_slice(&chunk);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        match ended {
            None if child.try_wait().map_err(start)?.is_some() => ended = Some(Instant::now()),
            None if begun.elapsed() > limit => return Err(end(child, call, limit)),
            Some(at) if at.elapsed() > DRAIN => {
                held = true;
                break;
            }
            _ => {}
        }
    }
    let status = wait_until(&mut child, begun + limit).map_err(start)?;
    let Some(status) = status else { return Err(end(child, call, limit)) };
    Ok(Streamed {
        code: status.code(),
        text: String::from_utf8_lossy(&kept).into_owned(),
        held,
        took: begun.elapsed(),
    })
}

fn wait_until(
    child: &mut Child,
    deadline: Instant,
) -> std::io::Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            return Ok(None);
        }
        thread::sleep(TICK);
    }
}

/// The thread ends with the pipe; if a stray holds that open, it ends with this process.
fn read_apart(mut reader: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count) = reader.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn end(mut child: Child, call: String, limit: Duration) -> Error {
    strays::kill_below(child.id());
    match child.kill().and_then(|()| child.wait()) {
        Ok(_) => Error::TimedOut { call, seconds: limit.as_secs() },
        Err(source) => Error::Start { program: call, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_are_kept_in_order() {
        let done = stream(sh("echo a; echo b >&2; echo c; exit 4"), DRAIN, false).unwrap();
        assert_eq!((done.code, done.text.as_str(), done.held), (Some(4), "a\nb\nc\n", false));
    }

    #[test]
    fn a_time_limit_ends_what_is_below_too() {
        let begun = Instant::now();
        let limit = Duration::from_millis(200);
        let error = stream(sh("sleep 300 & sleep 300"), limit, false).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
