//! What runs in a container: the same description for init, exec, RUN and health check.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// A process to be started in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Program and arguments; a program without a slash is looked up in the container's PATH.
    /// Empty for a first process that is no program at all: it reaps, waits for executed
    /// processes to come and go, and ends at a signal that asks a program to end.
    pub args: Vec<Bytes>,
    /// The whole environment, `NAME=value` each.
    pub env: Vec<Bytes>,
    /// Working directory inside the container, absolute.
    pub cwd: Bytes,
    /// `USER` as docker takes it: `name|uid[:group|gid]`; empty is root.
    pub user: String,
    /// Further groups, by name or number.
    pub groups: Vec<String>,
    /// A terminal of this size instead of pipes.
    pub terminal: Option<WindowSize>,
    /// What the process is allowed.
    pub lockdown: Lockdown,
    /// Resource limits (setrlimit(2)).
    pub limits: Vec<Limit>,
}

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

/// Restrictions that are put on a process before its program starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockdown {
    /// Capabilities that stay in the bounding set, one bit per number (capabilities(7)).
    pub capabilities: u64,
    /// `no_new_privs`: setuid programs and file capabilities do not count.
    pub no_new_privileges: bool,
    /// The seccomp filter as classic BPF instructions, 8 bytes each; `None` for no filter.
    pub seccomp: Option<Program>,
}

/// A compiled seccomp filter; hexadecimal in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(pub Vec<u8>);

impl Serialize for Program {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in &self.0 {
            text.push(DIGITS[usize::from(byte >> 4)] as char);
            text.push(DIGITS[usize::from(byte & 15)] as char);
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Program {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect();
        bytes
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a seccomp filter is not hexadecimal"))
    }
}

/// One resource limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Which.
    pub resource: Resource,
    /// Soft limit; `None` is unlimited.
    pub soft: Option<u64>,
    /// Hard limit; `None` is unlimited.
    pub hard: Option<u64>,
}

/// Resources of setrlimit(2), by docker's names, and the address space by the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of setrlimit(2)")]
pub enum Resource {
    As,
    Core,
    Cpu,
    Data,
    Fsize,
    Locks,
    Memlock,
    Msgqueue,
    Nice,
    Nofile,
    Nproc,
    Rss,
    Rtprio,
    Rttime,
    Sigpending,
    Stack,
}

impl Resource {
    /// All of them with the names that `--ulimit` takes.
    pub const ALL: [(&str, Self); 16] = [
        ("as", Self::As),
        ("core", Self::Core),
        ("cpu", Self::Cpu),
        ("data", Self::Data),
        ("fsize", Self::Fsize),
        ("locks", Self::Locks),
        ("memlock", Self::Memlock),
        ("msgqueue", Self::Msgqueue),
        ("nice", Self::Nice),
        ("nofile", Self::Nofile),
        ("nproc", Self::Nproc),
        ("rss", Self::Rss),
        ("rtprio", Self::Rtprio),
        ("rttime", Self::Rttime),
        ("sigpending", Self::Sigpending),
        ("stack", Self::Stack),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_survive_json() {
        let program = Program((0..=255).collect());
        let json = serde_json::to_string(&program).unwrap();
        assert_eq!(serde_json::from_str::<Program>(&json).unwrap(), program);
        assert!(serde_json::from_str::<Program>("\"abc\"").is_err());
        assert!(serde_json::from_str::<Program>("\"zz\"").is_err());
    }
}
