//! Events: what happened to containers, images and volumes, by whichever engine or supervisor.
//!
//! Read from the store's log (`minidock_proto::event`), also while it grows. Supervisors write
//! the events of their containers, engines the rest. A supervisor that was killed cannot: the
//! engine that finds its container ended says so in its place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use minidock_proto::event::{self, DIRECTORY};
use minidock_proto::record;
use serde_json::Value;

use crate::cancel::CancelToken;
use crate::container::{ContainerConfig, Exit};
use crate::docker_json;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{ContainerId, ContainerRecord, Store};

mod follow;

pub use minidock_proto::event::{Event, Subject};

use follow::Follower;

/// How often a reader that waits looks for more.
const PAUSE: Duration = Duration::from_millis(40);
/// How often it looks for containers whose supervisor was killed.
const FOLD: Duration = Duration::from_secs(1);

/// Which events are wanted.
///
/// ```
/// use minidock::events::EventOptions;
/// let options = EventOptions { since: Some(0), until: Some(i64::MAX), ..Default::default() };
/// assert!(!options.cancel.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct EventOptions {
    /// Also those of the past from this time on, nanoseconds since 1970-01-01 UTC.
    pub since: Option<i64>,
    /// Only until this time; without it the reader goes on until it is cancelled.
    pub until: Option<i64>,
    /// Ends the iteration from another thread.
    pub cancel: CancelToken,
}

/// An iterator over events. It waits for the next one; dropping it ends nothing else.
#[derive(Debug)]
pub struct EventReader {
    engine: Engine,
    options: EventOptions,
    follower: Follower,
    folded: Option<Instant>,
}

impl Engine {
    /// Reads the events of this store.
    ///
    /// ```no_run
    /// use minidock::{Engine, EngineOptions, events::EventOptions};
    /// let engine = Engine::open(&EngineOptions::default())?;
    /// for event in engine.events(EventOptions::default())? {
    ///     let event = event?;
    ///     println!("{} {}", event.action, event.id);
    /// }
    /// # Ok::<(), minidock::Error>(())
    /// ```
    pub fn events(&self, options: EventOptions) -> Result<EventReader> {
        let directory = self.store().root().join(DIRECTORY);
        let follower = Follower::open(&directory, options.since.is_some())?;
        Ok(EventReader { engine: self.clone(), options, follower, folded: None })
    }

    /// An event in docker's shape, as its API and `docker events --format json` give it.
    #[must_use]
    pub fn event_json(&self, event: &Event) -> Value {
        docker_json::event(event)
    }

    pub(crate) fn container_event(
        &self,
        record: &ContainerRecord,
        config: &ContainerConfig,
        action: &str,
        more: &[(&str, String)],
    ) {
        let mut attributes = container_attributes(record, config);
        attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.store().event(Subject::Container, record.id.as_str(), action, attributes);
    }

    /// Where a supervisor writes events, and what they say.
    pub(crate) fn event_sink(
        &self,
        record: &ContainerRecord,
        config: &ContainerConfig,
    ) -> event::Sink {
        event::Sink {
            directory: self.store().root().join(DIRECTORY).into(),
            attributes: container_attributes(record, config),
        }
    }

    /// Writes the exit records, and the `die`, of containers whose supervisor was killed or whose
    /// host went down.
    pub(crate) fn fold_in(&self) -> Result<()> {
        for record in self.store().containers()?.containers {
            let id = &record.id;
            if self.ended_without_record(id)? {
                match self.fold_in_if_writable(&record) {
                    // Removed meanwhile, or damaged, which `check` says.
                    Err(error) if is_gone(&error) => {}
                    other => other?,
                }
            }
        }
        Ok(())
    }

    /// As [`Engine::fold_in`], for one; a store that can only be read stays as it is.
    pub(crate) fn fold_in_if_writable(&self, record: &ContainerRecord) -> Result<()> {
        match self.try_fold_in(record) {
            Err(error) if error.kind() == ErrorKind::ReadOnly => Ok(()),
            other => other,
        }
    }

