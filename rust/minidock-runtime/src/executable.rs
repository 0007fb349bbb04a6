//! Executing this very program again as a supervisor, from a file that no container can write.
//!
//! A container can open `/proc/<pid>/exe` of a process that enters it (CVE-2019-5736). The
//! supervisor and all its forks therefore run from a detached read-only bind mount of the
//! program; writes through it fail with EROFS whatever the capabilities. What the supervisor
//! needs comes with it as a sealed-off description at standard input plus open descriptors.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use minidock_proto::request::{FailureKind, Run};
use minidock_sys::{mount, process};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::FdFlags;
use serde_json::{Value, json};

use crate::failure::{Context, Result, failure};

const NAME: &str = "minidock-supervisor";

/// What a supervisor starts with.
pub(crate) struct Inherited {
    pub(crate) run: Run,
    /// The descriptors of the request, in its order.
    pub(crate) fds: Vec<OwnedFd>,
    /// The engine that asked.
    pub(crate) channel: OwnedFd,
    /// The keeper on the host's side, where the network needs one.
    pub(crate) keeper: Option<OwnedFd>,
}

/// Whether this process was executed by [`become_supervisor`]: its standard input is a memfd of
/// our name. The name only tells the two ways of starting apart; it grants nothing.
pub(crate) fn is_supervisor() -> bool {
    std::fs::read_link("/proc/self/fd/0")
        .is_ok_and(|link| link.as_os_str().as_encoded_bytes().starts_with(b"/memfd:minidock-"))
}

/// Replaces this process by a supervisor; needs CAP_SYS_ADMIN over the mount namespace.
pub(crate) fn become_supervisor(
    run: &Run,
    fds: Vec<OwnedFd>,
    channel: &OwnedFd,
    keeper: Option<&OwnedFd>,
) -> Result<Infallible> {
    let program = match read_only_mount() {
        Ok(program) => program,
        // Replaced or moved since it was started (an upgrade): a sealed copy in memory.
        Err(_) => sealed_copy()?,
    };
    let numbers: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let description = json!({
        "run": run,
        "fds": numbers,
        "channel": channel.as_raw_fd(),
        "keeper": keeper.map(AsRawFd::as_raw_fd),
    });
    let mut file = File::from(
        rustix::fs::memfd_create(NAME, MemfdFlags::CLOEXEC)
            .context(|| "make a memory file".into())?,
    );
    serde_json::to_writer(&mut file, &description)
        .map_err(|e| failure(FailureKind::System, format!("cannot describe the container: {e}")))?;
    file.flush().and_then(|()| file.rewind()).context(|| "write the description".into())?;
    for fd in fds.iter().chain([channel]).chain(keeper) {
        keep_over_exec(fd.as_fd())?;
    }
    rustix::stdio::dup2_stdin(&file).context(|| "place the description".into())?;
    let short = run.id.get(..12).unwrap_or(&run.id);
    let title = CString::new(format!("minidock-runtime: supervisor of {short}"))
        .map_err(|_| failure(FailureKind::InvalidInput, "an id has a NUL byte"))?;
    process::execve_fd(&program, &[title], &[]).context(|| "execute the supervisor".into())
}

/// A detached read-only mount of this program, opened by path in this mount namespace: the
/// mount behind /proc/self/exe is of another one and cannot be cloned here.
fn read_only_mount() -> std::io::Result<OwnedFd> {
    let path = std::fs::read_link("/proc/self/exe")?;
    let file = rustix::fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let running = rustix::fs::stat("/proc/self/exe")?;
    let found = rustix::fs::fstat(&file)?;
    if (running.st_dev, running.st_ino) != (found.st_dev, found.st_ino) {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    mount::detached_read_only(&file)
}

/// A copy of this program in memory that nobody can write (memfd_create(2), sealed).
fn sealed_copy() -> Result<OwnedFd> {
    let what = || "copy the runtime into memory".to_owned();
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let copy = rustix::fs::memfd_create("minidock-program", flags).context(what)?;
    let mut file = File::from(copy);
    let mut program = File::open("/proc/self/exe").context(what)?;
    std::io::copy(&mut program, &mut file).context(what)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&file, seals).context(what)?;
    Ok(OwnedFd::from(file))
}

fn keep_over_exec(fd: BorrowedFd<'_>) -> Result<()> {
    rustix::io::fcntl_setfd(fd, FdFlags::empty()).context(|| "keep a descriptor".into())
}

/// Reads back what [`become_supervisor`] left.
pub(crate) fn inherited() -> Result<Inherited> {
    let broken = |what: &str| failure(FailureKind::System, format!("broken description: {what}"));
    let mut text = Vec::new();
    File::from(
        rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)
            .context(|| "open the description".into())?,
    )
    .read_to_end(&mut text)
    .context(|| "read the description".into())?;
    let mut value: Value = serde_json::from_slice(&text).map_err(|e| broken(&e.to_string()))?;
    let own = |value: &Value| -> Result<OwnedFd> {
        let number = value
            .as_i64()
            .and_then(|n| RawFd::try_from(n).ok())
            .filter(|n| *n > 2)
            .ok_or_else(|| broken("a descriptor"))?;
        let fd = process::adopt(number).context(|| "adopt a descriptor".into())?;
        rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)
            .context(|| "close a descriptor on exec".into())?;
        Ok(fd)
    };
    let fds = value["fds"]
        .as_array()
        .ok_or_else(|| broken("descriptors"))?
        .iter()
        .map(&own)
        .collect::<Result<Vec<_>>>()?;
    let channel = own(&value["channel"])?;
    let keeper = match &value["keeper"] {
        Value::Null => None,
        number => Some(own(number)?),
    };
    let run = serde_json::from_value(value["run"].take()).map_err(|e| broken(&e.to_string()))?;
    Ok(Inherited { run, fds, channel, keeper })
}
