//! What a build does, on standard error: a list that updates itself on a terminal, lines in the
//! manner of BuildKit's plain progress elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use minidock::build::BuildEvent;

use super::{printable, say, warn};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// tty on a terminal, else plain
    Auto,
    /// One line for everything that happens
    Plain,
    /// A list that updates itself
    Tty,
    /// Nothing
    Quiet,
}

/// Shows the events of a build.
pub(crate) enum BuildProgress {
    Quiet,
    Plain(Plain),
    Tty(Box<Tty>),
}

impl BuildProgress {
    pub(crate) fn new(kind: ProgressKind) -> Self {
        let terminal = io::stderr().is_terminal();
        match kind {
            ProgressKind::Quiet => Self::Quiet,
            ProgressKind::Auto if terminal => Self::Tty(Box::new(Tty::new())),
            // A list cannot update itself in a file.
            ProgressKind::Tty if terminal => Self::Tty(Box::new(Tty::new())),
            _ => Self::Plain(Plain::default()),
        }
    }

    /// Shows an event.
    pub(crate) fn tell(&mut self, event: BuildEvent) {
        match self {
            Self::Quiet => {}
            Self::Plain(plain) => plain.tell(event),
            Self::Tty(tty) => tty.tell(event),
        }
    }

    /// The build is over; a failure leaves the last output of its step to be read.
    pub(crate) fn finish(self, well: bool) {
        match self {
            Self::Tty(tty) => tty.finish(well),
            Self::Plain(plain) => plain.finish(),
            Self::Quiet => {}
        }
    }
}

/// `[2/6]`, or `[base 2/6]` in a build of several stages.
fn place(stage: &str, number: usize, total: usize) -> String {
    match stage.parse::<usize>() {
        Ok(0) => format!("[{number}/{total}]"),
        Ok(index) => format!("[stage-{index} {number}/{total}]"),
        Err(_) => format!("[{stage} {number}/{total}]"),
    }
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1}s", elapsed.as_secs_f64())
}

/// Cuts output into lines. A carriage return begins a line anew, as on a terminal.
#[derive(Default)]
struct Lines(Vec<u8>);

/// A line longer than this is cut in pieces.
const LONGEST: usize = 8 << 10;

impl Lines {
    fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&str)) {
        for byte in bytes {
            match byte {
                b'\n' => self.end(&mut each),
                byte => self.0.push(*byte),
            }
            if self.0.len() >= LONGEST {
                self.end(&mut each);
            }
        }
    }

    fn end(&mut self, each: &mut impl FnMut(&str)) {
        let line = std::mem::take(&mut self.0);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let visible = line.rsplit(|b| *b == b'\r').next().unwrap_or_default();
        each(&String::from_utf8_lossy(visible).replace('\t', "    "));
    }

    fn flush(&mut self, mut each: impl FnMut(&str)) {
        if !self.0.is_empty() {
            self.end(&mut each);
        }
    }
}

/// Lines, as `#3 [2/6] RUN make`, `#3 0.412 output`, `#3 DONE 0.5s`. Steps may run side by side.
#[derive(Default)]
pub(crate) struct Plain {
    steps: BTreeMap<usize, PlainStep>,
}

struct PlainStep {
    started: Instant,
    lines: Lines,
    cached: bool,
}

impl Plain {
    fn tell(&mut self, event: BuildEvent) {
        match event {
            BuildEvent::StepStarted { number, total, stage, text } => {
                say(format!("#{number} {} {}", place(&stage, number, total), printable(&text)));
                let started = Instant::now();
                self.steps
                    .insert(number, PlainStep { started, lines: Lines::default(), cached: false });
            }
            BuildEvent::Cached { number } => {
                if let Some(step) = self.steps.get_mut(&number) {
                    step.cached = true;
                }
                say(format!("#{number} CACHED\n"));
            }
            BuildEvent::Output { number, bytes, .. } => {
                let Some(step) = self.steps.get_mut(&number) else { return };
                let since = step.started.elapsed();
                step.lines.push(&bytes, |line| say(timed(number, since, line)));
            }
            BuildEvent::StepDone { number, elapsed } => {
                let Some(step) = self.steps.remove(&number) else { return };
                if !step.end(number) {
                    say(format!("#{number} DONE {}\n", seconds(elapsed)));
                }
            }
            BuildEvent::Warning { text } => warn(text),
            BuildEvent::Finished { id, references, all_cached } => {
                finished(&id.to_string(), &references, all_cached).iter().for_each(say);
            }
            // A stage shows in its steps.
            _ => {}
        }
    }

    fn finish(self) {
        for (number, step) in self.steps {
            if !step.end(number) {
                say(format!("#{number} ENDED"));
            }
        }
    }
}

impl PlainStep {
    /// The rest of its output; whether it was cached.
    fn end(mut self, number: usize) -> bool {
        let since = self.started.elapsed();
        self.lines.flush(|line| say(timed(number, since, line)));
        self.cached
    }
}

fn timed(number: usize, since: Duration, line: &str) -> String {
    format!("#{number} {:.3} {}", since.as_secs_f64(), printable(line))
}

