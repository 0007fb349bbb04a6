//! Reading profiles in docker's form: what each field means, and what is refused with which words.

use std::error::Error as _;

use minidock_sys::seccomp::{Action, Arch, CapSet, LoadFlags, Profile, compile};

use crate::probe::{ALLOW, ENOSYS, EPERM, KERNEL, KILL, call, compiled, from_json, verdict};

/// One of everything.
pub(crate) const RICH: &str = r#"{
  "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
  "archMap": [
    {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
    {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null}
  ],
  "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
  "syscalls": [
    {"names": ["read", "write", "a_call_of_tomorrow"], "action": "SCMP_ACT_ALLOW", "args": null},
    {"name": "close", "action": "SCMP_ACT_LOG", "comment": "audited", "includes": {}},
    {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}],
     "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]}},
    {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
    {"names": ["kcmp"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "7.0"}},
    {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
    {"names": ["cacheflush"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm", "arm64"]}},
    {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    {"names": ["acct"], "action": "SCMP_ACT_TRACE", "errnoRet": 7},
    {"names": ["reboot"], "action": "SCMP_ACT_KILL_PROCESS"},
    {"names": ["swapon"], "action": "SCMP_ACT_KILL"},
    {"names": ["swapoff"], "action": "SCMP_ACT_TRAP"}
  ]
}"#;

#[test]
fn every_field_has_its_effect() {
    let profile = from_json(RICH);
    let expected = LoadFlags { log: true, spec_allow: true, ..LoadFlags::default() };
    assert_eq!(profile.flags(), expected);
    let program = compiled(&profile, CapSet::EMPTY, Arch::X86_64);
    let rows = [
        ("read", 0, ALLOW),
        ("close", 0, Action::Log.to_return_value()),
        ("open", 0, EPERM),
        ("clone", 0, ALLOW),
        ("clone", 0x1000_0011, EPERM),
        ("ptrace", 0, ALLOW),
        ("kcmp", 0, EPERM),
        ("mount", 0, EPERM),
        ("clone3", 0, ENOSYS),
        ("acct", 0, Action::Trace(7).to_return_value()),
        ("reboot", 0, Action::KillProcess.to_return_value()),
        ("swapon", 0, Action::KillThread.to_return_value()),
        ("swapoff", 0, Action::Trap.to_return_value()),
    ];
    for arch in [Arch::X86_64, Arch::X86] {
        for (name, first, expected) in rows {
            assert_eq!(call(&program, arch, name, first), expected, "{arch} {name}");
        }
        assert_eq!(verdict(&program, arch, 470, [0; 6]), ENOSYS);
    }
    let admin = CapSet::from_name("CAP_SYS_ADMIN").expect("a capability");
    let program = compiled(&profile, admin, Arch::X86_64);
    assert_eq!(call(&program, Arch::X86_64, "mount", 0), ALLOW);
    assert_eq!(call(&program, Arch::X86_64, "clone", 0), EPERM);
    assert_eq!(call(&program, Arch::X86_64, "arch_prctl", 0), ALLOW);
}

/// The map has no row for arm64, so that there only native programs run.
#[test]
fn programs_of_unlisted_architectures_are_killed() {
    let program = compiled(&from_json(RICH), CapSet::EMPTY, Arch::Aarch64);
    assert_eq!(call(&program, Arch::Aarch64, "read", 0), ALLOW);
    assert_eq!(call(&program, Arch::Arm, "read", 0), KILL);
    assert_eq!(call(&program, Arch::X86_64, "read", 0), KILL);
    let bare = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
    let listed = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"]}"#;
    for (json, expected) in [(bare, KILL), (listed, ALLOW)] {
        let program = compiled(&from_json(json), CapSet::EMPTY, Arch::X86_64);
        assert_eq!(call(&program, Arch::X86_64, "read", 0), ALLOW);
        assert_eq!(call(&program, Arch::X86, "read", 0), expected);
    }
}

#[test]
fn a_blocklist_refuses_its_calls_and_allows_unknown_ones() {
    let profile = from_json(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": ["keyctl", "s390_pci_mmio_read", "swapcontext"], "action": "SCMP_ACT_ERRNO"}]}"#,
    );
    let program = compiled(&profile, CapSet::EMPTY, Arch::X86_64);
    assert_eq!(call(&program, Arch::X86_64, "keyctl", 0), EPERM);
    assert_eq!(verdict(&program, Arch::X86_64, 470, [0; 6]), ALLOW);
}

/// docker: `value` is the mask and `valueTwo` what must be left of the argument.
#[test]
fn masked_eq_has_the_mask_first() {
    let profile = from_json(
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"],
            "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 240, "valueTwo": 16,
            "op": "SCMP_CMP_MASKED_EQ"}]}]}"#,
    );
    let program = compiled(&profile, CapSet::EMPTY, Arch::X86_64);
    for (argument, expected) in [(0x10, ALLOW), (0x1f, ALLOW), (0xf0, EPERM), (0x30, EPERM)] {
        assert_eq!(call(&program, Arch::X86_64, "read", argument), expected);
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let rule = |fields: &str| {
        format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{{{fields}}}]}}"#)
    };
    let arg = |fields: &str| {
        rule(&format!(r#""names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{fields}]"#))
    };
    let top = |fields: &str| format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", {fields}}}"#);
    let cases = [
        ("{".to_owned(), "EOF"),
        ("{}".to_owned(), "defaultAction"),
        (top(r#""defaultErrno": "ENOSYS""#), "unknown field `defaultErrno`"),
        (top(r#""defaultErrnoRet": 4096"#), "4096"),
        (top(r#""defaultErrnoRet": -1"#), "-1"),
        (top(r#""architectures": ["SCMP_ARCH_VAX"]"#), "SCMP_ARCH_VAX"),
        (
            top(
                r#""architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86"}]"#,
            ),
            "archMap",
        ),
        (top(r#""flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]"#), "NEW_LISTENER"),
        (top(r#""listenerPath": "/run/x""#), "listenerPath"),
        (top(r#""listenerMetadata": "x""#), "listenerMetadata"),
        (r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#.to_owned(), "SCMP_ACT_NOTIFY"),
        (r#"{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}"#.to_owned(), "errnoRet"),
        (r#"{"defaultAction": "ALLOW"}"#.to_owned(), "\"ALLOW\""),
        (rule(r#""names": ["keyctrl"], "action": "SCMP_ACT_ERRNO""#), "keyctrl"),
        (rule(r#""names": ["keyctrl"], "action": "SCMP_ACT_KILL""#), "keyctrl"),
        (rule(r#""names": ["keyctrl"], "action": "SCMP_ACT_TRACE""#), "keyctrl"),
        (rule(r#""names": [], "action": "SCMP_ACT_ERRNO""#), "names"),
        (rule(r#""action": "SCMP_ACT_ERRNO""#), "names"),
        (rule(r#""name": "read", "names": ["read"], "action": "SCMP_ACT_ERRNO""#), "both"),
        (rule(r#""names": ["read"]"#), "action"),
        (rule(r#""names": ["read"], "action": "SCMP_ACT_DENY""#), "SCMP_ACT_DENY"),
        (rule(r#""names": ["read"], "action": "SCMP_ACT_TRAP", "errnoRet": 1"#), "SCMP_ACT_TRAP"),
        (rule(r#""names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EPERM""#), "`errno`"),
        (rule(r#""names": ["read"], "action": "SCMP_ACT_ERRNO", "priority": 1"#), "`priority`"),
        (
            rule(
                r#""names": ["read"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["SYS_ADMIN"]}"#,
            ),
            "\"SYS_ADMIN\"",
        ),
        (
            rule(
                r#""names": ["read"], "action": "SCMP_ACT_ERRNO", "excludes": {"arches": ["vax"]}"#,
            ),
            "\"vax\"",
        ),
        (
            rule(
                r#""names": ["read"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "new"}"#,
            ),
            "\"new\"",
        ),
        (
            rule(r#""names": ["read"], "action": "SCMP_ACT_ERRNO", "includes": {"cap": []}"#),
            "`cap`",
        ),
        (arg(r#"{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}"#), "argument 6"),
        (arg(r#"{"index": 300, "value": 0, "op": "SCMP_CMP_EQ"}"#), "argument 300"),
        (arg(r#"{"index": 0, "value": 0, "op": "SCMP_CMP_IN"}"#), "SCMP_CMP_IN"),
        (arg(r#"{"index": 0, "value": 0, "valueTwo": 1, "op": "SCMP_CMP_EQ"}"#), "valueTwo"),
        (arg(r#"{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}"#), "u64"),
        (
            arg(
                r#"{"index": 0, "value": 38, "op": "SCMP_CMP_NE"}, {"index": 0, "value": 40, "op": "SCMP_CMP_NE"}"#,
            ),
            "two conditions on argument 0",
        ),
    ];
    for (json, part) in cases {
        let error = Profile::from_json(json.as_bytes()).expect_err(&json);
        let source = error.source().map(|source| format!(": {source}"));
        let text = format!("{error}{}", source.unwrap_or_default());
        assert!(text.contains(part), "{text:?} does not name {part:?}");
        assert!(!text.contains('\n'), "{text:?} is not one line");
    }
}

#[test]
fn the_rule_at_fault_is_counted_from_one() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_LOG"},
        {"names": ["raed"], "action": "SCMP_ACT_ERRNO"}]}"#;
    let error = Profile::from_json(json.as_bytes()).expect_err("a misspelt name");
    assert!(error.to_string().starts_with("rule 2 "), "{error}");
}

#[test]
fn a_profile_too_long_for_the_kernel_is_refused() {
    let rule = |value: usize| {
        format!(
            r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
                {{"index": 2, "value": {value}, "op": "SCMP_CMP_EQ"}}]}}"#
        )
    };
    let profile = |rules: usize| {
        let rules: Vec<String> = (0..rules).map(rule).collect();
        from_json(&format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}}"#,
            rules.join(",")
        ))
    };
    assert!(compile(&profile(2000), CapSet::EMPTY, Arch::X86_64, KERNEL).is_err());
    // Long enough that jumps over it do not fit into eight bits.
    let program = compiled(&profile(300), CapSet::EMPTY, Arch::X86_64);
    for (value, expected) in [(0, ALLOW), (299, ALLOW), (300, EPERM), (1 << 32, EPERM)] {
        assert_eq!(verdict(&program, Arch::X86_64, 0, [0, 0, value, 0, 0, 0]), expected);
    }
    assert_eq!(call(&program, Arch::X86_64, "write", 0), EPERM);
    assert_eq!(verdict(&program, Arch::X86_64, 470, [0; 6]), ENOSYS);
}
