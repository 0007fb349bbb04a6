//! How a container looks in a listing.

use minidock::Engine;
use minidock::container::{ContainerSummary, MountKind, NetworkMode, Protocol, Status};
use serde_json::{Value, json};

use crate::human;
use crate::table::Listing;
use crate::template::Row;

/// The listing of `ps`.
pub(crate) const LISTING: Listing = Listing {
    columns: "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}",
    quiet: "{{.ID}}",
    titles: &[
        ("ID", "CONTAINER ID"),
        ("Image", "IMAGE"),
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED AT"),
        ("RunningFor", "CREATED"),
        ("Status", "STATUS"),
        ("State", "STATE"),
        ("Ports", "PORTS"),
        ("Names", "NAMES"),
        ("Labels", "LABELS"),
        ("Mounts", "MOUNTS"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Networks", "NETWORKS"),
    ],
};

/// Characters of a command and a mount in a table.
const COMMAND_WIDTH: usize = 20;
const MOUNT_WIDTH: usize = 15;

/// A container as a row.
pub(crate) fn row(engine: &Engine, container: &ContainerSummary, whole: bool) -> Row {
    let ContainerSummary { record, config, .. } = container;
    let labels: Vec<_> =
        config.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let volumes =
        config.mounts.iter().filter(|mount| matches!(mount.kind, MountKind::Volume { .. })).count();
    let value = json!({
        "ID": if whole { record.id.as_str() } else { record.id.short() },
        "Image": image(engine, container),
        "Command": command(container, whole),
        "CreatedAt": human::time(record.created),
        "RunningFor": human::ago(record.created),
        "Status": status(container),
        "State": state(container),
        "Ports": ports(container),
        "Names": record.name.as_str(),
        "Labels": labels.join(","),
        "Mounts": mounts(container, whole),
        "LocalVolumes": volumes.to_string(),
        "Networks": network(&config.network),
    });
    let labels = config.labels.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    Row { value, labels }
}

/// The image as it was asked for, or its id when that name leads elsewhere now.
fn image(engine: &Engine, container: &ContainerSummary) -> String {
    let name = &container.config.image;
    let Some(id) = container.record.image else { return name.clone() };
    match engine.store().resolve_image(name) {
        Ok(now) if now == id => name.clone(),
        _ => id.short().to_string(),
    }
}

fn command(container: &ContainerSummary, whole: bool) -> String {
    let words: Vec<_> = container
        .config
        .args
        .iter()
        .map(|arg| String::from_utf8_lossy(&arg.0).into_owned())
        .collect();
    let line = words.join(" ");
    let line = if whole { line } else { human::ellipsis(&line, COMMAND_WIDTH) };
    format!("\"{}\"", line.escape_debug().to_string().replace("\\'", "'"))
}

/// docker's word for its state.
pub(crate) fn state(container: &ContainerSummary) -> &'static str {
    match container.state.status {
        Status::Created => "created",
        Status::Running => "running",
        Status::Exited => "exited",
    }
}

fn status(container: &ContainerSummary) -> String {
    let state = &container.state;
    match state.status {
        Status::Created => "Created".to_owned(),
        Status::Running => {
            format!("Up {}", human::span(state.started_at.map_or(0, human::since)))
        }
        Status::Exited => {
            let code = state.exit_code.unwrap_or_default();
            match state.finished_at {
                Some(at) => format!("Exited ({code}) {} ago", human::span(human::since(at))),
                None => format!("Exited ({code})"),
            }
        }
    }
}

fn network(mode: &NetworkMode) -> &'static str {
    match mode {
        NetworkMode::Private => "private",
        NetworkMode::None => "none",
        NetworkMode::Host => "host",
    }
}

fn mounts(container: &ContainerSummary, whole: bool) -> String {
    let names = container.config.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Bind { source, .. } => Some(source.display().to_string()),
        MountKind::Volume { name, .. } => name.clone(),
        MountKind::Tmpfs { .. } => None,
    });
    let shown = names.map(|name| if whole { name } else { human::ellipsis(&name, MOUNT_WIDTH) });
    shown.collect::<Vec<_>>().join(",")
}

/// Published ports: of the container, and of the host.
pub(crate) fn published(container: &ContainerSummary) -> Vec<(String, String)> {
    let mut ports: Vec<_> =
        bound(container).map(|port| (port.container, port.inside(), port.outside())).collect();
    ports.sort();
    ports.into_iter().map(|(_, inside, outside)| (inside, outside)).collect()
}

struct BoundPort {
    address: String,
    host: u16,
    container: u16,
    protocol: &'static str,
}

impl BoundPort {
    fn inside(&self) -> String {
        format!("{}/{}", self.container, self.protocol)
    }

    fn outside(&self) -> String {
        format!("{}:{}", self.address, self.host)
    }
}

/// What the last start bound; nothing while it does not run.
fn bound(container: &ContainerSummary) -> impl Iterator<Item = BoundPort> + '_ {
    let runs = container.state.status == Status::Running;
    let config = &container.config;
    config.ports.iter().zip(&config.bound).filter(move |_| runs).map(|(port, host)| BoundPort {
        address: match port.address {
            None => "0.0.0.0".to_owned(),
            Some(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            Some(address) => address.to_string(),
        },
        host: *host,
        container: port.container,
        protocol: match port.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        },
    })
}

/// The column PORTS: `0.0.0.0:8000-8001->80-81/tcp, 443/tcp`.
fn ports(container: &ContainerSummary) -> String {
    if container.state.status != Status::Running {
        return String::new();
    }
    let mut bound: Vec<_> = bound(container).collect();
    bound.sort_by(|a, b| {
        (a.protocol, &a.address, a.container, a.host).cmp(&(
            b.protocol,
            &b.address,
            b.container,
            b.host,
        ))
    });
    let mut shown: Vec<String> = Vec::new();
    let mut rest = bound.as_slice();
    while let [first, ..] = rest {
        // Neighbours are shown as one range.
        let follows = |pair: &[BoundPort]| {
            pair[0].protocol == pair[1].protocol
                && pair[0].address == pair[1].address
                && pair[0].container.checked_add(1) == Some(pair[1].container)
                && pair[0].host.checked_add(1) == Some(pair[1].host)
        };
        let length = 1 + rest.windows(2).take_while(|pair| follows(pair)).count();
        let last = &rest[length - 1];
        shown.push(match length {
            1 => format!("{}->{}", first.outside(), first.inside()),
            _ => {
                format!("{}-{}->{}-{}", first.outside(), last.host, first.container, last.inside())
            }
        });
        rest = &rest[length..];
    }
    let published: Vec<_> = bound.iter().map(BoundPort::inside).collect();
    let exposed = container.config.exposed.iter().filter(|port| !published.contains(port));
    shown.extend(exposed.cloned());
    shown.join(", ")
}