fn finished(id: &str, references: &[minidock::Reference], all_cached: bool) -> Vec<String> {
    let cached = all_cached.then(|| "every step was cached".to_owned());
    let names = references.iter().map(|name| format!("named {}", name.familiar()));
    cached.into_iter().chain([format!("image {id}")]).chain(names).collect()
}

/// Lines of output below a step that runs.
const SHOWN: usize = 6;
/// Lines of output that a failure leaves.
const KEPT: usize = 40;

/// A list that updates itself.
pub(crate) struct Tty {
    bars: MultiProgress,
    steps: BTreeMap<usize, Step>,
    began: Instant,
}

struct Step {
    title: String,
    bar: ProgressBar,
    output: Vec<ProgressBar>,
    lines: Lines,
    kept: VecDeque<String>,
    cached: bool,
}

impl Tty {
    fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(12);
        Self {
            bars: MultiProgress::with_draw_target(target),
            steps: BTreeMap::new(),
            began: Instant::now(),
        }
    }

    fn tell(&mut self, event: BuildEvent) {
        match event {
            BuildEvent::StepStarted { number, total, stage, text } => {
                let title = format!("{} {}", place(&stage, number, total), printable(&text));
                self.steps.insert(number, Step::new(&self.bars, title));
            }
            BuildEvent::Cached { number } => {
                if let Some(step) = self.steps.get_mut(&number) {
                    step.cached = true;
                }
            }
            BuildEvent::Output { number, bytes, .. } => {
                if let Some(step) = self.steps.get_mut(&number) {
                    step.output(&self.bars, &bytes);
                }
            }
            BuildEvent::StepDone { number, elapsed } => {
                if let Some(step) = self.steps.remove(&number) {
                    let result = if step.cached { "CACHED".to_owned() } else { seconds(elapsed) };
                    let title = step.close();
                    self.print(&format!(" => {title} {result}"));
                }
            }
            BuildEvent::Warning { text } => self.print(&format!("warning: {}", printable(&text))),
            BuildEvent::Finished { id, references, all_cached } => {
                let lines = finished(&id.to_string(), &references, all_cached);
                lines.iter().for_each(|line| self.print(&printable(line)));
            }
            // A stage shows in its steps.
            _ => {}
        }
    }

    fn print(&self, line: &str) {
        // A terminal that is gone shows nothing.
        drop(self.bars.println(line));
    }

    fn finish(mut self, well: bool) {
        for (_, mut step) in std::mem::take(&mut self.steps) {
            step.flush(&self.bars);
            let kept = std::mem::take(&mut step.kept);
            let title = step.close();
            self.print(&format!(" => {title} ENDED"));
            kept.iter().for_each(|line| self.print(&format!("    {line}")));
        }
        if well {
            self.print(&format!("built in {}", seconds(self.began.elapsed())));
        }
    }
}

impl Step {
    fn new(bars: &MultiProgress, title: String) -> Self {
        let bar = bars.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {wide_msg} {elapsed:>5}"));
        bar.set_message(title.clone());
        bar.enable_steady_tick(Duration::from_millis(100));
        let (lines, kept) = (Lines::default(), VecDeque::new());
        Self { title, bar, output: Vec::new(), lines, kept, cached: false }
    }

    fn output(&mut self, bars: &MultiProgress, bytes: &[u8]) {
        let mut new = Vec::new();
        self.lines.push(bytes, |line| new.push(printable(line)));
        new.into_iter().for_each(|line| self.show(bars, line));
    }

    fn flush(&mut self, bars: &MultiProgress) {
        let mut rest = Vec::new();
        self.lines.flush(|line| rest.push(printable(line)));
        rest.into_iter().for_each(|line| self.show(bars, line));
    }

    /// Shows a line of output below the step: the last few are there.
    fn show(&mut self, bars: &MultiProgress, line: String) {
        self.kept.push_back(line);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        if self.output.len() < SHOWN {
            let after = self.output.last().unwrap_or(&self.bar);
            let bar = bars.insert_after(after, ProgressBar::new_spinner());
            bar.set_style(style("    {wide_msg:.dim}"));
            self.output.push(bar);
        }
        let first = self.kept.len().saturating_sub(self.output.len());
        for (bar, line) in self.output.iter().zip(self.kept.iter().skip(first)) {
            bar.set_message(line.clone());
        }
    }

    /// Takes it off the list; gives its title.
    fn close(self) -> String {
        self.output.iter().for_each(ProgressBar::finish_and_clear);
        self.bar.finish_and_clear();
        self.title
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates here are right; a plain spinner stands in for a wrong one.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(place("0", 1, 6), "[1/6]");
        assert_eq!(place("1", 2, 6), "[stage-1 2/6]");
        assert_eq!(place("base", 2, 6), "[base 2/6]");
    }

    #[test]
    fn output_is_cut_into_lines() {
        let mut lines = Lines::default();
        let mut got = Vec::new();
        lines.push(b"a\nb 10%\rb 90%\nc\r\npar", |line| got.push(line.to_owned()));
        lines.push(b"t", |line| got.push(line.to_owned()));
        lines.flush(|line| got.push(line.to_owned()));
        assert_eq!(got, ["a", "b 90%", "c", "part"]);
    }

    #[test]
    fn the_templates_are_right() {
        for template in ["{spinner} {wide_msg} {elapsed:>5}", "    {wide_msg:.dim}"] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
