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

use minidock_proto::Bytes;
use minidock_proto::request::{FailureKind, NetworkSource};
use minidock_sys::{mount, process};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::FdFlags;
use serde::{Deserialize, Serialize};

use crate::failure::{Context, Result, failure};

const NAME: &str = "minidock-supervisor";

/// What a supervisor starts with.
pub(crate) struct Waiting {
    /// The shared user namespace.
    pub(crate) userns: OwnedFd,
    /// Tells its holder that it is in use.
    pub(crate) hold: OwnedFd,
    /// A pidfd of the engine that asked.
    pub(crate) engine: OwnedFd,
    /// The connection to that engine.
    pub(crate) channel: OwnedFd,
    /// The keeper on the host's side, where the network needs one.
    pub(crate) keeper: Option<OwnedFd>,
    /// Where it mounts what it needs.
    pub(crate) mount_point: Bytes,
    /// Where the network namespace comes from.
    pub(crate) network: NetworkSource,
}

/// [`Waiting`] by the numbers of its descriptors.
#[derive(Serialize, Deserialize)]
struct Description {
    userns: RawFd,
    hold: RawFd,
    engine: RawFd,
    channel: RawFd,
    keeper: Option<RawFd>,
    mount_point: Bytes,
    network: NetworkSource,
}

/// Whether this process was executed by [`become_supervisor`]: its standard input is a memfd of
/// our name. The name only tells the two ways of starting apart; it grants nothing.
pub(crate) fn is_supervisor() -> bool {
    std::fs::read_link("/proc/self/fd/0")
        .is_ok_and(|link| link.as_os_str().as_encoded_bytes().starts_with(b"/memfd:minidock-"))
}

/// Replaces this process by a supervisor; needs CAP_SYS_ADMIN over the mount namespace.
pub(crate) fn become_supervisor(id: &str, waiting: &Waiting) -> Result<Infallible> {
    let program = match read_only_mount() {
        Ok(program) => program,
        // Replaced or moved since it was started (an upgrade): a sealed copy in memory.
        Err(_) => sealed_copy()?,
    };
    let kept = |fd: &OwnedFd| keep_over_exec(fd.as_fd()).map(|()| fd.as_raw_fd());
    let description = Description {
        userns: kept(&waiting.userns)?,
        hold: kept(&waiting.hold)?,
        engine: kept(&waiting.engine)?,
        channel: kept(&waiting.channel)?,
        keeper: waiting.keeper.as_ref().map(kept).transpose()?,
        mount_point: waiting.mount_point.clone(),
        network: waiting.network,
    };
    let text = serde_json::to_vec(&description).map_err(|e| {
        failure(FailureKind::System, format!("cannot describe the supervisor: {e}"))
    })?;
    let mut file = File::from(
        rustix::fs::memfd_create(NAME, MemfdFlags::CLOEXEC)
            .context(|| "make a memory file".into())?,
    );
    file.write_all(&text)
        .and_then(|()| file.rewind())
        .context(|| "write the description".into())?;
    rustix::stdio::dup2_stdin(&file).context(|| "place the description".into())?;
    let short = id.get(..12).unwrap_or(id);
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
pub(crate) fn inherited() -> Result<Waiting> {
    let broken = |what: &str| failure(FailureKind::System, format!("broken description: {what}"));
    let mut text = Vec::new();
    File::from(
        rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)
            .context(|| "open the description".into())?,
    )
    .read_to_end(&mut text)
    .context(|| "read the description".into())?;
    let description: Description =
        serde_json::from_slice(&text).map_err(|e| broken(&e.to_string()))?;
    let own = |number: RawFd| -> Result<OwnedFd> {
        let fd = process::adopt(number).context(|| "adopt a descriptor".into())?;
        rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)
            .context(|| "close a descriptor on exec".into())?;
        Ok(fd)
    };
    Ok(Waiting {
        userns: own(description.userns)?,
        hold: own(description.hold)?,
        engine: own(description.engine)?,
        channel: own(description.channel)?,
        keeper: description.keeper.map(own).transpose()?,
        mount_point: description.mount_point,
        network: description.network,
    })
}
