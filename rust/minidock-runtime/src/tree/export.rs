//! A layer as a tar stream: what the index says, with the contents from the tree.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd as _, OwnedFd};

use minidock_image::layer::LayerIndex;
use minidock_image::tar::write_layer;
use rustix::fs::OFlags;

use super::beneath::Parents;
use super::{BUFFER_LEN, index_failure, tar_write_failure};
use crate::failure::Result;

/// Writes the layer's tar in the frozen format. A file whose content is not what the index
/// says fails as damaged, by name; what was written until then must be thrown away.
pub(crate) fn export(tree: OwnedFd, index: File, tar: impl Write) -> Result<()> {
    let index = LayerIndex::read(index).map_err(index_failure)?;
    let mut parents = Parents::new(tree);
    let open = |entry: &minidock_image::layer::Entry| open_file(&mut parents, &entry.path);
    let buffered = BufWriter::with_capacity(BUFFER_LEN, tar);
    write_layer(&index, buffered, open).map_err(|error| tar_write_failure(&error))?;
    Ok(())
}

/// Opens a regular file for reading; anything else in its place is damage.
fn open_file(parents: &mut Parents, path: &minidock_image::layer::EntryPath) -> io::Result<File> {
    let parent = parents.open(&path.parent().unwrap_or_default())?;
    let name = path.file_name().unwrap_or_default();
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(super::beneath::open_name(parent.as_fd(), name, flags)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
