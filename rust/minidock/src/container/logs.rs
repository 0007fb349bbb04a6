//! Reading a container's log (format: `minidock_proto::log`).
//!
//! The file is read directly, also while the container runs; no supervisor is asked.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use minidock_proto::log::{HEAD, Head, Stream, TAIL};
use minidock_proto::record;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::ContainerId;

/// How often a follower looks for more.
const PAUSE: Duration = Duration::from_millis(40);

/// What of a log is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogOptions {
    /// Go on with what comes, until the container ends.
    pub follow: bool,
    /// Only the last lines.
    pub tail: Option<usize>,
    /// Only from this time on, nanoseconds since 1970-01-01 UTC.
    pub since: Option<i64>,
    /// Only until this time.
    pub until: Option<i64>,
}

/// A piece of output: a line with its end, or a part of one that was written in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Where it came from.
    pub stream: Stream,
    /// When it was read from the container, nanoseconds since 1970-01-01 UTC.
    pub time: i64,
    /// The bytes as they were written.
    pub bytes: Vec<u8>,
}

/// An iterator over a log.
#[derive(Debug)]
pub struct LogReader {
    engine: Engine,
    id: ContainerId,
    options: LogOptions,
    files: VecDeque<PathBuf>,
    file: Option<File>,
    ready: VecDeque<LogLine>,
    /// The container had ended before the last look: what is read now is all.
    ended: bool,
}

impl Engine {
    /// Reads the log of a container.
    pub fn container_logs(&self, id: &ContainerId, options: LogOptions) -> Result<LogReader> {
        self.store().container(id)?;
        let log = self.store().container_dir(id).join(record::LOG);
        let files = VecDeque::from([log.with_extension("1"), log]);
        let mut reader = LogReader {
            engine: self.clone(),
            id: id.clone(),
            options,
            files,
            file: None,
            ready: VecDeque::new(),
            ended: false,
        };
        if let Some(lines) = options.tail {
            reader.skip_to_tail(lines)?;
        }
        Ok(reader)
    }
}

impl LogReader {
    fn skip_to_tail(&mut self, lines: usize) -> Result<()> {
        let follow = std::mem::replace(&mut self.options.follow, false);
        let mut last = VecDeque::new();
        while let Some(line) = self.next().transpose()? {
            last.push_back(line);
            while count(&last) > lines {
                last.pop_front();
            }
        }
        self.options.follow = follow;
        self.ended = false;
        self.ready = last;
        Ok(())
    }

    /// Reads one record and splits it into lines; `false` when nothing whole is there.
    fn read_record(&mut self) -> Result<bool> {
        let Some(file) = &mut self.file else { return self.open_next() };
        let failed = |error| Error::io("cannot read the container's log", error);
        let place = file.stream_position().map_err(failed)?;
        let Some((head, payload)) = whole_record(file).map_err(failed)? else {
            file.seek(SeekFrom::Start(place)).map_err(failed)?;
            return if self.files.is_empty() { Ok(false) } else { self.open_next() };
        };
        let wanted = self.options.since.is_none_or(|since| head.time >= since)
            && self.options.until.is_none_or(|until| head.time <= until);
        if wanted {
            let lines = payload.split_inclusive(|byte| *byte == b'\n');
            self.ready.extend(lines.map(|line| LogLine {
                stream: head.stream,
                time: head.time,
                bytes: line.to_vec(),
            }));
        }
        Ok(true)
    }

    fn open_next(&mut self) -> Result<bool> {
        let Some(path) = self.files.front() else { return Ok(false) };
        match File::open(path) {
            Ok(file) => self.file = Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // The older half is rarely there; the newer comes with the first start.
                if self.files.len() == 1 {
                    return Ok(false);
                }
            }
            Err(error) => return Err(Error::at("open", path, error)),
        }
        self.files.pop_front();
        Ok(true)
    }
}

/// How many lines these pieces are: a line ends at its line break, or is the last of its stream.
fn count(pieces: &VecDeque<LogLine>) -> usize {
    let broken = |piece: &&LogLine| piece.bytes.ends_with(b"\n");
    let open = |stream| {
        let last = pieces.iter().rev().find(|piece| piece.stream == stream);
        usize::from(last.is_some_and(|piece| !broken(&piece)))
    };
    pieces.iter().filter(broken).count() + open(Stream::Stdout) + open(Stream::Stderr)
}

fn whole_record(file: &mut File) -> std::io::Result<Option<(Head, Vec<u8>)>> {
    let mut head = [0; HEAD];
    if !fill(file, &mut head)? {
        return Ok(None);
    }
    let Some(head) = Head::decode(&head) else { return Ok(None) };
    let mut payload = vec![0; head.length as usize + TAIL];
    if !fill(file, &mut payload)? {
        return Ok(None);
    }
    payload.truncate(head.length as usize);
    Ok(Some((head, payload)))
}

fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a look at a log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// A piece of output.
    Line(LogLine),
    /// Nothing yet; more may come while the container runs.
    Later,
    /// Nothing more comes.
    End,
}

impl LogReader {
    /// Looks for the next piece without waiting for it, for callers that have something else to
    /// look at now and then.
    pub fn look(&mut self) -> Result<Looked> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Ok(Looked::Line(line));
            }
            if self.read_record()? {
                continue;
            }
            if !self.options.follow || self.ended {
                return Ok(Looked::End);
            }
            if self.engine.store().is_alive(&self.id)? {
                return Ok(Looked::Later);
            }
            // One more look: it may have written between our reading and its end.
            self.ended = true;
        }
    }
}

impl Iterator for LogReader {
    type Item = Result<LogLine>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.look() {
                Ok(Looked::Line(line)) => return Some(Ok(line)),
                Ok(Looked::Later) => std::thread::sleep(PAUSE),
                Ok(Looked::End) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
