//! Networks and ports of a container in docker's words.

use minidock_proto::request::Protocol;
use serde_json::{Map, Value, json};

use crate::container::{ContainerConfig, NetworkMode, PublishedPort};

pub(super) fn mode(network: &NetworkMode) -> &'static str {
    match network {
        NetworkMode::Private => "private",
        NetworkMode::None => "none",
        NetworkMode::Host => "host",
    }
}

/// `80/tcp`.
fn inside(port: &PublishedPort) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    format!("{}/{protocol}", port.container)
}

/// `HostConfig.PortBindings`: what was asked for.
pub(super) fn bindings(ports: &[PublishedPort]) -> Value {
    let mut bindings = Map::new();
    for port in ports {
        let address = port.address.map_or_else(String::new, |address| address.to_string());
        let number = if port.host == 0 { String::new() } else { port.host.to_string() };
        push(&mut bindings, inside(port), json!({ "HostIp": address, "HostPort": number }));
    }
    Value::Object(bindings)
}

/// `NetworkSettings`: ports as they are bound while the container runs. Addresses inside belong
/// to the network helper and lead nowhere from the host, so none is shown.
pub(super) fn settings(config: &ContainerConfig, is_running: bool) -> Value {
    let mut ports = Map::new();
    if is_running {
        for port in &config.exposed {
            ports.insert(port.clone(), Value::Null);
        }
        for (port, bound) in config.ports.iter().zip(&config.bound) {
            let address = port.address.map_or_else(|| "0.0.0.0".to_owned(), |ip| ip.to_string());
            let host = json!({ "HostIp": address, "HostPort": bound.to_string() });
            push(&mut ports, inside(port), host);
        }
    }
    let name = mode(&config.network);
    json!({
        "Ports": ports,
        "IPAddress": "",
        "Gateway": "",
        "MacAddress": "",
        "Networks": { name: { "IPAddress": "", "Gateway": "", "MacAddress": "", "Aliases": null } },
    })
}

fn push(ports: &mut Map<String, Value>, port: String, host: Value) {
    match ports.get_mut(&port) {
        Some(Value::Array(hosts)) => hosts.push(host),
        _ => {
            ports.insert(port, json!([host]));
        }
    }
}
