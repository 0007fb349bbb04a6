//! What a helper writes to its standard error: always read, and the first part kept.
//!
//! Must not grow without bound and must not block.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How much is kept, in bytes.
const KEPT: usize = 4096;

/// The reading end of a non-blocking pipe.
#[derive(Debug)]
pub(super) struct Output {
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
}

impl Output {
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self { pipe: Some(pipe), kept: Vec::new() }
    }

    /// The pipe, unless it ended.
    pub(super) fn watched(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads all that is there.
    pub(super) fn drain(&mut self) {
        let mut part = [0; KEPT];
        while let Some(pipe) = &self.pipe {
            match rustix::io::read(pipe, &mut part) {
                Ok(count) if count > 0 => {
                    let room = KEPT - self.kept.len();
                    self.kept.extend_from_slice(&part[..count.min(room)]);
                }
                Err(rustix::io::Errno::AGAIN) => return,
                Err(rustix::io::Errno::INTR) => {}
                // Its end; an error of a pipe means the same here: nothing more will come.
                Ok(_) | Err(_) => self.pipe = None,
            }
        }
    }

    /// What was kept as one line, without control characters and without pasta's complaints
    /// about a missing syslog.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        let lines = text.lines().map(str::trim);
        let lines: Vec<String> = lines
            .filter(|line| !line.is_empty() && !line.starts_with("Failed to send "))
            .map(|line| line.chars().filter(|c| !c.is_control()).collect())
            .collect();
        lines.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[test]
    fn the_start_is_kept_and_the_rest_is_read() {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let mut output = Output::new(reader);
        let text = "Failed to send 9 bytes to syslog\n No \u{1b}[31mtap\n\nsecond\n";
        rustix::io::write(&writer, text.as_bytes()).unwrap();
        output.drain();
        assert_eq!(output.text(), "No [31mtap; second");
        for _ in 0..20 {
            rustix::io::write(&writer, &[b'x'; 4096]).unwrap();
            output.drain();
        }
        assert_eq!(output.kept.len(), KEPT);
        assert!(output.watched().is_some());
        drop(writer);
        output.drain();
        assert!(output.watched().is_none());
    }
}
