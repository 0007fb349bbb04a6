//! What users write for mounts, ports, limits, sizes and variables, in docker's notations.
//!
//! Text in, options out: nothing of the store or of a container is looked at. What docker knows
//! and minidock does not offer is refused by name, never dropped.
//!
//! ```
//! use minidock::container::parse;
//! assert_eq!(parse::size("64m")?, 64 << 20);
//! assert_eq!(parse::ports("8080:80/tcp")?[0].host, 8080);
//! # Ok::<(), minidock::Error>(())
//! ```

mod csv;
mod env;
mod label;
mod limit;
mod mount;
mod network;
mod port;
mod security;
mod size;
mod tmpfs;
mod volume;

pub use env::{env_file, env_variable};
pub use label::{label, label_file};
pub use limit::limit;
pub use mount::mount;
pub use network::network;
pub use port::{exposed, ports};
pub use security::{SecurityOption, security_option};
pub use size::size;
pub use tmpfs::tmpfs;
pub use volume::volume;

use crate::error::{Error, ErrorKind, quoted};

/// `what` is wrong with the value of `flag`.
fn wrong(flag: &str, text: &[u8], what: impl AsRef<str>) -> Error {
    let shown = String::from_utf8_lossy(text);
    let message = format!("{flag} {}: {}", quoted(&shown), what.as_ref());
    Error::new(ErrorKind::InvalidInput, message)
}

/// Bytes that have to be text.
fn text<'a>(flag: &str, bytes: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|_| wrong(flag, bytes, "it is not UTF-8"))
}

/// The parts before and after the first `separator`.
fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}
