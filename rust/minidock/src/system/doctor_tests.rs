//! What `doctor` says of hosts that this one is not.

use std::path::PathBuf;

use super::super::{Kernel, MappingInfo, NetworkHelper, Probes, RuntimeInfo, StoreInfo};
use super::*;

fn host() -> Info {
    Info {
        version: "0",
        store: StoreInfo {
            root: PathBuf::from("/s"),
            id: String::new(),
            file_system: "ext4".to_owned(),
            free: 5 << 20,
            read_only: None,
        },
        mapping: MappingInfo {
            name: String::new(),
            single: false,
            single_because: None,
            kept_groups: Vec::new(),
            uids: Vec::new(),
            gids: Vec::new(),
        },
        runtime: RuntimeInfo { path: Some(PathBuf::from("/r")), missing: None, protocol: 1 },
        kernel: Kernel {
            release: "6.1.0".to_owned(),
            machine: String::new(),
            max_user_namespaces: Some(100),
            unprivileged_userns_clone: None,
            apparmor_restrict_userns: None,
        },
        probes: Probes::default(),
        network_helpers: vec![NetworkHelper {
            name: "pasta",
            path: PathBuf::from("/usr/bin/pasta"),
            version: None,
        }],
        cgroup: Cgroup { mode: CgroupMode::V2, delegated: vec!["memory".to_owned()] },
        containers: 0,
        containers_running: 0,
        images: 0,
    }
}

fn fix(check: &Check) -> &str {
    assert!(!check.ok, "{check:?}");
    check.fix.as_deref().unwrap()
}

#[test]
fn a_good_host() {
    let info = host();
    let mut checks = vec![kernel(&info), store(&info), runtime(&info), subordinate_ids(&info)];
    checks.extend(user_namespaces(&info));
    checks.extend(probes(&info));
    checks.push(cgroup(&info.cgroup));
    for check in checks {
        assert!(check.ok && check.fix.is_none(), "{check:?}");
    }
}

#[test]
fn an_old_kernel() {
    let mut info = host();
    info.kernel.release = "5.10.0-30-amd64".to_owned();
    assert!(fix(&kernel(&info)).contains("5.13"));
}

#[test]
fn settings_that_forbid_user_namespaces() {
    let mut info = host();
    info.probes.user_namespace = Some("refused".to_owned());
    info.kernel.max_user_namespaces = Some(0);
    info.kernel.unprivileged_userns_clone = Some(0);
    info.kernel.apparmor_restrict_userns = Some(1);
    let checks = user_namespaces(&info);
    let fixes: Vec<_> = checks.iter().map(fix).collect();
    assert!(fixes[0].contains("user.max_user_namespaces=15000"), "{fixes:?}");
    assert!(fixes[1].contains("kernel.unprivileged_userns_clone=1"), "{fixes:?}");
    assert!(fixes[2].contains("profile minidock-runtime \"/r\""), "{fixes:?}");
    info.kernel = host().kernel;
    assert_eq!(user_namespaces(&info)[0].found, "refused");
    info.runtime.path = None;
    assert!(user_namespaces(&info).is_empty());
}

#[test]
fn reasons_for_a_single_id() {
    for (why, want) in [
        ("/etc/subuid has no line for ann", "usermod --add-subuids"),
        ("newuidmap is not installed (package uidmap)", "apt-get install uidmap"),
        ("this process runs under no_new_privs, newuidmap cannot work", "no_new_privs"),
    ] {
        let mut info = host();
        info.mapping.single_because = Some(why.to_owned());
        let check = subordinate_ids(&info);
        assert!(fix(&check).contains(want) && !check.required, "{check:?}");
    }
}

#[test]
fn probes_that_fail_are_named() {
    let mut info = host();
    info.probes.overlay = Some("EINVAL".to_owned());
    info.probes.tun = Some("ENOENT".to_owned());
    let bad: Vec<_> = probes(&info).into_iter().filter(|check| !check.ok).collect();
    let names: Vec<_> = bad.iter().map(|check| (check.name, check.required)).collect();
    assert_eq!(names, [("overlayfs", true), ("/dev/net/tun", false)]);
}

#[test]
fn groups_that_limit_nothing() {
    for (mode, want) in [
        (CgroupMode::V2, "Delegate=cpu cpuset io memory pids"),
        (CgroupMode::Hybrid, "systemd.unified_cgroup_hierarchy=1"),
    ] {
        let check = cgroup(&Cgroup { mode, delegated: Vec::new() });
        assert!(fix(&check).contains(want) && !check.required, "{check:?}");
    }
}
