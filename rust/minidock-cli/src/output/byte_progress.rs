//! How much of a stream was read, on a terminal.

use std::io::{self, IsTerminal, Read};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A stream that shows how far it is read.
pub(crate) struct ByteProgress<R> {
    inner: R,
    bar: ProgressBar,
}

impl<R: Read> ByteProgress<R> {
    /// Shows nothing when `quiet`, or where standard error is no terminal.
    pub(crate) fn new(inner: R, doing: &'static str, length: Option<u64>, quiet: bool) -> Self {
        let target = match quiet || !io::stderr().is_terminal() {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr_with_hz(10),
        };
        let template = match length {
            Some(_) => "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes}",
            None => "{msg} {decimal_bytes} {decimal_bytes_per_sec}",
        };
        let bar = ProgressBar::with_draw_target(length, target).with_message(doing);
        // The templates above are right; a plain bar stands in for a wrong one.
        let bar = match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        Self { inner, bar }
    }
}

impl<R: Read> Read for ByteProgress<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.bar.inc(length as u64);
        Ok(length)
    }
}

impl<R> Drop for ByteProgress<R> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
