//! What a build tells while it runs.

use std::time::Duration;

use minidock_image::digest::Digest;
use minidock_image::reference::Reference;
pub use minidock_proto::log::Stream;

use crate::registry::TransferEvent;

/// Something happened. Events of one step come in order, between its start and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildEvent {
    /// A stage begins.
    StageStarted {
        /// Its number in the Dockerfile, from 0.
        index: usize,
        /// `AS name`.
        name: Option<String>,
        /// What it begins with, variables put in.
        base: String,
    },
    /// An image that the Dockerfile names is being pulled.
    Transfer(TransferEvent),
    /// A step begins.
    StepStarted {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        total: usize,
        /// The stage: its name, else its number.
        stage: String,
        /// The instruction on one line.
        text: String,
    },
    /// The step's layer was there already.
    Cached {
        /// The step.
        number: usize,
    },
    /// A command wrote something.
    Output {
        /// The step.
        number: usize,
        /// Where to.
        stream: Stream,
        /// What, as it came.
        bytes: Vec<u8>,
    },
    /// A step ended well.
    StepDone {
        /// The step.
        number: usize,
        /// How long it took.
        elapsed: Duration,
    },
    /// Something works but is hardly meant.
    Warning {
        /// What and where, one line.
        text: String,
    },
    /// The image is there.
    Finished {
        /// Its id.
        id: Digest,
        /// The names it was given.
        references: Vec<Reference>,
        /// Every step that makes a layer was remembered, and there was one.
        all_cached: bool,
    },
}
