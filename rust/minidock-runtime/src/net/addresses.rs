//! What the kernel tells of the network namespace that this process is in.
//!
//! Reads `/proc/self/net`; must not change anything.

use crate::failure::{Context, Result};

/// A table of `/proc/self/net`; empty where the kernel lacks that protocol.
pub(super) fn table(name: &str) -> Result<String> {
    let path = format!("/proc/self/net/{name}");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.context(|| format!("read {path}")),
    }
}
