//! Security options: `seccomp=…`, `no-new-privileges`.

use super::wrong;
use crate::error::Result;

/// One `--security-opt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityOption {
    /// minidock's own seccomp filter.
    SeccompDefault,
    /// No seccomp filter.
    SeccompUnconfined,
    /// A file with a profile in docker's JSON format.
    SeccompFile(String),
    /// Whether setuid programs and file capabilities are powerless.
    NoNewPrivileges(bool),
}

/// Parses one `--security-opt`; docker's older `name:value` is taken too.
pub fn security_option(text: &str) -> Result<SecurityOption> {
    let (name, value) = match text.split_once(['=', ':']) {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let bad = |what: &str| wrong("--security-opt", text.as_bytes(), what);
    match (name, value) {
        ("seccomp", Some("unconfined")) => Ok(SecurityOption::SeccompUnconfined),
        ("seccomp", Some("default" | "builtin")) => Ok(SecurityOption::SeccompDefault),
        ("seccomp", None | Some("")) => Err(bad("the profile is missing")
            .with_hint("write seccomp=FILE, seccomp=unconfined or seccomp=default")),
        ("seccomp", Some(file)) => Ok(SecurityOption::SeccompFile(file.to_owned())),
        ("no-new-privileges", None | Some("true")) => Ok(SecurityOption::NoNewPrivileges(true)),
        ("no-new-privileges", Some("false")) => Ok(SecurityOption::NoNewPrivileges(false)),
        ("no-new-privileges", Some(_)) => Err(bad("it is neither true nor false")),
        ("apparmor" | "label" | "systempaths" | "writable-cgroups" | "credentialspec", _) => {
            Err(bad("this option is not built in yet"))
        }
        _ => Err(bad("there is no such option")
            .with_hint("known are seccomp=FILE|unconfined|default and no-new-privileges")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        for (text, expected) in [
            ("seccomp=unconfined", SecurityOption::SeccompUnconfined),
            ("seccomp:unconfined", SecurityOption::SeccompUnconfined),
            ("seccomp=default", SecurityOption::SeccompDefault),
            ("seccomp=/a=b", SecurityOption::SeccompFile("/a=b".to_owned())),
            ("no-new-privileges", SecurityOption::NoNewPrivileges(true)),
            ("no-new-privileges:false", SecurityOption::NoNewPrivileges(false)),
        ] {
            assert_eq!(security_option(text).unwrap(), expected, "{text}");
        }
        for text in
            ["", "seccomp", "seccomp=", "no-new-privileges=1", "apparmor=x", "label=disable"]
        {
            assert!(security_option(text).is_err(), "{text}");
        }
    }
}
