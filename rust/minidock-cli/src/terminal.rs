//! The caller's terminal: raw while a session has it, and itself again however that ends.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use minidock::container::WindowSize;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use crate::failure::{Failure, Result};

/// How the terminal was before it was made raw; also for the thread that ends the process.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// While this lives, standard input is raw.
#[derive(Debug)]
pub(crate) struct Raw(());

impl Raw {
    /// Makes standard input raw.
    pub(crate) fn enter() -> Result<Self> {
        let failed = |error| Failure::io("cannot make the terminal raw", error);
        let stdin = io::stdin();
        let before = termios::tcgetattr(&stdin).map_err(failed)?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        // Made first, so that the guard restores even when this fails half-way.
        let guard = Self(());
        termios::tcsetattr(&stdin, OptionalActions::Now, &raw).map_err(failed)?;
        Ok(guard)
    }
}

/// While this lives, standard input shows nothing that is typed.
#[derive(Debug)]
pub(crate) struct Silent(());

impl Silent {
    /// Stops the echo of standard input.
    pub(crate) fn enter() -> Result<Self> {
        let failed = |error| Failure::io("cannot hide what is typed", error);
        let stdin = io::stdin();
        let before = termios::tcgetattr(&stdin).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let guard = Self(());
        termios::tcsetattr(&stdin, OptionalActions::Now, &silent).map_err(failed)?;
        Ok(guard)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        restore();
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was, if it was made raw.
pub(crate) fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // It may be gone, and then there is nothing to restore.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}

/// The size of the terminal, wherever one is connected.
pub(crate) fn size() -> Option<WindowSize> {
    let size = termios::tcgetwinsize(io::stdout())
        .or_else(|_| termios::tcgetwinsize(io::stdin()))
        .or_else(|_| termios::tcgetwinsize(io::stderr()))
        .ok()?;
    let known = size.ws_row > 0 && size.ws_col > 0;
    known.then_some(WindowSize { rows: size.ws_row, columns: size.ws_col })
}

/// Refuses `-it` where standard input is no terminal.
pub(crate) fn require_input_terminal(interactive: bool, tty: bool) -> Result<()> {
    if interactive && tty && !io::stdin().is_terminal() {
        return Err(Failure::refused(
            "the input device is not a TTY",
            "leave -t out to pass standard input through, or run it in a terminal",
        ));
    }
    Ok(())
}
