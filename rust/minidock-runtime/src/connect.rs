//! Asking the keeper to connect a network namespace.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use minidock_proto::request::{FailureKind, Helper};
use minidock_proto::{Channel, Fd};

use crate::failure::{Result, failure, protocol};
use crate::net::keeper::{KeeperReply, KeeperRequest};

/// A connected network.
pub(crate) struct Connected {
    /// Lines for /etc/resolv.conf.
    pub(crate) resolv: Vec<String>,
    /// The container's own address.
    pub(crate) address: Option<IpAddr>,
}

/// Has the helper started for the namespace; answers when it is up.
pub(crate) fn connect(keeper: &Channel, helper: &Helper, netns: &OwnedFd) -> Result<Connected> {
    let request = KeeperRequest::Start { helper: helper.clone(), netns: Fd(0) };
    keeper.send(&request, &[netns.as_fd()]).map_err(protocol)?;
    match keeper.receive::<KeeperReply>().map_err(protocol)? {
        Some((KeeperReply::Ready { resolv, addresses }, _)) => {
            Ok(Connected { resolv, address: addresses.into_iter().next() })
        }
        Some((KeeperReply::Failed(failure) | KeeperReply::Ended(failure), _)) => Err(failure),
        None => Err(failure(FailureKind::System, "the keeper of the network helper ended")),
    }
}
