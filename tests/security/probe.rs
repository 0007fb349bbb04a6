//! The probe: a static C program that runs inside containers. Compiled once for all tests, by the
//! C compiler of the host; nothing is left on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use minidock_tests::Call;

const SOURCES: &[(&str, &str)] = &[
    ("denied.c", include_str!("probe/denied.c")),
    ("facts.c", include_str!("probe/facts.c")),
    ("handles.c", include_str!("probe/handles.c")),
    ("keys.c", include_str!("probe/keys.c")),
    ("main.c", include_str!("probe/main.c")),
    ("net.c", include_str!("probe/net.c")),
    ("rewrite.c", include_str!("probe/rewrite.c")),
    ("swap.c", include_str!("probe/swap.c")),
    ("walk.c", include_str!("probe/walk.c")),
];

/// The compiled program.
pub(crate) fn bytes() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(compile)
}

/// The program as a file of this host, in `dir`.
pub(crate) fn install(dir: &Path) -> PathBuf {
    let path = dir.join("probe");
    fs::write(&path, bytes()).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    path
}

fn compile() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in SOURCES {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let flags = ["-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o", "probe"];
    let names = SOURCES.iter().map(|(name, _)| *name);
    Call::new("cc").args(flags).args(names).dir(dir.path()).run().succeeds();
    fs::read(dir.path().join("probe")).unwrap()
}
