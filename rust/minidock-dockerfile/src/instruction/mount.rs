//! `RUN --mount=…`: options by name, each kind with its own list. Owns the strict list of what may
//! be asked for; the engine decides what it supports and confines every path.

use crate::error::{ErrorKind, quoted};
use crate::suggest::nearest;

/// Every option name, aliases included.
pub(crate) const MOUNT_OPTIONS: &[&str] = &[
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "env",
];

/// Options each kind takes, under their first names.
const BY_KIND: &[(&str, &[&str])] = &[
    ("bind", &["type", "from", "source", "target", "readonly", "readwrite"]),
    (
        "cache",
        &[
            "type",
            "from",
            "source",
            "target",
            "readonly",
            "readwrite",
            "id",
            "sharing",
            "mode",
            "uid",
            "gid",
        ],
    ),
    ("tmpfs", &["type", "target", "size"]),
    ("secret", &["type", "source", "target", "id", "required", "mode", "uid", "gid", "env"]),
    ("ssh", &["type", "target", "id", "required", "mode", "uid", "gid"]),
];

/// One `--mount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The flag's value as written.
    pub text: String,
    /// Name and value of each option, aliases under their first names (`src` is `source`, `dst`
    /// `target`, `ro` `readonly`, `rw` `readwrite`); a switch without value is `true`.
    options: Vec<(&'static str, String)>,
}

impl Mount {
    /// `bind`, `cache`, `tmpfs`, `secret` or `ssh`; `bind` if not given.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.get("type").unwrap_or("bind")
    }

    /// An option by its first name.
    #[must_use]
    pub fn get(&self, option: &str) -> Option<&str> {
        let found = self.options.iter().find(|(name, _)| *name == option);
        found.map(|(_, value)| value.as_str())
    }

    /// A switch by its first name (`readonly`, `readwrite`, `required`).
    #[must_use]
    pub fn switch(&self, option: &str) -> Option<bool> {
        self.get(option).map(|value| value == "true")
    }

    /// Options in the order written.
    pub fn options(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.options.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub(super) fn parse(text: &str) -> Result<Mount, ErrorKind> {
        let mut mount = Mount { text: text.to_owned(), options: Vec::new() };
        for field in text.split(',') {
            let (name, value) = match field.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value)),
                None => (field.trim(), None),
            };
            mount.add(name, value)?;
        }
        mount.check(true)?;
        Ok(mount)
    }

    fn add(&mut self, name: &str, value: Option<&str>) -> Result<(), ErrorKind> {
        let Some(first) = first_name(&name.to_ascii_lowercase()) else {
            let suggestion = nearest(name, MOUNT_OPTIONS);
            return Err(ErrorKind::MountOption { option: quoted(name), suggestion });
        };
        let value = match (value, is_switch(first)) {
            (Some(value), true) => value.to_ascii_lowercase(),
            (Some(value), false) => value.to_owned(),
            (None, true) => "true".to_owned(),
            (None, false) => {
                return Err(ErrorKind::FlagWithoutValue {
                    instruction: "RUN",
                    flag: format!("mount {name}"),
                });
            }
        };
        if self.get(first).is_some() {
            return Err(ErrorKind::MountDuplicate { option: first.to_owned() });
        }
        self.options.push((first, value));
        Ok(())
    }

    /// The same mount with every value put through `expand`, and checked again.
    pub(super) fn map(
        &self,
        expand: &mut dyn FnMut(&str) -> Result<String, ErrorKind>,
    ) -> Result<Mount, ErrorKind> {
        let mut options = Vec::with_capacity(self.options.len());
        for (name, value) in &self.options {
            options.push((*name, expand(value)?));
        }
        let mount = Mount { text: self.text.clone(), options };
        mount.check(false)?;
        Ok(mount)
    }

    /// Checks what can be known. `early`: values with variables are checked after expansion.
    fn check(&self, early: bool) -> Result<(), ErrorKind> {
        for (name, value) in &self.options {
            if *name == "from" && value.contains('$') {
                return Err(ErrorKind::VariableInFrom { instruction: "RUN", from: quoted(value) });
            }
            if !(early && value.contains('$')) {
                check_value(name, value)?;
            }
        }
        if self.switch("readonly").is_some() && self.switch("readwrite").is_some() {
            return Err(ErrorKind::MountDuplicate { option: "readwrite".into() });
        }
        let kind = self.kind();
        if early && kind.contains('$') {
            return Ok(());
        }
        let Some((_, allowed)) = BY_KIND.iter().find(|(name, _)| *name == kind) else {
            return Err(value_error("type", kind, "bind, cache, tmpfs, secret or ssh"));
        };
        match self.options.iter().find(|(name, _)| !allowed.contains(name)) {
            Some((name, _)) => Err(ErrorKind::MountKind { kind: quoted(kind), option: name }),
            None => Ok(()),
        }
    }
}

fn first_name(name: &str) -> Option<&'static str> {
    let first = match name {
        "src" => "source",
        "dst" | "destination" => "target",
        "ro" => "readonly",
        "rw" => "readwrite",
        other => other,
    };
    MOUNT_OPTIONS.iter().find(|known| **known == first).copied()
}

fn is_switch(name: &str) -> bool {
    matches!(name, "readonly" | "readwrite" | "required")
}

fn check_value(name: &str, value: &str) -> Result<(), ErrorKind> {
    let (fits, expected) = match name {
        "readonly" | "readwrite" | "required" => {
            (matches!(value, "true" | "false"), "true or false")
        }
        "sharing" => {
            (matches!(value, "shared" | "private" | "locked"), "shared, private or locked")
        }
        "mode" => (is_octal(value), "an octal number from 0 to 7777"),
        "uid" | "gid" => (value.parse::<u32>().is_ok_and(|id| id != u32::MAX), "a number"),
        _ => (!value.is_empty(), "a value"),
    };
    if fits { Ok(()) } else { Err(value_error(name, value, expected)) }
}

fn is_octal(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_digit())
        && u32::from_str_radix(value, 8).is_ok_and(|mode| mode <= 0o7777)
}

fn value_error(option: &str, value: &str, expected: &'static str) -> ErrorKind {
    ErrorKind::MountValue { option: option.to_owned(), value: quoted(value), expected }
}
