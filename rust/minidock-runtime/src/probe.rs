//! `probe`: tries what a container will need and tells what this host refuses.

use std::os::fd::OwnedFd;
use std::path::Path;

use minidock_proto::request::{Answer, Probe, Probed, Rootfs, Upper};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, SingleThreaded};
use minidock_sys::seccomp::{self, LoadFlags, Program};
use rustix::fs::{Mode, OFlags};
use rustix::mount::MountFlags;

use crate::failure::{Context, Result};
use crate::rootfs::{overlay, scratch};
use crate::spawned::Spawned;
use crate::{hold, join};

/// Tries everything, each in a process of its own.
pub(crate) fn serve(probe: Probe, mut spawned: Spawned) -> Result<Answer> {
    let single = spawned.single;
    let tun = refusal(open_tun());
    let _joined = join::enter_with(single, &mut spawned.fds, probe.join)?;
    let base = probe.directory.as_path();
    Ok(Answer::Probed(Probed {
        overlay: attempt(single, || try_overlay(single, base))?,
        procfs: attempt(single, || try_procfs(single))?,
        network: attempt(single, || {
            namespace::unshare(single, Kinds::NET).context(|| "make a network namespace".into())?;
            namespace::loopback_up().context(|| "set loopback up".into())
        })?,
        tun,
        seccomp: attempt(single, try_seccomp)?,
    }))
}

fn refusal<T>(result: Result<T>) -> Option<String> {
    result.err().map(|failure| failure.message)
}

/// Runs the attempt in a fork; the words of its failure come back through a pipe.
fn attempt(single: SingleThreaded, body: impl FnOnce() -> Result<()>) -> Result<Option<String>> {
    use std::io::{Read, Write};
    let (mut reader, mut writer) = std::io::pipe().context(|| "make a pipe".into())?;
    let pid = process::spawn(single, || match body() {
        Ok(()) => 0,
        Err(failure) => u8::from(writer.write_all(failure.message.as_bytes()).is_err()) + 1,
    })
    .context(|| "fork".into())?;
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).context(|| "read what was found".into())?;
    let worked = hold::wait_for(pid)?;
    Ok((!worked).then(|| if text.is_empty() { "killed by the kernel".to_owned() } else { text }))
}

fn open_tun() -> Result<OwnedFd> {
    rustix::fs::open("/dev/net/tun", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .context(|| "open /dev/net/tun".into())
}

fn try_overlay(single: SingleThreaded, base: &Path) -> Result<()> {
    namespace::unshare(single, Kinds::MOUNT).context(|| "make a mount namespace".into())?;
    for name in ["lower", "upper", "work"] {
        let path = base.join(name);
        std::fs::create_dir_all(&path).context(|| format!("make {}", path.display()))?;
    }
    let scratch = scratch::mount(&base.join("mnt"))?;
    let rootfs = Rootfs {
        lowers: vec![base.join("lower").into()],
        upper: Some(Upper {
            directory: base.join("upper").into(),
            work: base.join("work").into(),
            volatile: true,
        }),
        read_only: false,
    };
    overlay::mount(&rootfs, &scratch, &scratch.rootfs, "")
}

fn try_procfs(single: SingleThreaded) -> Result<()> {
    namespace::unshare(single, Kinds::MOUNT.and(Kinds::PID))
        .context(|| "make a pid namespace".into())?;
    let pid = process::spawn(single, || {
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        u8::from(rustix::mount::mount("proc", "/proc", "proc", flags, None).is_err())
    })
    .context(|| "fork".into())?;
    if hold::wait_for(pid)? {
        return Ok(());
    }
    Err(rustix::io::Errno::PERM).context(|| "mount a fresh /proc".into())
}

fn try_seccomp() -> Result<()> {
    // One instruction: allow (BPF_RET|BPF_K, SECCOMP_RET_ALLOW).
    let allow = Program::from_bytes(&[6, 0, 0, 0, 0, 0, 0xff, 0x7f]);
    let program = allow.map_err(std::io::Error::other).context(|| "build a filter".into())?;
    seccomp::load(&program, LoadFlags::default())
        .map(drop)
        .map_err(std::io::Error::other)
        .context(|| "load a seccomp filter".into())
}
