//! Conditions on arguments, above all with high bits set (threats R11, R33).

use minidock_sys::seccomp::{Action, Arch, CapSet, Comparison, Condition, Profile, Rule};

use crate::probe::{ALLOW, ENOSYS, EPERM, KILL, call, compiled, docker_caps, verdict};

/// What an attacker adds, since the kernel drops it.
const HIGH_BITS: [u64; 4] = [1 << 32, 1 << 63, 0xffff_ffff << 32, 0x1234_5678 << 32];

const NAMESPACES: [u64; 7] =
    [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

/// CLONE_VM and its like, with SIGCHLD: what threads and fork(3) give.
const THREAD_FLAGS: u64 = 0x003d_0f00;
const SIGCHLD: u64 = 17;

#[test]
fn only_listed_socket_families_open_whatever_the_high_bits() {
    let program = compiled(&Profile::default_profile(), docker_caps(), Arch::X86_64);
    let allowed = [1, 2, 10, 16, 17];
    for (arch, name) in [
        (Arch::X86_64, "socket"),
        (Arch::X86_64, "socketpair"),
        (Arch::X86, "socket"),
        (Arch::X86, "socketpair"),
    ] {
        for family in 0..=64_u64 {
            let expected = if allowed.contains(&family) { ALLOW } else { EPERM };
            assert_eq!(call(&program, arch, name, family), expected, "{name} {family}");
            for high in HIGH_BITS {
                let verdict = call(&program, arch, name, family | high);
                assert_eq!(verdict, expected, "{arch} {name} {family} {high:#x}");
            }
        }
        assert_eq!(call(&program, arch, name, u64::MAX), EPERM);
    }
}

#[test]
fn net_admin_opens_four_more_families_but_never_alg_and_vsock() {
    let caps = CapSet::from_bits(u64::MAX);
    let program = compiled(&Profile::default_profile(), caps, Arch::X86_64);
    for family in [15, 24, 29, 44] {
        assert_eq!(call(&program, Arch::X86_64, "socket", family), ALLOW);
    }
    for family in [38, 40] {
        for high in [0].into_iter().chain(HIGH_BITS) {
            assert_eq!(call(&program, Arch::X86_64, "socket", family | high), EPERM);
        }
    }
}

#[test]
fn socketcall_cannot_make_a_socket() {
    let program = compiled(&Profile::default_profile(), docker_caps(), Arch::X86_64);
    for number in 0..=64 {
        let open = (2..=20).contains(&number) && number != 8;
        let expected = if open { ALLOW } else { EPERM };
        assert_eq!(call(&program, Arch::X86, "socketcall", number), expected, "{number}");
    }
    assert_eq!(call(&program, Arch::X86, "socketcall", 1 | 1 << 32), EPERM);
}

#[test]
fn clone_makes_no_namespace_whatever_the_other_bits() {
    for (native, arch) in [
        (Arch::X86_64, Arch::X86_64),
        (Arch::X86_64, Arch::X86),
        (Arch::Aarch64, Arch::Aarch64),
        (Arch::Aarch64, Arch::Arm),
        (Arch::Riscv64, Arch::Riscv64),
    ] {
        let program = compiled(&Profile::default_profile(), docker_caps(), native);
        for high in [0].into_iter().chain(HIGH_BITS) {
            for plain in [0, SIGCHLD, THREAD_FLAGS, THREAD_FLAGS | 0x8000_0000] {
                assert_eq!(call(&program, arch, "clone", plain | high), ALLOW, "{arch}");
                for namespace in NAMESPACES {
                    let flags = namespace | plain | high;
                    assert_eq!(call(&program, arch, "clone", flags), EPERM, "{arch} {flags:#x}");
                }
            }
        }
        let admin = CapSet::from_name("CAP_SYS_ADMIN").expect("a capability");
        let program = compiled(&Profile::default_profile(), admin, native);
        assert_eq!(call(&program, arch, "clone", 0x1000_0000), ALLOW);
        assert_eq!(call(&program, arch, "clone3", 0), ALLOW);
    }
}

#[test]
fn personality_is_one_of_five() {
    let program = compiled(&Profile::default_profile(), docker_caps(), Arch::X86_64);
    for persona in [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff, 1 << 32] {
        assert_eq!(call(&program, Arch::X86_64, "personality", persona), ALLOW);
    }
    for persona in [1, 0x4_0000, 0x40_0000, 0x40_0000 | 1 << 32] {
        assert_eq!(call(&program, Arch::X86_64, "personality", persona), EPERM);
    }
}

#[test]
fn x32_and_foreign_programs_get_nowhere() {
    let blocklist = Profile::new(Action::Allow);
    for profile in [Profile::default_profile(), blocklist] {
        let program = compiled(&profile, docker_caps(), Arch::X86_64);
        for number in [0, 1, 59, 101, 520, 521, 0x3fff_ffff, 0xbfff_ffff] {
            let x32 = 0x4000_0000 | number;
            assert_eq!(verdict(&program, Arch::X86_64, x32, [0; 6]), ENOSYS, "{number}");
        }
        for foreign in [Arch::Aarch64, Arch::Arm, Arch::Riscv64] {
            assert_eq!(verdict(&program, foreign, 0, [0; 6]), KILL);
        }
    }
}

#[test]
fn each_capability_opens_its_calls_and_no_others() {
    let rows = [
        (
            "CAP_SYS_ADMIN",
            "mount umount2 setns unshare bpf perf_event_open syslog fsopen sethostname",
        ),
        ("CAP_BPF", "bpf"),
        ("CAP_PERFMON", "perf_event_open"),
        ("CAP_SYSLOG", "syslog"),
        ("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"),
        ("CAP_SYS_CHROOT", "chroot"),
        ("CAP_SYS_TIME", "settimeofday clock_settime"),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_SYS_PACCT", "acct"),
        ("CAP_SYS_RAWIO", "iopl ioperm"),
        ("CAP_SYS_MODULE", "init_module finit_module delete_module"),
        ("CAP_SYS_NICE", "mbind set_mempolicy get_mempolicy"),
        ("CAP_SYS_TTY_CONFIG", "vhangup"),
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
    ];
    let profile = Profile::default_profile();
    for (cap, calls) in rows {
        let caps = CapSet::from_name(cap).expect("a capability");
        let with = compiled(&profile, caps, Arch::X86_64);
        let without = compiled(&profile, CapSet::from_bits(!caps.bits()), Arch::X86_64);
        let none = compiled(&profile, CapSet::EMPTY, Arch::X86_64);
        for name in calls.split_ascii_whitespace() {
            assert_eq!(call(&with, Arch::X86_64, name, 0), ALLOW, "{cap} {name}");
            assert_eq!(call(&none, Arch::X86_64, name, 0), EPERM, "{cap} {name}");
            let only_one = !["bpf", "perf_event_open", "syslog"].contains(&name);
            let expected = if only_one { EPERM } else { ALLOW };
            assert_eq!(call(&without, Arch::X86_64, name, 0), expected, "{cap} {name}");
        }
    }
}

/// Whether a comparison of an argument with a value holds.
type Arithmetic = fn(u64, u64) -> bool;

/// Every comparison against plain arithmetic, on all six arguments.
#[test]
fn comparisons_are_those_of_64_bit_numbers() {
    let edges = [
        0,
        1,
        38,
        0x7fff_ffff,
        0xffff_ffff,
        1 << 32,
        (1 << 32) + 1,
        (1 << 32) | 38,
        u64::MAX - 1,
        u64::MAX,
    ];
    for value in edges {
        for argument in 0..6 {
            let cases: [(Comparison, Arithmetic); 8] = [
                (Comparison::Equal(value), |arg, value| arg == value),
                (Comparison::NotEqual(value), |arg, value| arg != value),
                (Comparison::Less(value), |arg, value| arg < value),
                (Comparison::LessOrEqual(value), |arg, value| arg <= value),
                (Comparison::Greater(value), |arg, value| arg > value),
                (Comparison::GreaterOrEqual(value), |arg, value| arg >= value),
                (Comparison::MaskedEqual { mask: value, value: 38 }, |arg, value| {
                    arg & value == 38 & value
                }),
                (Comparison::MaskedEqual { mask: 0xffff_0000_ffff, value }, |arg, value| {
                    arg & 0xffff_0000_ffff == value & 0xffff_0000_ffff
                }),
            ];
            for (comparison, expected) in cases {
                let mut profile = Profile::new(Action::Errno(1));
                let condition = Condition { argument, comparison };
                profile.push(Rule::new(["read"], Action::Allow, vec![condition]).expect("a rule"));
                let program = compiled(&profile, CapSet::EMPTY, Arch::X86_64);
                for arg in edges {
                    let mut args = [0x5555_5555_5555_5555; 6];
                    args[usize::from(argument)] = arg;
                    let expect = |holds: bool| if holds { ALLOW } else { EPERM };
                    let got = verdict(&program, Arch::X86_64, 0, args);
                    assert_eq!(got, expect(expected(arg, value)), "{comparison:?} {arg:#x}");
                    // A 32-bit program's read(2); the kernel drops the upper half.
                    let got = verdict(&program, Arch::X86, 3, args);
                    let low = arg & 0xffff_ffff;
                    assert_eq!(got, expect(expected(low, value)), "{comparison:?} {low:#x}");
                }
            }
        }
    }
}

#[test]
fn the_most_restrictive_rule_wins_in_any_order() {
    let on_38 = vec![Condition::low_32_bits_equal(0, 38)];
    let rules = [
        Rule::new(["socket"], Action::Allow, Vec::new()),
        Rule::new(["socket"], Action::Errno(1), on_38.clone()),
        Rule::new(["socket"], Action::Log, on_38),
    ]
    .map(|rule| rule.expect("a rule"));
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for default in [Action::Errno(1), Action::Allow, Action::KillProcess] {
            let mut profile = Profile::new(default);
            for at in order {
                profile.push(rules[at].clone());
            }
            let program = compiled(&profile, CapSet::EMPTY, Arch::X86_64);
            assert_eq!(call(&program, Arch::X86_64, "socket", 38 | 1 << 40), EPERM);
            assert_eq!(call(&program, Arch::X86_64, "socket", 2), ALLOW);
        }
    }
}
