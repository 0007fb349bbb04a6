//! Which capabilities a container keeps.

use minidock_sys::seccomp::CapSet;

use crate::error::{Error, ErrorKind, Result, quoted};

/// docker's default (moby `oci/caps/defaults.go`).
pub const DEFAULT_CAPABILITIES: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// Capability numbers 0 to 40 (CAP_CHECKPOINT_RESTORE), all that Linux has.
const ALL: u64 = (1 << 41) - 1;

/// The default set, one bit per number.
pub(crate) fn default_set() -> u64 {
    DEFAULT_CAPABILITIES
        .iter()
        .filter_map(|name| CapSet::from_name(name))
        .fold(0, |set, capability| set | capability.bits())
}

/// The set after `--cap-add` and `--cap-drop`; dropping wins over adding ALL, as with docker.
pub(crate) fn resolve(privileged: bool, add: &[String], drop: &[String]) -> Result<u64> {
    let added = set(add)?;
    let dropped = set(drop)?;
    let base = if privileged { ALL } else { default_set() };
    let everything_dropped = drop.iter().any(|name| name.eq_ignore_ascii_case("all"));
    if everything_dropped {
        return Ok(if add.iter().any(|name| name.eq_ignore_ascii_case("all")) {
            ALL
        } else {
            added
        });
    }
    Ok((base | added) & !dropped)
}

fn set(names: &[String]) -> Result<u64> {
    names.iter().try_fold(0, |set, name| {
        let upper = name.to_ascii_uppercase();
        if upper == "ALL" || upper == "CAP_ALL" {
            return Ok(ALL);
        }
        let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
        let capability = CapSet::from_name(&full).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("unknown capability {}", quoted(name)))
                .with_hint("names are those of capabilities(7), with or without CAP_")
        })?;
        Ok(set | capability.bits())
    })
}

/// Whether a container with these capabilities needs a user namespace of its own: anything that
/// is not in the default set could reach into supervisors of the shared one.
pub(crate) fn needs_own_namespace(capabilities: u64) -> bool {
    capabilities & !default_set() != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_and_dropping() {
        let of = |add: &[&str], drop: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            resolve(false, &owned(add), &owned(drop)).unwrap()
        };
        assert_eq!(of(&[], &[]), default_set());
        assert_eq!(of(&[], &["ALL"]), 0);
        assert_eq!(of(&["net_admin"], &["all"]), 1 << 12);
        assert_eq!(of(&["CAP_SYS_ADMIN"], &[]), default_set() | 1 << 21);
        assert_eq!(of(&["ALL"], &["SYS_ADMIN"]), ALL & !(1 << 21));
        assert!(resolve(false, &["SYS_ADMINN".into()], &[]).is_err());
        assert!(needs_own_namespace(1 << 21) && !needs_own_namespace(default_set()));
    }
}
