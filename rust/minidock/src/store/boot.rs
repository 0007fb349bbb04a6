//! Owns the boot id: what was not flushed before it changed is not trusted.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// random(4): a random id made at every start of the kernel.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The id of the running boot.
pub(crate) fn current() -> Result<String> {
    let text = std::fs::read_to_string(BOOT_ID)
        .map_err(|e| Error::at("read", Path::new(BOOT_ID), e).with_hint("mount /proc"))?;
    match text.trim() {
        "" => Err(Error::new(ErrorKind::HostUnsupported, format!("{BOOT_ID} is empty"))),
        id => Ok(id.to_owned()),
    }
}
