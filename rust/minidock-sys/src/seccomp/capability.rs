//! The capabilities a container will have, as far as a profile's rules ask for them.
//!
//! Must not change any process's capabilities.

/// Names by number (`linux/capability.h`, up to `CAP_LAST_CAP` of Linux 6.18).
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// A set of capabilities; bit N is capability N, as in `/proc/self/status`.
///
/// ```
/// use minidock_sys::seccomp::CapSet;
///
/// let caps = CapSet::from_names(["CAP_CHOWN", "CAP_SYS_ADMIN"]).ok_or("unknown name")?;
/// assert_eq!(caps.bits(), 1 | 1 << 21);
/// assert!(caps.contains_all(CapSet::from_bits(1)));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CapSet(u64);

impl CapSet {
    /// The empty set.
    pub const EMPTY: CapSet = CapSet(0);

    /// The set with these bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> CapSet {
        CapSet(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set of one capability, by its full name in upper case (`CAP_CHOWN`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<CapSet> {
        let number = NAMES.iter().position(|known| *known == name)?;
        Some(CapSet(1 << number))
    }

    /// The union of several names; `None` if one is unknown.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<CapSet> {
        names
            .into_iter()
            .try_fold(CapSet::EMPTY, |set, name| Some(set.with(CapSet::from_name(name)?)))
    }

    /// The names of those in the set that have one, by number.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = NAMES.iter().enumerate();
        named.filter(move |(number, _)| self.0 >> number & 1 == 1).map(|(_, name)| *name)
    }

    /// The union of two sets.
    #[must_use]
    pub const fn with(self, other: CapSet) -> CapSet {
        CapSet(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains_all(self, other: CapSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this set.
    #[must_use]
    pub const fn contains_any(self, other: CapSet) -> bool {
        self.0 & other.0 != 0
    }
}
