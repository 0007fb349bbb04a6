//! Containers: made from an image, started, talked to, removed.
//!
//! A container is alive exactly while its supervisor holds the lock in its directory; everything
//! that is said about it is read from there. The engine waits for no child and needs no daemon.

mod archive;
mod capabilities;
mod capture;
mod config;
mod control;
mod copy;
mod create;
mod diff;
mod exec;
mod filter;
mod list;
mod logs;
mod options;
pub mod parse;
mod patience;
mod prune;
mod remove;
mod start;
mod streams;
mod supervision;
mod trees;
mod waiting;

pub use archive::{ArchiveReader, Change, ChangeKind, Copied, PathStat};
pub use capabilities::DEFAULT_CAPABILITIES;
pub(crate) use capabilities::default_set as default_capabilities;
pub use capture::{OnOutput, Output, RunOptions};
pub use config::ContainerConfig;
pub use control::Attached;
pub use copy::{CopyOptions, CopyReport};
pub use create::CreatedContainer;
pub(crate) use create::image_config;
pub use exec::{ExecOptions, Executing};
pub use filter::ContainerFilter;
pub(crate) use list::now;
pub use list::{ContainerState, ContainerSummary, Status};
pub use logs::{LogLine, LogOptions, LogReader, Looked};
pub use minidock_proto::log::Stream;
pub use minidock_proto::process::{Limit, Resource, WindowSize};
pub use minidock_proto::record::Exit;
pub use minidock_proto::request::Protocol;
pub use options::{
    ContainerOptions, MountKind, MountOptions, NetworkMode, PublishedPort, SeccompOption,
};
pub use patience::Watched;
pub use remove::RemoveOptions;
pub use start::{Running, StartOptions};
pub(crate) use start::{network_of, own_pidfd};
pub(crate) use streams::pipes;
pub use streams::{Attach, ClientStreams};
