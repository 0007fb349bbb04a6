//! Which crate may depend on which, from `cargo metadata`. Imports run one way, downwards.

use serde_json::Value;

use super::Finding;
use crate::workspace::Workspace;

/// The layers from the bottom; a crate may depend on crates of strictly lower layers only.
const LAYERS: &[&[&str]] = &[
    &["minidock-sys", "minidock-image", "minidock-dockerfile"],
    &["minidock-proto", "minidock-registry"],
    &["minidock-runtime", "minidock"],
    // The C library holds the C++ face too, so that a program with both has one engine.
    &["minidock-cli", "minidock-cpp", "minidock-python"],
    &["minidock-c"],
    &["minidock-tests", "minidock-fuzz"],
];

/// Outside crates that exactly one crate may depend on, with the reason.
const RESERVED: &[(&str, &str, &str)] = &[
    ("libcontainer", "minidock-runtime", "it forks and must never run in the host's process"),
    ("tokio", "minidock-registry", "every face is blocking"),
    ("reqwest", "minidock-registry", "only this crate speaks HTTP"),
    ("hyper", "minidock-registry", "only this crate speaks HTTP"),
    ("oci-client", "minidock-registry", "only this crate speaks to registries"),
];

/// Every import that goes the wrong way.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let manifest = manifest_of(package, workspace);
        let name = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            if let Some((problem, mend)) = problem(name, to) {
                findings.push(Finding::new(&manifest, 1, &problem, &mend));
            }
        }
        if name != "xtask" && layer(name).is_none() {
            let problem = format!("{name} is in no layer");
            findings.push(Finding::new(
                &manifest,
                1,
                &problem,
                "give it one in xtask's imports.rs",
            ));
        }
    }
    findings
}

fn problem(from: &str, to: &str) -> Option<(String, String)> {
    if let Some((_, owner, why)) =
        RESERVED.iter().find(|(name, owner, _)| *name == to && *owner != from)
    {
        return Some((format!("{from} depends on {to}"), format!("only {owner} may: {why}")));
    }
    let upper = layer(to)?;
    match layer(from) {
        Some(own) if upper < own => None,
        _ => {
            let mend = "imports run down the layers only, move the code or the type".to_owned();
            Some((format!("{from} depends on {to}"), mend))
        }
    }
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

fn manifest_of(package: &Value, workspace: &Workspace) -> std::path::PathBuf {
    let path = std::path::Path::new(package["manifest_path"].as_str().unwrap_or_default());
    path.strip_prefix(&workspace.root).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_run_down_only() {
        for (from, to, allowed) in [
            ("minidock", "minidock-proto", true),
            ("minidock", "minidock-image", true),
            ("minidock-tests", "minidock", true),
            ("minidock", "minidock-runtime", false),
            ("minidock-runtime", "minidock", false),
            ("minidock-image", "minidock-sys", false),
            ("minidock-proto", "minidock", false),
            ("xtask", "minidock", false),
            ("minidock-cli", "minidock-cli", false),
            ("minidock-runtime", "libcontainer", true),
            ("minidock", "libcontainer", false),
            ("minidock", "tokio", false),
            ("minidock", "serde", true),
        ] {
            assert_eq!(problem(from, to).is_none(), allowed, "{from} -> {to}");
        }
    }
}
