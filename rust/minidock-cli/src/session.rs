//! A session: the caller's streams and signals joined with those of a program in a container.
//!
//! Bytes are copied as they come, each piece at once; nothing is added, dropped or held back.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver as Events, Sender};
use std::thread;

use minidock::container::{Attached, ClientStreams, Executing, Exit, Running, WindowSize};
use minidock::store::ContainerId;
use minidock::{Engine, Result as EngineResult};
use rustix::process::Signal;

use crate::detach_keys::{DetachKeys, Scanned, Scanner};
use crate::failure::{Failure, Result};
use crate::output;
use crate::signals::{Receiver, Signals};
use crate::terminal::{self, Raw};

/// Bytes that are copied at once.
const PIECE: usize = 64 << 10;

/// A program whose streams are carried.
pub(crate) trait Remote: Send + Sync + 'static {
    /// Waits for its end.
    fn wait(&self) -> EngineResult<Exit>;
    /// Changes the size of its terminal.
    fn resize(&self, size: WindowSize) -> EngineResult<()>;
    /// Sends it a signal.
    fn signal(&self, number: i32) -> EngineResult<()>;
    /// Leaves it running.
    fn detach(&self) -> EngineResult<()>;
}

impl Remote for Running {
    fn wait(&self) -> EngineResult<Exit> {
        Self::wait(self)
    }
    fn resize(&self, size: WindowSize) -> EngineResult<()> {
        Self::resize(self, size)
    }
    fn signal(&self, number: i32) -> EngineResult<()> {
        self.kill(number)
    }
    fn detach(&self) -> EngineResult<()> {
        Self::detach(self)
    }
}

impl Remote for Executing {
    fn wait(&self) -> EngineResult<Exit> {
        Self::wait(self)
    }
    fn resize(&self, size: WindowSize) -> EngineResult<()> {
        Self::resize(self, size)
    }
    fn signal(&self, number: i32) -> EngineResult<()> {
        self.kill(number)
    }
    fn detach(&self) -> EngineResult<()> {
        Self::detach(self)
    }
}

/// A container that was attached to; signals go to it by its id.
pub(crate) struct AttachedTo {
    pub(crate) engine: Engine,
    pub(crate) id: ContainerId,
    pub(crate) attached: Attached,
}

impl Remote for AttachedTo {
    fn wait(&self) -> EngineResult<Exit> {
        self.attached.wait()
    }
    fn resize(&self, size: WindowSize) -> EngineResult<()> {
        self.attached.resize(size)
    }
    fn signal(&self, number: i32) -> EngineResult<()> {
        self.engine.kill_container(&self.id, number)
    }
    fn detach(&self) -> EngineResult<()> {
        self.attached.detach()
    }
}

/// How a session is carried.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// The program has a terminal.
    pub(crate) tty: bool,
    /// Keys that leave it.
    pub(crate) detach_keys: DetachKeys,
    /// Signals are handed on to the program.
    pub(crate) sig_proxy: bool,
}

/// How a session ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The program did.
    Exited(Exit),
    /// The user left.
    Detached,
}

enum Event {
    Exited(EngineResult<Exit>),
    Output(Result<()>),
    Detach,
}

/// Gets the signals of the process for a program.
struct Proxy {
    remote: Arc<dyn Remote>,
    tty: bool,
    forward: bool,
}

impl Receiver for Proxy {
    fn resized(&self) {
        if self.tty
            && let Some(size) = terminal::size()
        {
            // A program that just ended has no terminal to resize.
            drop(self.remote.resize(size));
        }
    }

    fn signalled(&self, number: i32) -> bool {
        // The caller's terminal is gone: what it owns ends with this process.
        let hung_up = self.tty && number == Signal::HUP.as_raw();
        if !self.forward || hung_up || number == Signal::CONT.as_raw() {
            return false;
        }
        self.remote.signal(number).is_ok()
    }
}

