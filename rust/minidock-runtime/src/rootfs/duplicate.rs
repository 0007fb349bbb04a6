//! Copying a directory of an image into an empty volume.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use minidock_proto::Bytes;
use minidock_proto::mapping::Mapping;
use minidock_proto::request::FailureKind;
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
    let (mut words, mut say) = std::io::pipe().context(|| "make a pipe".into())?;
    let reading = process::spawn(single, || {
        let tar = File::from(OwnedFd::from(writer));
        match tree::read(source, &[Bytes::from("/")], &[], mapping, tar) {
            Ok(_) => 0,
            Err(failure) => u8::from(say.write_all(failure.message.as_bytes()).is_err()) + 1,
        }
    });
    let reading = reading.context(|| "fork".into())?;
    let unpacked = tree::unpack(File::from(OwnedFd::from(reader)), destination, None, mapping);
    drop(say);
    let mut why = String::new();
    words.read_to_string(&mut why).context(|| "learn how reading went".into())?;
    match hold::wait_for(reading)? {
        true => unpacked.map(drop),
        false => {
            Err(failure(FailureKind::System, format!("cannot read the image's directory: {why}")))
        }
    }
}
