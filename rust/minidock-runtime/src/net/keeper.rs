//! The keeper: a process on the host's side that holds a container's network helper.
//!
//! Helpers outlive every process of the namespaces they serve, and the supervisor, in namespaces
//! of its own, can neither start nor see them. The keeper starts one when asked, tells when it
//! dies, and ends it when the supervisor ends in whatever way. It must not touch anything else of
//! the container.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use minidock_proto::request::{Failure, FailureKind, Helper};
use minidock_proto::{Channel, Descriptors, Fd};
use minidock_sys::process::{SingleThreaded, exit_now};
use minidock_sys::signal;
use serde::{Deserialize, Serialize};

use super::helper::{self, RunningHelper, poll};
use super::record;
use crate::failure::{Context, Result, failure, protocol};

/// Longest sleep of the keeper; everything it waits for wakes it before.
const FOREVER: Duration = Duration::from_secs(86_400);

/// What the supervisor asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum KeeperRequest {
    /// Connect a network namespace; answered by [`KeeperReply::Ready`] or
    /// [`KeeperReply::Failed`].
    Start {
        /// Which program.
        helper: Helper,
        /// The namespace.
        netns: Fd,
    },
}

/// What the keeper tells.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum KeeperReply {
    /// The network is up.
    Ready {
        /// Lines for /etc/resolv.conf inside.
        resolv: Vec<String>,
        /// The container's own addresses, IPv4 first.
        addresses: Vec<IpAddr>,
    },
    /// It was not connected.
    Failed(Failure),
    /// The helper, once ready, ended by itself: the container has no network any more.
    Ended(Failure),
}

/// Serves the supervisor behind `supervisor`, a pidfd, until it ends; then ends the helper.
///
/// `record` is where the helper's identity is kept for [`super::sweep`]. Returns the status for
/// the process to exit with only by ending it.
pub(crate) fn keep(supervisor: OwnedFd, channel: Channel, record: &Path) -> ! {
    let mut keeper = Keeper { supervisor, channel: Some(channel), record, helper: None };
    let served = keeper.serve();
    let stopped = keeper.stop();
    exit_now(u8::from(served.is_err() || stopped.is_err()))
}

struct Keeper<'a> {
    supervisor: OwnedFd,
    /// `None` when the supervisor closed it; the helper stays until the supervisor ends.
    channel: Option<Channel>,
    record: &'a Path,
    helper: Option<RunningHelper>,
}

impl Keeper<'_> {
    fn serve(&mut self) -> Result<()> {
        // A terminal's or a session's signals must not part the helper from its keeper.
        let proof = SingleThreaded::prove().context(|| "keep a network helper".to_owned())?;
        signal::set_mask(proof, &[libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGPIPE])
            .context(|| "block signals".to_owned())?;
        loop {
            // What is not there is watched as the supervisor, which is looked at first.
            let supervisor = self.supervisor.as_fd();
            let channel = self.channel.as_ref().map_or(supervisor, AsFd::as_fd);
            let helper = self.helper.as_ref();
            let pidfd = helper.map_or(supervisor, |helper| helper.pidfd.as_fd());
            let output = helper.and_then(RunningHelper::output).unwrap_or(supervisor);
            let [over, asked, ended, said] = poll([supervisor, channel, pidfd, output], FOREVER)?;
            if over {
                return Ok(());
            }
            if let Some(helper) = self.helper.as_mut().filter(|_| said) {
                helper.drain();
            }
            if ended {
                self.helper_ended()?;
            }
            if asked {
                self.answer()?;
            }
        }
    }

    fn helper_ended(&mut self) -> Result<()> {
        let Some(mut helper) = self.helper.take() else { return Ok(()) };
        let failure = helper.ended();
        record::remove(self.record)?;
        self.tell(&KeeperReply::Ended(failure));
        Ok(())
    }

    /// A supervisor that cannot be told has ended or closed; its pidfd says which.
    fn tell(&mut self, reply: &KeeperReply) {
        let sent = self.channel.as_ref().map(|channel| channel.send(reply, &[]));
        if matches!(sent, Some(Err(_))) {
            self.channel = None;
        }
    }

    fn answer(&mut self) -> Result<()> {
        let Some(channel) = &self.channel else { return Ok(()) };
        let Some((request, fds)) = channel.receive().map_err(protocol)? else {
            self.channel = None;
            return Ok(());
        };
        let KeeperRequest::Start { helper, netns } = request;
        let reply = match self.start(&helper, fds.into(), netns) {
            Ok(reply) => reply,
            Err(failure) => KeeperReply::Failed(failure),
        };
        self.tell(&reply);
        Ok(())
    }

    fn start(&mut self, helper: &Helper, mut fds: Descriptors, netns: Fd) -> Result<KeeperReply> {
        if self.helper.is_some() {
            let message = "the container's network has a helper already";
            return Err(failure(FailureKind::Conflict, message));
        }
        let netns = fds.take(netns).map_err(protocol)?;
        let supervisor = self.supervisor.as_fd();
        let helper = helper::start(helper, netns.as_fd(), supervisor, self.record)?;
        let reply = KeeperReply::Ready {
            resolv: helper.resolv.clone(),
            addresses: helper.addresses.clone(),
        };
        self.helper = Some(helper);
        Ok(reply)
    }

    fn stop(&mut self) -> Result<()> {
        match self.helper.take() {
            Some(helper) => helper.stop(self.record),
            None => Ok(()),
        }
    }
}
