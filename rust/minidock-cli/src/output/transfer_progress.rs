//! Layers on their way in or out, on standard error: one bar for each on a terminal, a line for
//! each change of state elsewhere.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use minidock::Digest;
use minidock::registry::{LayerState, TransferEvent};

use super::{say, warn};

const MOVING: &str = "{prefix}: {msg:<12} {wide_bar} {decimal_bytes:>10}/{decimal_total_bytes:<10} {decimal_bytes_per_sec:>12}";
const STILL: &str = "{prefix}: {msg}";

/// Which way the layers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From a registry.
    Pull,
    /// To one.
    Push,
}

/// Shows the events of a transfer, from any thread.
pub(crate) struct TransferProgress {
    way: Way,
    quiet: bool,
    /// Without a terminal there are no bars.
    bars: Option<MultiProgress>,
    layers: Mutex<HashMap<Digest, Layer>>,
}

struct Layer {
    bar: Option<ProgressBar>,
    said: &'static str,
}

impl TransferProgress {
    pub(crate) fn new(way: Way, quiet: bool) -> Self {
        let bars = (!quiet && io::stderr().is_terminal())
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12)));
        Self { way, quiet, bars, layers: Mutex::default() }
    }

    /// Shows an event.
    pub(crate) fn tell(&self, event: TransferEvent) {
        match event {
            TransferEvent::Warning { text } => match &self.bars {
                Some(bars) => bars.suspend(|| warn(text)),
                None => warn(text),
            },
            _ if self.quiet => {}
            TransferEvent::Started { reference } => self.print(match self.way {
                Way::Pull => format!("pulling {reference}"),
                Way::Push => format!("pushing to {}", reference.repository()),
            }),
            TransferEvent::Layer { digest, size, state } => self.layer(&digest, size, state),
            _ => {}
        }
    }

    fn print(&self, line: String) {
        match &self.bars {
            // A terminal that is gone shows nothing.
            Some(bars) => drop(bars.println(super::printable(&line))),
            None => say(line),
        }
    }

    fn layer(&self, digest: &Digest, size: u64, state: LayerState) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let layer = layers.entry(*digest).or_insert_with(|| Layer::new(self.bars.as_ref(), digest));
        let words = words(self.way, state);
        match &layer.bar {
            Some(bar) => layer.show(bar, size, state, words),
            None if layer.said != words => say(format!("{}: {words}", digest.short())),
            None => {}
        }
        layer.said = words;
    }

    /// The transfer is over; the bars stay to be read.
    pub(crate) fn finish(self) {
        for layer in self.layers.into_inner().unwrap_or_else(PoisonError::into_inner).into_values()
        {
            if let Some(bar) = layer.bar {
                bar.abandon();
            }
        }
    }
}

impl Layer {
    fn new(bars: Option<&MultiProgress>, digest: &Digest) -> Self {
        let bar = bars.map(|bars| {
            let bar = bars.add(ProgressBar::no_length());
            bar.set_style(style(STILL));
            bar.set_prefix(digest.short());
            bar
        });
        Self { bar, said: "" }
    }

    fn show(&self, bar: &ProgressBar, size: u64, state: LayerState, words: &'static str) {
        if self.said != words {
            bar.set_message(words);
            bar.set_style(style(if matches!(state, LayerState::Moving { .. }) {
                MOVING
            } else {
                STILL
            }));
        }
        match state {
            LayerState::Moving { done } => {
                bar.set_length(size);
                if self.said != words {
                    // What was there before is no speed.
                    bar.reset_eta();
                }
                bar.set_position(done);
            }
            _ => bar.tick(),
        }
    }
}

fn words(way: Way, state: LayerState) -> &'static str {
    match (way, state) {
        (_, LayerState::Pending) => "waiting",
        (_, LayerState::Waiting) => "waiting for another minidock",
        (_, LayerState::Packing) => "compressing",
        (Way::Pull, LayerState::Moving { .. }) => "downloading",
        (Way::Push, LayerState::Moving { .. }) => "pushing",
        (_, LayerState::Unpacking) => "unpacking",
        (Way::Pull, LayerState::Done) => "done",
        (Way::Push, LayerState::Done) => "pushed",
        (_, LayerState::Present) => "already there",
        (_, LayerState::Mounted) => "taken over from a repository beside",
        _ => "working",
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
    fn the_templates_are_right() {
        for template in [MOVING, STILL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
