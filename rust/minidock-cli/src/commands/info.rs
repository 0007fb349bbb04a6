//! `info`: facts about the engine and its host.

use clap::Args;
use minidock::system::{Info as Facts, Probes};

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::template::{Row, Template};
use crate::{host_groups, human, output};

/// Show facts about minidock and this host
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock info
  minidock info --format '{{.store.root}}'")]
pub(crate) struct Info {
    /// json or TEMPLATE
    #[arg(short, long)]
    format: Option<String>,
}

impl Info {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let facts = global.engine()?.info()?;
        let value = serde_json::to_value(&facts)
            .map_err(|error| Failure::io("cannot write JSON", error))?;
        match self.format.as_deref() {
            None => output::block(&text(&facts))?,
            Some("json") => output::line(value.to_string())?,
            Some(format) => output::line(Template::parse(format)?.render(&Row::from(value))?)?,
        }
        Ok(0)
    }
}

fn text(facts: &Facts) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("{name:<18}{value}\n"));
    };
    line("Version", facts.version);
    line("Containers", &format!("{} ({} running)", facts.containers, facts.containers_running));
    line("Images", &facts.images.to_string());
    let store = &facts.store;
    line("Store", &store.root.display().to_string());
    line("  file system", &format!("{}, {} free", store.file_system, human::size(store.free)));
    if let Some(why) = &store.read_only {
        line("  read-only", why);
    }
    let ids = &facts.mapping;
    line("Ids", &ids.name);
    if ids.single {
        let why = ids.single_because.as_deref().unwrap_or("as asked for");
        line("  single id", &format!("{why}; groups of the host cannot be dropped"));
        if !ids.kept_groups.is_empty() {
            line("  kept groups", &host_groups::named(&ids.kept_groups));
        }
    }
    match (&facts.runtime.path, &facts.runtime.missing) {
        (Some(path), _) => line("Runtime", &path.display().to_string()),
        (None, why) => line("Runtime", why.as_deref().unwrap_or("not found")),
    }
    line("Kernel", &format!("{} {}", facts.kernel.release, facts.kernel.machine));
    probes(&facts.probes, &mut line);
    let helpers: Vec<_> = facts.network_helpers.iter().map(|helper| helper.name).collect();
    line(
        "Network helpers",
        &if helpers.is_empty() { "none".to_owned() } else { helpers.join(", ") },
    );
    let delegated = facts.cgroup.delegated.join(", ");
    let delegated = if delegated.is_empty() { "none" } else { &delegated };
    line("Control groups", &format!("{:?}, delegated: {delegated}", facts.cgroup.mode));
    text
}

fn probes(probes: &Probes, line: &mut dyn FnMut(&str, &str)) {
    for (name, failure) in [
        ("User namespace", &probes.user_namespace),
        ("  overlay", &probes.overlay),
        ("  /proc", &probes.procfs),
        ("  network", &probes.network),
        ("  /dev/net/tun", &probes.tun),
        ("  seccomp", &probes.seccomp),
    ] {
        match (failure, &probes.user_namespace) {
            (Some(why), _) => line(name, &format!("no: {why}")),
            (None, Some(_)) => line(name, "not tried"),
            (None, None) => line(name, "works"),
        }
    }
}
