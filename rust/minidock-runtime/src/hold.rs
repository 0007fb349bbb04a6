//! `hold`: makes the user namespace that all containers of one mapping share, and keeps it.
//!
//! The holder hands the namespace out over a Unix socket to processes of its own user. An open
//! connection says that the namespace is in use; without one it ends after a while. It runs no
//! container and mounts nothing.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use minidock_proto::control::Reply;
use minidock_proto::mapping::{Extent, Mapping, lines};
use minidock_proto::request::{Answer, FailureKind, Hold};
use minidock_proto::{Channel, Fd};
use minidock_sys::namespace::{self, Kinds};
use minidock_sys::process::{self, Fork, SingleThreaded};
use minidock_sys::{memory, peer};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::SocketFlags;
use rustix::process::{Pid, WaitOptions};

use crate::failure::{Context, Result, failure, failure_with_hint, protocol};
use crate::join;
use crate::spawned::Spawned;

/// How long an unused namespace is kept: a script that runs one container after the other
/// should find it.
const IDLE: Duration = Duration::from_secs(5);

/// Where the set-id programs of shadow are looked for; never in `$PATH`.
const SHADOW_DIRECTORIES: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];

struct Holder {
    listener: OwnedFd,
    path: minidock_proto::Bytes,
    userns: OwnedFd,
    users: Vec<OwnedFd>,
}

/// Forks the holder and answers when the namespace can be had.
pub(crate) fn serve(hold: Hold, mut spawned: Spawned) -> Result<Option<Answer>> {
    let listener = spawned.fds.take(hold.listener).map_err(protocol)?;
    let lock = spawned.fds.take(hold.lock).map_err(protocol)?;
    let revive = spawned.fds.take_optional(hold.revive).map_err(protocol)?;
    let (ours, theirs) = Channel::pair().context(|| "make a socket pair".into())?;
    match process::fork(spawned.single).context(|| "fork the holder".into())? {
        Fork::Parent(pid) => {
            drop((listener, lock, theirs));
            write_maps(&hold.mapping, pid, &ours)?;
            Ok(Some(Answer::Held))
        }
        Fork::Child => {
            drop((ours, spawned.channel));
            let userns = match enter(spawned.single, revive, &theirs) {
                Ok(userns) => userns,
                Err(failure) => {
                    // A parent that is gone needs no answer.
                    drop(theirs.send(&Answer::Failed(failure), &[]));
                    process::exit_now(1)
                }
            };
            drop(theirs);
            // Copies of the engine's channel must not outlive the answer.
            let keep = [listener.as_fd(), lock.as_fd(), userns.as_fd()];
            if process::close_all_except(&keep).is_err() {
                process::exit_now(1)
            }
            let holder = Holder { listener, path: hold.path, userns, users: vec![] };
            memory::give_back();
            let status = holder.run();
            drop(lock);
            process::exit_now(status)
        }
    }
}

/// The child's side: makes or enters the namespace, lets the parent write the maps, becomes root.
fn enter(single: SingleThreaded, revive: Option<OwnedFd>, parent: &Channel) -> Result<OwnedFd> {
    rustix::process::setsid().context(|| "start a session".into())?;
    match &revive {
        Some(userns) => {
            namespace::enter(single, userns, Kinds::USER)
                .context(|| "enter the user namespace again".into())?;
        }
        None => namespace::unshare(single, Kinds::USER).map_err(|error| {
            failure_with_hint(
                FailureKind::HostUnsupported,
                format!("this host refuses to make a user namespace: {error}"),
                "run `minidock doctor`: it tells which setting of the host forbids it",
            )
        })?,
    }
    let done = |channel: &Channel, message: Answer| -> Result<()> {
        channel.send(&message, &[]).map_err(protocol)
    };
    done(parent, Answer::Done)?;
    if parent.receive::<Answer>().map_err(protocol)?.is_none() {
        return Err(failure(FailureKind::System, "the process that writes the id maps ended"));
    }
    join::become_root()?;
    done(parent, Answer::Held)?;
    use rustix::fs::{Mode, OFlags};
    rustix::fs::open("/proc/self/ns/user", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .context(|| "open the user namespace".into())
}

/// The parent's side: waits for the namespace, writes its maps, waits for root.
fn write_maps(mapping: &Mapping, pid: Pid, child: &Channel) -> Result<()> {
    expect(child)?;
    if !already_mapped(pid)? {
        if mapping.is_single() {
            write_single(mapping, pid)?;
        } else {
            run_mapper("newuidmap", "uidmap", pid, &mapping.uids)?;
            run_mapper("newgidmap", "uidmap", pid, &mapping.gids)?;
        }
    }
    child.send(&Answer::Done, &[]).map_err(protocol)?;
    expect(child)
}

fn expect(child: &Channel) -> Result<()> {
    match child.receive::<Answer>().map_err(protocol)? {
        Some((Answer::Failed(failure), _)) => Err(failure),
        Some(_) => Ok(()),
        None => Err(failure(FailureKind::System, "the holder of the user namespace ended early")),
    }
}

fn already_mapped(pid: Pid) -> Result<bool> {
    let path = format!("/proc/{}/uid_map", pid.as_raw_nonzero());
    let text = std::fs::read_to_string(&path).context(|| format!("read {path}"))?;
    Ok(!text.trim().is_empty())
}

fn write_single(mapping: &Mapping, pid: Pid) -> Result<()> {
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", lines(&mapping.uids)),
        ("gid_map", lines(&mapping.gids)),
    ] {
        let path = format!("{process}/{file}");
        std::fs::write(&path, text).map_err(|error| {
            failure_with_hint(
                FailureKind::HostUnsupported,
                format!("cannot map the user's own id in a new user namespace ({file}): {error}"),
                "run `minidock doctor`: it tells which setting of the host forbids it",
            )
        })?;
    }
    Ok(())
}