    /// As [`Engine::fold_in`], for one that is started or removed next: waits for others that have
    /// its files.
    pub(crate) fn fold_in_one(&self, record: &ContainerRecord) -> Result<()> {
        while self.ended_without_record(&record.id)? {
            self.wait_for_copies(&record.id)?;
            self.try_fold_in(record)?;
        }
        Ok(())
    }

    fn ended_without_record(&self, id: &ContainerId) -> Result<bool> {
        Ok(!self.store().is_alive(id)?
            && self.store().container_state(id)?.is_some()
            && self.store().container_exit(id)?.is_none())
    }

    fn try_fold_in(&self, record: &ContainerRecord) -> Result<()> {
        let id = &record.id;
        if !self.ended_without_record(id)? {
            return Ok(());
        }
        let config = self.container_settings(id)?;
        self.store().require_write()?;
        // Of several engines one does it, and not while it is started or its files are copied. It
        // counts as ended meanwhile.
        let Some(_lock) = self.store().try_take_files(id)? else { return Ok(()) };
        let (Some(state), None) =
            (self.store().container_state(id)?, self.store().container_exit(id)?)
        else {
            return Ok(());
        };
        let started_at =
            serde_json::from_slice::<record::State>(&state).map_or(0, |state| state.started_at);
        let finished_at = crate::container::now();
        let error = Some("its supervisor was killed, or the host went down".to_owned());
        let exit = Exit { code: 137, started_at, finished_at, error, timed_out: false };
        let bytes = serde_json::to_vec(&exit)
            .map_err(|e| Error::new(ErrorKind::Io, "cannot write exit.json").with_source(e))?;
        self.store().set_container_exit(id, &bytes)?;
        let ran = finished_at.saturating_sub(started_at) / 1_000_000_000;
        let more = [("execDuration", ran.to_string()), ("exitCode", "137".to_owned())];
        self.container_event(record, &config, "die", &more);
        Ok(())
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Corrupt)
}

fn container_attributes(
    record: &ContainerRecord,
    config: &ContainerConfig,
) -> BTreeMap<String, String> {
    let mut attributes = config.labels.clone();
    attributes.insert("image".to_owned(), config.image.clone());
    attributes.insert("name".to_owned(), record.name.as_str().to_owned());
    attributes
}

impl Store {
    /// Notes what happened. It happened already: a log that cannot be written, on a full disk or
    /// in a store that can only be read, loses the event and fails nothing.
    pub(crate) fn event(
        &self,
        subject: Subject,
        id: &str,
        action: &str,
        attributes: BTreeMap<String, String>,
    ) {
        let directory: PathBuf = self.root().join(DIRECTORY);
        let (id, action) = (id.to_owned(), action.to_owned());
        let event = Event { time: crate::container::now(), subject, action, id, attributes };
        event::append(&directory, &event).ok();
    }

    /// An event of an image.
    pub(crate) fn image_event(&self, id: &str, action: &str, name: &str) {
        let attributes = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        self.event(Subject::Image, id, action, attributes);
    }

    /// An event of a volume.
    pub(crate) fn volume_event(&self, name: &str, action: &str) {
        let attributes = BTreeMap::from([("driver".to_owned(), "local".to_owned())]);
        self.event(Subject::Volume, name, action, attributes);
    }
}

impl EventReader {
    fn wanted(&self, event: &Event) -> bool {
        self.options.since.is_none_or(|since| event.time >= since)
            && self.options.until.is_none_or(|until| event.time <= until)
    }

    /// The next line that is wanted, or nothing for now.
    fn look(&mut self) -> Result<Option<Event>> {
        while let Some(event) = self.follower.next()? {
            if self.wanted(&event) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<Event>> {
        loop {
            if self.options.cancel.is_cancelled() {
                return Ok(None);
            }
            if self.folded.is_none_or(|at| at.elapsed() >= FOLD) {
                self.engine.fold_in()?;
                self.folded = Some(Instant::now());
            }
            // Before the look: what is written until then is found by it.
            let over = self.options.until.is_some_and(|until| until <= crate::container::now());
            match self.look()? {
                Some(event) => return Ok(Some(event)),
                None if over => return Ok(None),
                None => std::thread::sleep(PAUSE),
            }
        }
    }
}

impl Iterator for EventReader {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
