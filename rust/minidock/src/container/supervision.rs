//! The supervisor of a container, started while the container is still being made or read.

use minidock_proto::record;
use minidock_proto::request::NetworkSource;

use super::capabilities;
use super::config::ContainerConfig;
use super::options::{ContainerOptions, NetworkMode, SeccompOption};
use crate::engine::Engine;
use crate::error::Result;
use crate::runtime::{Joined, Waiting};
use crate::store::ContainerId;

/// A supervisor that waits, and the namespace that it is in.
#[derive(Debug)]
pub(super) struct Supervision {
    pub(super) joined: Joined,
    pub(super) waiting: Waiting,
}

impl Engine {
    /// Starts the supervisor of a container with these settings.
    pub(super) fn supervise(
        &self,
        id: &ContainerId,
        network: &NetworkMode,
        nested: bool,
    ) -> Result<Supervision> {
        // The program loads while the namespace is asked for.
        let starting = self.runtime()?.start()?;
        let joined = self.join()?;
        let source = match network {
            NetworkMode::Host => NetworkSource::Host,
            NetworkMode::None | NetworkMode::Private if nested => NetworkSource::Nested,
            NetworkMode::None | NetworkMode::Private => NetworkSource::Shared,
        };
        let helper = matches!(network, NetworkMode::Private)
            .then(|| self.store().container_dir(id).join(record::NETWORK_HELPER));
        let waiting = starting.supervise(
            id,
            &joined,
            &self.store().mount_point(),
            source,
            helper.as_deref(),
        )?;
        Ok(Supervision { joined, waiting })
    }

    /// The same before there are settings. `None` for options that are wrong: what is wrong with
    /// them is told by who makes settings of them.
    pub(super) fn supervise_early(
        &self,
        id: &ContainerId,
        options: &ContainerOptions,
    ) -> Option<Result<Supervision>> {
        let (add, drop) = (&options.cap_add, &options.cap_drop);
        let capabilities = capabilities::resolve(options.privileged, add, drop).ok()?;
        let nested = options.own_user_namespace
            || more_than_default(options.privileged, &options.seccomp, capabilities);
        Some(self.supervise(id, &options.network, nested))
    }
}

/// Whether the container has a user namespace of its own.
pub(super) fn needs_nested(config: &ContainerConfig) -> bool {
    config.own_user_namespace
        || more_than_default(config.privileged, &config.seccomp, config.capabilities)
}

/// Whatever is more than the default must not be root in the shared user namespace.
fn more_than_default(privileged: bool, seccomp: &SeccompOption, capabilities: u64) -> bool {
    privileged
        || matches!(seccomp, SeccompOption::Unconfined | SeccompOption::Profile(_))
        || capabilities::needs_own_namespace(capabilities)
}
