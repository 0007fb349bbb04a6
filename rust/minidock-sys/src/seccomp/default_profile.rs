//! The profile of a container that asks for no other.
//!
//! An allow-list in the spirit of docker's (which calls, and which capability opens which, follow
//! `profiles/seccomp/default.json` of the Moby project), with these differences:
//!
//! - Socket families are a list of those allowed, compared on the low 32 bits, since the kernel
//!   takes an `int`: AF_ALG, AF_VSOCK and all rare ones are closed, also to `socketpair` and with
//!   high bits set.
//! - i386 `socketcall` is open for all but SYS_SOCKET and SYS_SOCKETPAIR: its arguments lie behind
//!   a pointer, so that a filter cannot see the family. 32-bit programs that call socket(2)
//!   directly (musl; glibc built for Linux 4.3 or later) have sockets, others get EPERM.
//! - x32 calls and `clone3` get ENOSYS, io_uring is closed, and `personality` is compared on the
//!   low 32 bits.
//!
//! Must not depend on the machine it runs on.

use std::borrow::Cow;

use super::arch::NamedArch;
use super::profile::{Rule, Scope};
use super::{Action, Arch, CapSet, Comparison, Condition, Profile};

mod calls;

/// Socket families open to all: unix, inet, inet6, netlink, packet (`linux/socket.h`).
const SOCKET_FAMILIES: &[u32] = &[1, 2, 10, 16, 17];

/// Those that come with CAP_NET_ADMIN: key, pppox, can, xdp.
const SOCKET_FAMILIES_OF_NET_ADMIN: &[u32] = &[15, 24, 29, 44];

/// All numbers of `linux/net.h` but SYS_SOCKET (1) and SYS_SOCKETPAIR (8).
const SOCKETCALLS: &[u32] = &[2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

/// PER_LINUX, PER_LINUX32, each also with UNAME26, and the query.
const PERSONALITIES: &[u32] = &[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET (`linux/sched.h`).
/// CLONE_NEWTIME shares its bit with clone(2)'s exit signal and cannot be given there.
const NAMESPACE_FLAGS: u64 = 0x7e02_0000;

/// Which argument of clone(2) holds the flags: the first on every supported architecture.
const CLONE_FLAGS: u8 = 0;

impl Profile {
    /// The profile of a container that asks for no other: an allow-list close to docker's, with
    /// further calls for those who hold the capability they need. Refused calls get EPERM, and
    /// numbers of no known call ENOSYS. `rust/minidock-sys/tests/seccomp/` has the verdict on
    /// every number as a table.
    #[must_use]
    pub fn default_profile() -> Profile {
        let mut profile = Profile::new(Action::Errno(libc::EPERM as u16));
        for group in calls::ALLOWED {
            profile.push(allow(group, Scope::default()));
        }
        for (caps, names) in calls::OF_CAPABILITIES {
            for cap in *caps {
                profile.push(allow(names, holding(cap)));
            }
        }
        for (arches, names) in calls::OF_ARCHITECTURES {
            profile.push(allow(names, on(arches)));
        }
        push_sockets(&mut profile);
        push_low_32_bits(&mut profile, "personality", PERSONALITIES, Scope::default());
        push_clone(&mut profile);
        profile
    }
}

fn push_sockets(profile: &mut Profile) {
    let net_admin = holding("CAP_NET_ADMIN");
    for call in ["socket", "socketpair"] {
        push_low_32_bits(profile, call, SOCKET_FAMILIES, Scope::default());
        push_low_32_bits(profile, call, SOCKET_FAMILIES_OF_NET_ADMIN, net_admin.clone());
    }
    push_low_32_bits(profile, "socketcall", SOCKETCALLS, Scope::default());
}

/// clone(2) without namespaces for all, and anything for CAP_SYS_ADMIN (which is among
/// [`calls::OF_CAPABILITIES`]). clone3(2) keeps its flags behind a pointer: ENOSYS makes callers
/// fall back to clone(2).
fn push_clone(profile: &mut Profile) {
    let no_namespaces = Condition {
        argument: CLONE_FLAGS,
        comparison: Comparison::MaskedEqual { mask: NAMESPACE_FLAGS, value: 0 },
    };
    profile.push(Rule { conditions: vec![no_namespaces], ..allow("clone", Scope::default()) });
    profile.push(Rule {
        action: Action::Errno(libc::ENOSYS as u16),
        excludes: holding("CAP_SYS_ADMIN"),
        ..allow("clone3", Scope::default())
    });
}

/// Allows `name` with argument 0 being one of `values`.
fn push_low_32_bits(profile: &mut Profile, name: &'static str, values: &[u32], includes: Scope) {
    for value in values {
        profile.push(Rule {
            conditions: vec![Condition::low_32_bits_equal(0, *value)],
            ..allow(name, includes.clone())
        });
    }
}

fn allow(names: &'static str, includes: Scope) -> Rule {
    Rule {
        names: names.split_ascii_whitespace().map(Cow::Borrowed).collect(),
        action: Action::Allow,
        conditions: Vec::new(),
        includes,
        excludes: Scope::default(),
    }
}

fn holding(cap: &str) -> Scope {
    Scope {
        // A name that does not exist opens nothing; the tests check that each does.
        caps: CapSet::from_name(cap).unwrap_or(CapSet::from_bits(u64::MAX)),
        ..Scope::default()
    }
}

fn on(arches: &[Arch]) -> Scope {
    Scope { arches: arches.iter().copied().map(NamedArch::Supported).collect(), ..Scope::default() }
}

#[cfg(test)]
mod tests {
    use super::{CapSet, calls};
    use crate::seccomp::table;

    #[test]
    fn every_name_is_a_call_and_every_capability_exists() {
        let of_caps = calls::OF_CAPABILITIES.iter().map(|row| row.1);
        let of_arches = calls::OF_ARCHITECTURES.iter().map(|row| row.1);
        let groups = calls::ALLOWED.iter().copied().chain(of_caps).chain(of_arches);
        for name in groups.flat_map(str::split_ascii_whitespace) {
            assert!(table::is_known_anywhere(name), "{name}");
        }
        for cap in calls::OF_CAPABILITIES.iter().flat_map(|row| row.0) {
            assert!(CapSet::from_name(cap).is_some(), "{cap}");
        }
    }
}
