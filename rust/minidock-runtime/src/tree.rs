//! Trees of layers: unpacking, scanning, exporting, copying into, reading from and removing them;
//! and the files of containers ([`archive`], [`diff`]).
//!
//! It runs single-threaded as uid 0 of the user namespace and works through descriptors beneath
//! a directory that is handed in. It mounts nothing, knows no path of the store, and never
//! follows a symbolic link of a tree outside that tree.

pub(crate) mod archive;
mod beneath;
mod copy;
mod diff;
mod export;
#[cfg(test)]
mod fixture;
mod glob;
mod model;
mod overrides;
mod owner;
mod read;
mod remove;
mod resolve;
mod scan;
mod unpack;
mod write;
mod xattr;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write as _};

use minidock_image::layer::{IndexError, LayerIndex};
use minidock_image::tar::{TarError, TarWriteError};
use minidock_proto::mapping::Mapping;
use minidock_proto::request::{Failure, FailureKind, Layer};

use crate::failure::{Context as _, Result, failure, kind_of};

pub(crate) use copy::{Destination, copy};
pub(crate) use diff::diff;
pub(crate) use export::export;
pub(crate) use overrides::Overrides;
pub(crate) use read::read;
pub(crate) use remove::remove;
pub(crate) use scan::scan;
pub(crate) use unpack::unpack;

/// Length of the buffer that contents pass through.
const BUFFER_LEN: usize = 128 * 1024;

/// Counts what the answer to the engine says about a layer.
fn summary(index: &LayerIndex, mapping: &Mapping) -> Layer {
    use minidock_image::layer::EntryKind::{BlockDevice, CharDevice, Whiteout};
    let entries = index.entries();
    let count = |wanted: &dyn Fn(&minidock_image::layer::Entry) -> bool| {
        entries.iter().filter(|entry| wanted(entry)).count() as u64
    };
    Layer {
        entries: entries.len() as u64,
        size: index.total_size(),
        flattened: count(&|entry| {
            entry.kind != Whiteout && owner::is_flattened(mapping, entry.uid, entry.gid)
        }),
        devices: count(&|entry| matches!(entry.kind, CharDevice { .. } | BlockDevice { .. })),
    }
}

/// Writes the index file; syncing it is the engine's.
fn write_index(index: &LayerIndex, file: File) -> Result<()> {
    let mut writer = index.write(BufWriter::new(file)).map_err(index_failure)?;
    writer.flush().context(|| "write the layer's index".into())
}

/// An error and its sources as one line.
fn line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn index_failure(error: IndexError) -> Failure {
    let kind = match &error {
        IndexError::Io { source } => kind_of(source),
        IndexError::Entry { .. } => FailureKind::InvalidInput,
        _ => FailureKind::Corrupt,
    };
    failure(kind, line(&error))
}

fn tar_failure(error: &TarError) -> Failure {
    let kind = match error {
        TarError::Io { source } => kind_of(source),
        _ => FailureKind::InvalidInput,
    };
    failure(kind, line(error))
}

fn tar_write_failure(error: &TarWriteError) -> Failure {
    let kind = match error {
        TarWriteError::Io { source } => kind_of(source),
        // A file of the index that is not there as a file was lost or replaced.
        TarWriteError::Content { source, .. } => match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidData => {
                FailureKind::Corrupt
            }
            _ if source.raw_os_error() == Some(libc::ELOOP) => FailureKind::Corrupt,
            _ => kind_of(source),
        },
        TarWriteError::Mismatch { .. } | TarWriteError::Order { .. } => FailureKind::Corrupt,
        _ => FailureKind::InvalidInput,
    };
    failure(kind, line(error))
}

#[cfg(test)]
mod exchange_tests;
#[cfg(test)]
mod random_tests;
