//! Working directory and program: found inside the container, errors as a shell tells them.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use minidock_proto::Bytes;
use minidock_proto::request::{Failure, FailureKind};
use minidock_sys::process;
use rustix::fs::{Access, AtFlags, CWD, FileType};
use rustix::io::Errno;

use crate::failure::{Result, failure};

/// A program that was found, and its arguments.
pub(crate) struct Command {
    path: CString,
    args: Vec<CString>,
    shown: String,
}

/// Changes to the working directory and makes sure that it lies inside the container.
pub(crate) fn enter_directory(path: &Path) -> Result<()> {
    let wrong = |why: &str| {
        failure(
            FailureKind::InvalidInput,
            format!("cannot use {} as the working directory: {why}", path.display()),
        )
    };
    rustix::process::chdir(path)
        .map_err(|error| wrong(&std::io::Error::from(error).to_string()))?;
    // A directory that was left open from outside shows as unreachable (CVE-2024-21626).
    match rustix::process::getcwd(Vec::new()) {
        Ok(name) if name.as_bytes().starts_with(b"/") => Ok(()),
        _ => Err(wrong("it lies outside the container")),
    }
}

/// Looks the program up, without a slash in the container's PATH.
pub(crate) fn resolve(args: &[Bytes], environment: &[Bytes], cwd: &Path) -> Result<Command> {
    let Some(program) = args.first().filter(|program| !program.0.is_empty()) else {
        return Err(failure(FailureKind::InvalidInput, "no command is given"));
    };
    let shown = String::from_utf8_lossy(&program.0).into_owned();
    let path = if program.0.contains(&b'/') {
        cwd.join(program.as_path())
    } else {
        search(program, environment).ok_or_else(|| not_found(&shown))?
    };
    Ok(Command {
        path: c_string(path.as_os_str().as_bytes())?,
        args: args.iter().map(|arg| c_string(&arg.0)).collect::<Result<_>>()?,
        shown,
    })
}

fn search(program: &Bytes, environment: &[Bytes]) -> Option<PathBuf> {
    let path = environment.iter().find_map(|entry| entry.0.strip_prefix(b"PATH="))?;
    let mut candidates = path.split(|byte| *byte == b':').map(|directory| {
        let directory = if directory.is_empty() { b"." } else { directory };
        Path::new(OsStr::from_bytes(directory)).join(program.as_path())
    });
    let mut refused = None;
    let found = candidates.find(|candidate| {
        let Ok(stat) = rustix::fs::stat(candidate) else { return false };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return false;
        }
        let allowed =
            rustix::fs::accessat(CWD, candidate, Access::EXEC_OK, AtFlags::EACCESS).is_ok();
        if !allowed && refused.is_none() {
            refused = Some(candidate.clone());
        }
        allowed
    });
    found.or(refused)
}

fn not_found(shown: &str) -> Failure {
    failure(
        FailureKind::CommandNotFound,
        format!("exec: {shown:?}: executable file not found in $PATH of the container"),
    )
}

fn c_string(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| {
        let shown = String::from_utf8_lossy(bytes).into_owned();
        failure(FailureKind::InvalidInput, format!("{shown:?} has a NUL byte"))
    })
}

impl Command {
    /// Becomes the program.
    pub(crate) fn execute(&self, environment: &[Bytes]) -> Result<Infallible> {
        let environment =
            environment.iter().map(|entry| c_string(&entry.0)).collect::<Result<Vec<_>>>()?;
        process::execve(&self.path, &self.args, &environment).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        let shown = &self.shown;
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::NOTDIR) if self.exists() => failure(
                FailureKind::CommandNotFound,
                format!("exec: {shown:?}: its interpreter or loader is not in the container"),
            ),
            Some(Errno::NOENT | Errno::NOTDIR) => failure(
                FailureKind::CommandNotFound,
                format!("exec: {shown:?}: no such file or directory in the container"),
            ),
            Some(Errno::NOEXEC) => failure(
                FailureKind::CommandNotExecutable,
                format!("exec: {shown:?}: not a program of this machine, or a script without #!"),
            ),
            _ => failure(FailureKind::CommandNotExecutable, format!("exec: {shown:?}: {error}")),
        }
    }

    fn exists(&self) -> bool {
        rustix::fs::stat(self.path.as_c_str()).is_ok()
    }
}
