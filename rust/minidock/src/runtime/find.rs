//! Where `minidock-runtime` is: fixed places, never `$PATH`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// Names the program for tests and unusual installations.
pub(crate) const RUNTIME_VARIABLE: &str = "MINIDOCK_RUNTIME";
/// Where a distribution's package puts it.
const PACKAGED: &str = "/usr/libexec/minidock/minidock-runtime";
const NAME: &str = "minidock-runtime";

/// The runtime program, found.
#[derive(Debug, Clone)]
pub(crate) struct Runtime {
    pub(super) path: PathBuf,
}

impl Runtime {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks for it: `explicit`, `MINIDOCK_RUNTIME`, the package's place, beside the loaded
    /// library or wheel, beside the executable. An explicit place that has none is an error.
    pub(crate) fn find(explicit: Option<&Path>) -> Result<Self> {
        if let Some(path) = explicit {
            return Self::at(path, "the option `runtime`");
        }
        if let Some(path) = std::env::var_os(RUNTIME_VARIABLE) {
            return Self::at(Path::new(&path), RUNTIME_VARIABLE);
        }
        let candidates = candidates();
        match candidates.iter().find(|path| is_program(path)) {
            Some(path) => Ok(Self { path: path.clone() }),
            None => {
                let places: Vec<_> =
                    candidates.iter().map(|path| path.display().to_string()).collect();
                Err(Error::new(
                    ErrorKind::NotFound,
                    format!("minidock-runtime was not found at {}", places.join(", ")),
                )
                .with_hint(format!("install it beside minidock, or set {RUNTIME_VARIABLE}")))
            }
        }
    }

    fn at(path: &Path, named_by: &str) -> Result<Self> {
        if !path.is_absolute() {
            let message = format!("{named_by} names {}, which is not absolute", path.display());
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        if is_program(path) {
            return Ok(Self { path: path.to_path_buf() });
        }
        let message = format!("{named_by} names {}, which is no program", path.display());
        Err(Error::new(ErrorKind::NotFound, message))
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from(PACKAGED)];
    for loaded in [own_library(), std::env::current_exe().ok()].into_iter().flatten() {
        let Some(directory) = loaded.parent() else { continue };
        for place in [
            directory.join("_bin").join(NAME),
            directory.join("../libexec/minidock").join(NAME),
            directory.join(NAME),
        ] {
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

/// The file that this code was loaded from: the wheel's extension module, the C library or the
/// executable, told by the mapping that holds one of our functions.
fn own_library() -> Option<PathBuf> {
    let here = own_library as *const () as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        let path = rest.split_once('/').map(|(_, path)| Path::new("/").join(path))?;
        (start..end).contains(&here).then_some(path)
    })
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
