//! The terminal of a containerised process: a pseudoterminal of the container's own devpts.
//!
//! The caller's terminal is never passed in; the other side of this one goes to the supervisor.

use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::Channel;
use minidock_proto::process::WindowSize;
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MoveMountFlags, OpenTreeFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::failure::{Context, Result, protocol};

/// The kernel's form of a size.
pub(crate) fn winsize(size: WindowSize) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Makes a terminal, sends its master to the supervisor and takes it as controlling terminal
/// and standard streams. The caller leads its session. Answers with the terminal.
pub(crate) fn take(size: WindowSize, supervisor: &Channel) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = rustix::fs::open("/dev/pts/ptmx", flags, Mode::empty())
        .context(|| "open a terminal in the container".into())?;
    rustix::pty::unlockpt(&master).context(|| "unlock the terminal".into())?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let terminal = rustix::pty::ioctl_tiocgptpeer(&master, flags)
        .context(|| "open the terminal's other side".into())?;
    rustix::termios::tcsetwinsize(&terminal, winsize(size))
        .context(|| "set the terminal's size".into())?;
    supervisor.send(&"terminal", &[master.as_fd()]).map_err(protocol)?;
    drop(master);
    rustix::process::ioctl_tiocsctty(&terminal).context(|| "take the terminal".into())?;
    let streams = || "connect the terminal".to_owned();
    rustix::stdio::dup2_stdin(&terminal).context(streams)?;
    rustix::stdio::dup2_stdout(&terminal).context(streams)?;
    rustix::stdio::dup2_stderr(&terminal).context(streams)?;
    Ok(terminal)
}

/// Binds the terminal over /dev/console, as docker does for the first process.
pub(crate) fn bind_console(terminal: &OwnedFd) -> Result<()> {
    let what = || "bind /dev/console".to_owned();
    let flags = OFlags::CREATE | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    let console =
        rustix::fs::open("/dev/console", flags, Mode::from_raw_mode(0o600)).context(what)?;
    let clone = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = rustix::mount::open_tree(terminal, c"", clone).context(what)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(&tree, c"", &console, c"", flags).context(what)
}
