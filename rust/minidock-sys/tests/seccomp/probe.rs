//! Asks a filter for its verdict on one call. Must not decide what is right.

use minidock_sys::seccomp::{
    Action, Arch, CapSet, KernelVersion, Profile, Program, compile, table,
};

use crate::interpreter::{SeccompData, run};

pub(crate) const KERNEL: KernelVersion = KernelVersion { major: 6, minor: 18 };

pub(crate) const EPERM: u32 = Action::Errno(1).to_return_value();
pub(crate) const ENOSYS: u32 = Action::Errno(38).to_return_value();
pub(crate) const ALLOW: u32 = Action::Allow.to_return_value();
pub(crate) const KILL: u32 = Action::KillProcess.to_return_value();

/// What docker gives a container that asks for nothing.
pub(crate) fn docker_caps() -> CapSet {
    CapSet::from_names([
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
    ])
    .expect("names of capabilities")
}

pub(crate) fn compiled(profile: &Profile, caps: CapSet, native: Arch) -> Program {
    compile(profile, caps, native, KERNEL).expect("a profile that compiles")
}

pub(crate) fn from_json(json: &str) -> Profile {
    Profile::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {json}"))
}

/// The verdict on a call by number.
pub(crate) fn verdict(program: &Program, arch: Arch, number: u32, args: [u64; 6]) -> u32 {
    let data = SeccompData {
        number,
        arch: arch.audit_token(),
        instruction_pointer: 0x7fff_1234_5678,
        args,
    };
    run(program.instructions(), data).0
}

/// The verdict on a call by name, its other arguments zero.
pub(crate) fn call(program: &Program, arch: Arch, name: &str, first: u64) -> u32 {
    let number = table::number(arch, name).unwrap_or_else(|| panic!("{arch} has no {name}"));
    verdict(program, arch, number, [first, 0, 0, 0, 0, 0])
}
