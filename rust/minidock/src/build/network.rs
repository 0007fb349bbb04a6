//! The network of RUN: one namespace for all steps of a build, made at the first that needs it.

use std::os::fd::{AsFd, OwnedFd};

use minidock_dockerfile::RunNetwork;
use minidock_proto::Outgoing;
use minidock_proto::request::{Answer, Join, Network, NetworkHold, Verb};

use super::Build;
use super::failure::Place;
use crate::container::{NetworkMode, network_of, own_pidfd};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Conversation;

/// A namespace that lives as long as this.
pub(super) struct HeldNetwork {
    netns: OwnedFd,
    resolv: Vec<String>,
    /// The namespace ends with it.
    _conversation: Conversation,
}

impl HeldNetwork {
    /// The namespace, for one step.
    pub(super) fn describe<'a>(&'a self, fds: &mut Outgoing<'a>) -> (Network, Vec<String>) {
        (Network::Join { netns: fds.push(self.netns.as_fd()) }, self.resolv.clone())
    }
}

impl Build<'_> {
    /// Which network a RUN has: its own wish within what the build allows.
    pub(super) fn network_mode(
        &self,
        wish: Option<RunNetwork>,
        place: Place<'_>,
    ) -> Result<NetworkMode> {
        match wish {
            None | Some(RunNetwork::Default) => Ok(self.options.network.clone()),
            Some(RunNetwork::None) => Ok(NetworkMode::None),
            Some(RunNetwork::Host) if self.options.network == NetworkMode::Host => {
                Ok(NetworkMode::Host)
            }
            Some(RunNetwork::Host) => Err(place.mistake(
                "a Dockerfile cannot take the host's network by itself",
                Some("--network=host"),
                "allow it with `--network host` for the whole build, or leave the flag out",
            )),
        }
    }

    /// Makes the build's network namespace, if there is none yet.
    pub(super) fn hold_network(&mut self) -> Result<()> {
        if self.network.is_some() {
            return Ok(());
        }
        let network = network_of(&NetworkMode::Private)?;
        let owner = own_pidfd()?;
        let record = self.step_directory()?.join("network.json");
        self.join_namespace()?;
        let joined = self.joined()?;
        let mut fds = Outgoing::default();
        let join =
            Join { userns: fds.push(joined.userns.as_fd()), hold: fds.push(joined.hold.as_fd()) };
        let owner = fds.push(owner.as_fd());
        let hold = NetworkHold { join, network, owner, record: record.into() };
        let mut conversation = self.engine.runtime()?.spawn(Verb::Network(hold), &fds)?;
        let (answer, mut received) = conversation.answer()?;
        conversation.finish();
        let (Answer::Network { resolv, .. }, Some(netns)) = (answer, received.pop()) else {
            return Err(Error::new(
                ErrorKind::Runtime,
                "minidock-runtime gave no network namespace: it is of another version",
            ));
        };
        self.network = Some(HeldNetwork { netns, resolv, _conversation: conversation });
        Ok(())
    }
}