/// Carries the streams until the program ends or the user leaves.
pub(crate) fn carry(
    remote: Arc<dyn Remote>,
    streams: ClientStreams,
    manner: &Manner,
    signals: &Signals,
) -> Result<Ended> {
    let raw = match manner.tty && streams.stdin.is_some() && io::stdin().is_terminal() {
        true => Some(Raw::enter()?),
        false => None,
    };
    let proxy = Proxy { remote: remote.clone(), tty: manner.tty, forward: manner.sig_proxy };
    // The size may have changed since the program was started.
    proxy.resized();
    signals.hand_to(Arc::new(proxy));
    let (sender, events) = mpsc::channel();
    let outputs = start(&remote, streams, manner, raw.is_some(), sender);
    let ended = follow(&remote, &events, outputs);
    drop(raw);
    if matches!(ended, Ok(Ended::Detached)) {
        output::say("read escape sequence");
    }
    ended
}

/// Starts the threads that copy and wait; gives the number of outputs.
fn start(
    remote: &Arc<dyn Remote>,
    streams: ClientStreams,
    manner: &Manner,
    raw: bool,
    sender: Sender<Event>,
) -> usize {
    let mut outputs = 0;
    if let Some(file) = streams.stdout {
        outputs += 1;
        copy_output(file, output::bytes, sender.clone());
    }
    if let Some(file) = streams.stderr {
        outputs += 1;
        copy_output(file, output::error_bytes, sender.clone());
    }
    if let Some(file) = streams.stdin {
        let scanner = raw.then(|| Scanner::new(manner.detach_keys.clone()));
        let sender = sender.clone();
        thread::spawn(move || copy_input(file, scanner, &sender));
    }
    let remote = remote.clone();
    thread::spawn(move || drop(sender.send(Event::Exited(remote.wait()))));
    outputs
}

/// Waits for the end of the program and of its output.
fn follow(remote: &Arc<dyn Remote>, events: &Events<Event>, mut outputs: usize) -> Result<Ended> {
    let mut exit = None;
    loop {
        if outputs == 0
            && let Some(exit) = exit.take()
        {
            return Ok(Ended::Exited(exit));
        }
        match events.recv() {
            Ok(Event::Exited(result)) => exit = Some(result?),
            Ok(Event::Output(result)) => {
                result?;
                outputs -= 1;
            }
            Ok(Event::Detach) => {
                remote.detach()?;
                return Ok(Ended::Detached);
            }
            Err(_) => {
                return Err(Failure::io("the session broke off", io::Error::other("no threads")));
            }
        }
    }
}

fn copy_output(mut from: File, write: fn(&[u8]) -> Result<()>, sender: Sender<Event>) {
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        let result = loop {
            match from.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(length) => {
                    if let Err(failure) = write(&buffer[..length]) {
                        break Err(failure);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(Failure::io("cannot read the program's output", error)),
            }
        };
        // Nobody listens after the user left.
        drop(sender.send(Event::Output(result)));
    });
}

/// Copies standard input until its end, or the program takes no more. Closing the pipe is how
/// the program learns of the end.
fn copy_input(mut to: File, mut scanner: Option<Scanner>, sender: &Sender<Event>) {
    let stdin = io::stdin();
    let mut buffer = vec![0; PIECE];
    loop {
        let length = match rustix::io::read(&stdin, &mut buffer[..]) {
            Ok(0) => break,
            Ok(length) => length,
            Err(rustix::io::Errno::INTR) => continue,
            // A closed or hung-up standard input has ended.
            Err(_) => break,
        };
        let written = match scanner.as_mut().map(|scanner| scanner.scan(&buffer[..length])) {
            None => to.write_all(&buffer[..length]),
            Some(Scanned::Forward(bytes)) => to.write_all(&bytes),
            Some(Scanned::Detach(bytes)) => {
                drop(to.write_all(&bytes));
                drop(sender.send(Event::Detach));
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
    if let Some(scanner) = scanner {
        // A program that has ended takes no more, which its exit tells.
        drop(to.write_all(scanner.held()));
    }
}
