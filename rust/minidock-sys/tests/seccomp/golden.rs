//! The default profile's verdict on every number from 0 to 600, as committed tables
//! (`default-<arch>.txt`, for docker's default capabilities). A change of the profile or of the
//! table of calls shows there; write them anew with `MINIDOCK_BLESS=1 cargo test -p minidock-sys
//! --test seccomp` and read the difference before committing it.
//!
//! A line is: number, name, verdict. Where the verdict depends on arguments there are three: first
//! argument 0, first argument 1 (others 0), and every bit of every argument set.

use std::fmt::Write as _;
use std::path::Path;

use minidock_sys::seccomp::{Arch, Profile, Program, table};

use crate::probe::{ALLOW, ENOSYS, EPERM, KILL, compiled, docker_caps, verdict};

const PROBES: [[u64; 6]; 3] = [[0; 6], [1, 0, 0, 0, 0, 0], [u64::MAX; 6]];

#[test]
fn every_number_has_the_verdict_of_the_committed_table() {
    let mut differing = Vec::new();
    for (native, arch) in [
        (Arch::X86_64, Arch::X86_64),
        (Arch::X86_64, Arch::X86),
        (Arch::Aarch64, Arch::Aarch64),
        (Arch::Aarch64, Arch::Arm),
        (Arch::Riscv64, Arch::Riscv64),
    ] {
        let program = compiled(&Profile::default_profile(), docker_caps(), native);
        let path = Path::new(
            &std::env::var("CARGO_MANIFEST_DIR").expect("cargo and xtask name the package"),
        )
        .join(format!("tests/seccomp/default-{arch}.txt"));
        let table = render(&program, arch);
        if std::env::var_os("MINIDOCK_BLESS").is_some() {
            std::fs::write(&path, &table).expect("a writable table");
        }
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&table) {
            differing.push(path);
        }
    }
    assert!(
        differing.is_empty(),
        "other verdicts than in {differing:?}: see the head of golden.rs"
    );
}

fn render(program: &Program, arch: Arch) -> String {
    let private = table::numbers(arch).filter(|number| *number > 600);
    let mut text = String::new();
    for number in (0..=600).chain(private) {
        let verdicts = PROBES.map(|args| words(verdict(program, arch, number, args)));
        let all = match verdicts {
            [first, second, third] if first == second && second == third => first.to_owned(),
            several => several.join(" "),
        };
        let name = table::name(arch, number).unwrap_or("-");
        writeln!(text, "{number} {name} {all}").expect("writing to a string");
    }
    text
}

fn words(verdict: u32) -> &'static str {
    match verdict {
        ALLOW => "allow",
        EPERM => "EPERM",
        ENOSYS => "ENOSYS",
        KILL => "kill",
        other => panic!("verdict {other:#x} is not of the default profile"),
    }
}

/// Rows that must never change by a bless: threats R11, without arguments.
#[test]
fn dangerous_calls_are_refused() {
    let program = compiled(&Profile::default_profile(), docker_caps(), Arch::X86_64);
    let refused = "keyctl add_key request_key bpf perf_event_open userfaultfd open_by_handle_at \
        mount umount2 move_mount open_tree open_tree_attr fsopen fsmount pivot_root setns unshare \
        kexec_load init_module finit_module delete_module create_module query_module reboot \
        swapon swapoff io_uring_setup io_uring_enter io_uring_register syslog acct quotactl iopl \
        ioperm settimeofday clock_settime kcmp pidfd_getfd process_madvise move_pages \
        migrate_pages lookup_dcookie fanotify_init vhangup sethostname setdomainname uselib \
        ustat sysfs _sysctl nfsservctl";
    for arch in [Arch::X86_64, Arch::X86] {
        for name in refused.split_ascii_whitespace() {
            let number = table::number(arch, name).unwrap_or_else(|| panic!("{arch} {name}"));
            for args in PROBES {
                assert_eq!(verdict(&program, arch, number, args), EPERM, "{arch} {name}");
            }
        }
        assert_eq!(
            verdict(&program, arch, table::number(arch, "clone3").expect("clone3"), [0; 6]),
            ENOSYS
        );
    }
}
