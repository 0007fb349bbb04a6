//! The state of containers: read from their directories, true without a daemon.

use std::time::{SystemTime, UNIX_EPOCH};

use minidock_image::digest::Digest;
use minidock_proto::record::{Exit, State};
use serde::Serialize;

use super::config::ContainerConfig;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{ContainerId, ContainerRecord};

/// docker's words for the state of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Made, never started.
    Created,
    /// Its supervisor lives.
    Running,
    /// It ended.
    Exited,
}

/// What is known of a container's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerState {
    /// The word for it.
    pub status: Status,
    /// When it started last, nanoseconds since 1970-01-01 UTC.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Its exit status; 137 for one whose supervisor was killed or whose host went down.
    pub exit_code: Option<i32>,
    /// What kept it from starting.
    pub error: Option<String>,
}

/// A container for `ps`.
#[derive(Debug, Clone)]
pub struct ContainerSummary {
    /// What the store knows.
    pub record: ContainerRecord,
    /// Its settings.
    pub config: ContainerConfig,
    /// Its state.
    pub state: ContainerState,
}

impl ContainerSummary {
    /// It was started, or was to be, and does not run any more.
    fn has_ended(&self) -> bool {
        match self.state.status {
            Status::Exited => true,
            Status::Created => self.config.started_at_once,
            Status::Running => false,
        }
    }
}

/// Nanoseconds since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or_default()
}

impl Engine {
    /// All containers, the newest first. One that is removed meanwhile is left out.
    pub fn containers(&self) -> Result<Vec<ContainerSummary>> {
        let mut summaries = Vec::new();
        for record in self.store().containers()?.containers {
            match self.summary(record) {
                // Its supervisor was killed before it could remove it.
                Ok(summary) if summary.config.auto_remove && summary.has_ended() => {
                    self.remove_ended(&summary.record.id)?;
                }
                Ok(summary) => summaries.push(summary),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(summaries)
    }

    /// One container.
    pub fn container(&self, id: &ContainerId) -> Result<ContainerSummary> {
        self.summary(self.store().container(id)?)
    }

    /// Finds a container by name, id or the start of an id.
    pub fn find_container(&self, query: &str) -> Result<ContainerId> {
        self.store().find_container(query)
    }

    /// The image a container was made from, if it is still there.
    pub fn image_of_container(&self, record: &ContainerRecord) -> Option<Digest> {
        record.image.filter(|id| self.store().image(id).is_ok())
    }

    fn summary(&self, record: ContainerRecord) -> Result<ContainerSummary> {
        let config = self.container_settings(&record.id)?;
        let mut state = self.container_state(&record.id)?;
        if state.status == Status::Exited && state.finished_at.is_none() {
            self.fold_in_if_writable(&record)?;
            state = self.container_state(&record.id)?;
        }
        Ok(ContainerSummary { record, config, state })
    }

    /// The state of a container.
    pub fn container_state(&self, id: &ContainerId) -> Result<ContainerState> {
        let alive = self.store().is_alive(id)?;
        let started = self.parsed::<State>(self.store().container_state(id)?);
        let exit = self.parsed::<Exit>(self.store().container_exit(id)?);
        let started_at = started.map(|state| state.started_at);
        // Its supervisor clears up, and lets go in a moment.
        let ended = exit.as_ref().is_some_and(|exit| Some(exit.started_at) == started_at);
        Ok(match (alive && !ended, exit) {
            (true, _) => ContainerState {
                status: Status::Running,
                started_at,
                finished_at: None,
                exit_code: None,
                error: None,
            },
            (false, Some(exit)) => ContainerState {
                status: if exit.started_at == 0 { Status::Created } else { Status::Exited },
                started_at: Some(exit.started_at).filter(|at| *at != 0),
                finished_at: Some(exit.finished_at),
                exit_code: Some(exit.code),
                error: exit.error,
            },
            (false, None) if started_at.is_some() => ContainerState {
                status: Status::Exited,
                started_at,
                finished_at: None,
                exit_code: Some(137),
                error: Some("its supervisor was killed, or the host went down".to_owned()),
            },
            (false, None) => ContainerState {
                status: Status::Created,
                started_at: None,
                finished_at: None,
                exit_code: None,
                error: None,
            },
        })
    }

    /// How a container that does not run ended.
    pub(crate) fn exit_record(&self, id: &ContainerId) -> Result<Exit> {
        let state = self.container_state(id)?;
        Ok(Exit {
            code: state.exit_code.unwrap_or(0),
            started_at: state.started_at.unwrap_or(0),
            finished_at: state.finished_at.unwrap_or(0),
            error: state.error,
            timed_out: false,
        })
    }

    /// Parses a record; a torn one (power loss) counts as absent.
    fn parsed<T: serde::de::DeserializeOwned>(&self, bytes: Option<Vec<u8>>) -> Option<T> {
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())
    }

    /// The pid of the container's first process as this process sees it; 0 when it does not run.
    pub fn container_pid(&self, id: &ContainerId) -> Result<i32> {
        let Some(control) = self.control(id)? else { return Ok(0) };
        let supervisor = control.supervisor_pid()?.as_raw_nonzero();
        let path = format!("/proc/{supervisor}/task/{supervisor}/children");
        let children = std::fs::read_to_string(&path)
            .map_err(|error| Error::at("read", std::path::Path::new(&path), error))?;
        // Init of the container is the child that is pid 1 of a namespace of its own.
        let init = children.split_whitespace().find(|child| {
            std::fs::read_to_string(format!("/proc/{child}/status")).is_ok_and(|status| {
                status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
            })
        });
        Ok(init.and_then(|pid| pid.parse().ok()).unwrap_or(0))
    }
}
