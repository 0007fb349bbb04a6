//! Makes a mounted root file system fit for libcontainer: real directories where it mounts,
//! the files that docker provides, the working directory.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use minidock_proto::Descriptors;
use minidock_proto::request::{Network, Run};
use minidock_sys::process::SingleThreaded;
use rustix::fs::{Mode, OFlags};

use crate::failure::{Context, Result};
use crate::rootfs::scratch::Scratch;
use crate::rootfs::{in_root, mounts};

/// The file that stands for /etc/resolv.conf of the container.
pub(crate) const RESOLV: &str = "resolv.conf";
/// The file that stands for /etc/hosts.
pub(crate) const HOSTS: &str = "hosts";

/// Prepares it; answers with the paths that were made as mount points.
pub(crate) fn prepare(
    single: SingleThreaded,
    run: &Run,
    scratch: &Scratch,
    fds: &mut Descriptors,
) -> Result<Vec<PathBuf>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root: OwnedFd = rustix::fs::open(&scratch.rootfs, flags, Mode::empty())
        .context(|| "open the root file system".into())?;
    let mut created = Vec::new();
    for name in ["dev", "proc", "sys"] {
        in_root::real_directory(&root, name, &mut created)?;
    }
    for mount in &run.mounts {
        mounts::place(&root, mount, fds, (single, &run.mapping), &mut created)?;
    }
    // Over what was mounted: a volume at /etc must not hide them.
    for (name, text) in [
        ("hostname", format!("{}\n", run.hostname)),
        (HOSTS, hosts(run, None)),
        (RESOLV, resolv_of(run)),
    ] {
        let file = scratch.etc.join(name);
        write(&file, &text)?;
        mounts::bind_own_file(&root, &file, &Path::new("/etc").join(name), &mut created)?;
    }
    // docker makes the working directory, and it is not a mount point: it stays.
    in_root::directory(&root, run.process.cwd.as_path(), &mut Vec::new())?;
    Ok(created)
}

/// Writes over the file in place: it may be bound into the container already.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .context(|| format!("write {}", path.display()))
}

/// The text of /etc/hosts, with the container's own name once its address is known.
pub(crate) fn hosts(run: &Run, own: Option<IpAddr>) -> String {
    let mut text = String::from(
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
         fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\n\
         ff02::2\tip6-allrouters\n",
    );
    for line in &run.hosts {
        text.push_str(line);
        text.push('\n');
    }
    if let Some(address) = own {
        text.push_str(&format!("{address}\t{}\n", run.hostname));
    }
    text
}

/// The host's name servers where its network is used, or none; else what the engine says. A
/// private network puts its own there once it is connected.
fn resolv_of(run: &Run) -> String {
    if run.resolv.is_empty() && matches!(run.network, Network::Host | Network::None) {
        // A host without the file asks nobody either.
        return std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    }
    resolv(&run.resolv)
}

/// The text of a resolv.conf.
pub(crate) fn resolv(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
