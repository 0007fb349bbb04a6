//! Programs that connect private networks to the outside.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

/// Fixed places, never `$PATH`.
const DIRECTORIES: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];
/// In the order of preference.
const NAMES: [&str; 2] = ["pasta", "slirp4netns"];
/// Longest output that is looked at.
const OUTPUT_LEN: u64 = 4096;

/// A program for private networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkHelper {
    /// `pasta` or `slirp4netns`.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What it says of its version, if it starts.
    pub version: Option<String>,
}

pub(super) fn find() -> Vec<NetworkHelper> {
    let mut found = Vec::new();
    for name in NAMES {
        let mut places = DIRECTORIES.iter().map(|directory| Path::new(directory).join(name));
        if let Some(path) = places.find(|path| path.exists()) {
            let version = version(&path);
            found.push(NetworkHelper { name, path, version });
        }
    }
    found
}

/// The first line of `--version`.
fn version(path: &Path) -> Option<String> {
    let mut child = Command::new(path)
        .arg("--version")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut text = Vec::new();
    let read = child.stdout.take().map(|out| out.take(OUTPUT_LEN).read_to_end(&mut text));
    // A host that ignores SIGCHLD or waits for all children has its status; the text is enough.
    drop(child.wait());
    read?.ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| crate::error::printable(line))
}