/// Runs newuidmap or newgidmap (shadow); its exit status decides, its words go to the user.
fn run_mapper(program: &str, package: &str, pid: Pid, extents: &[Extent]) -> Result<()> {
    let hint = format!("install the package {package}, or use `--userns single`");
    let path = SHADOW_DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(program))
        .find(|path| path.exists())
        .ok_or_else(|| {
            failure_with_hint(
                FailureKind::HostUnsupported,
                format!("{program} is not installed"),
                &hint,
            )
        })?;
    let mut command = std::process::Command::new(&path);
    command.arg(pid.as_raw_nonzero().to_string());
    for extent in extents {
        for number in [extent.inside, extent.outside, extent.count] {
            command.arg(number.to_string());
        }
    }
    let output = command.output().context(|| format!("run {}", path.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(failure_with_hint(
        FailureKind::HostUnsupported,
        format!(
            "{} failed ({}): {}",
            path.display(),
            output.status,
            words.trim().replace('\n', "; ")
        ),
        "compare /etc/subuid and /etc/subgid with `id -un`; `minidock doctor` shows both",
    ))
}

impl Holder {
    /// Serves until nobody uses the namespace any more.
    fn run(mut self) -> u8 {
        let mut idle_since = Instant::now();
        loop {
            self.forget_gone_users();
            if !self.users.is_empty() {
                idle_since = Instant::now();
            }
            let left = IDLE.saturating_sub(idle_since.elapsed());
            if left.is_zero() {
                match self.leave() {
                    Leaving::Gone => return 0,
                    Leaving::Wanted => idle_since = Instant::now(),
                }
                continue;
            }
            if self.wait(left).is_err() {
                return 1;
            }
            self.accept_all();
        }
    }

    fn wait(&self, at_most: Duration) -> rustix::io::Result<()> {
        let timeout = Timespec {
            tv_sec: at_most.as_secs() as i64,
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        fds.extend(self.users.iter().map(|user| PollFd::new(user, PollFlags::RDHUP)));
        let timeout = self.users.is_empty().then_some(&timeout);
        match rustix::event::poll(&mut fds, timeout) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn forget_gone_users(&mut self) {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        self.users.retain(|user| {
            let mut fds = [PollFd::new(user, PollFlags::RDHUP)];
            !matches!(rustix::event::poll(&mut fds, Some(&zero)), Ok(1..))
        });
    }

    /// Takes waiting connections; how many there were.
    fn accept_all(&mut self) -> usize {
        let mut served = 0;
        while let Ok(user) = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC) {
            served += 1;
            if self.greet(&user) {
                self.users.push(user);
            }
        }
        served
    }

    fn greet(&self, user: &OwnedFd) -> bool {
        // The socket lies in a directory of mode 0700; this says the same a second time.
        let Ok(peer) = peer::of(user) else { return false };
        if peer.uid != rustix::process::getuid() {
            return false;
        }
        let Ok(copy) = rustix::io::fcntl_dupfd_cloexec(user, 3) else { return false };
        let reply = Reply::UserNamespace { userns: Fd(0) };
        Channel::from(copy).send(&reply, &[self.userns.as_fd()]).is_ok()
    }

    /// Takes the socket away, unless somebody came at the last moment.
    fn leave(&mut self) -> Leaving {
        let path = self.path.as_path().to_path_buf();
        if rustix::fs::unlink(&path).is_err() {
            // The store was removed or the socket replaced: nobody can find us any more.
            return if self.accept_all() == 0 { Leaving::Gone } else { Leaving::Wanted };
        }
        if self.accept_all() == 0 {
            return Leaving::Gone;
        }
        // Without a socket those who came are served all the same; later ones revive the
        // namespace from a live container.
        if let Ok(listener) = minidock_proto::socket::listen(&path) {
            self.listener = listener;
        }
        Leaving::Wanted
    }
}

enum Leaving {
    Gone,
    Wanted,
}

/// Waits for a child of ours and answers whether it ended with status 0.
pub(crate) fn wait_for(pid: Pid) -> Result<bool> {
    loop {
        match rustix::process::waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status.exit_status() == Some(0)),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context(|| "wait for a child".into()),
        }
    }
}
