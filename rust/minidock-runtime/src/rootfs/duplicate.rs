//! Copying a directory of an image into an empty volume.

use std::fs::File;
use std::os::fd::OwnedFd;

use minidock_proto::Bytes;
use minidock_proto::mapping::Mapping;
use minidock_sys::process::{self, SingleThreaded};

use crate::failure::{Context, Result, failure};
use crate::{hold, tree};

/// Copies what is in `source` into `destination`, which is empty: one process writes a tar
/// stream, this one unpacks it, with the same care as a layer.
pub(crate) fn duplicate(
    single: SingleThreaded,
    source: OwnedFd,
    destination: OwnedFd,
    mapping: &Mapping,
) -> Result<()> {
    let (reader, writer) = std::io::pipe().context(|| "make a pipe".into())?;
    let reading = process::spawn(single, || {
        let tar = File::from(OwnedFd::from(writer));
        u8::from(tree::read(source, &[Bytes::from("/")], &[], mapping, tar).is_err())
    });
    let reading = reading.context(|| "fork".into())?;
    let unpacked = tree::unpack(File::from(OwnedFd::from(reader)), destination, None, mapping);
    let read = hold::wait_for(reading)?;
    unpacked?;
    if read {
        return Ok(());
    }
    Err(failure(
        minidock_proto::request::FailureKind::System,
        "the image's directory cannot be read",
    ))
}
