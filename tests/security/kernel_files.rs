//! R16, R23: files of the kernel that reach beyond the container are closed to writing, and an
//! image's labels and annotations steer nothing.

use crate::environment::archive;
use crate::places::value;
use crate::tarball::Tarball;
use crate::world::World;

/// Opens each for writing without changing it; says which could be.
const WRITE: &str = "for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname \
     /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/sys/fs/binfmt_misc/register \
     /proc/sysrq-trigger /proc/kcore /proc/keys /proc/timer_list /proc/bus /proc/irq/default_smp_affinity \
     /proc/fs /proc/acpi /proc/scsi /proc/interrupts /sys/fs/cgroup/cgroup.procs \
     /sys/fs/cgroup/release_agent /sys/kernel/uevent_helper /sys/kernel/profiling \
     /sys/kernel/mm/transparent_hugepage/enabled /sys/power/state /sys/firmware \
     /sys/module/kernel/uevent; do \
     test -e $file || continue; echo tried; (: >> $file) 2>/dev/null && echo open $file; \
     done; mkdir /sys/fs/cgroup/new 2>/dev/null && echo made; true";

/// Masked files give nothing to read.
const READ: &str = "for file in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug \
     /proc/interrupts; do test -e $file && head -c 1 $file; done; \
     ls -A /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap 2>/dev/null | \
     grep -v ':$'; true";

#[test]
fn files_of_the_kernel_are_closed() {
    let world = World::with_base();
    for flags in [&[] as &[&str], &["--network", "none"], &["--security-opt", "seccomp=unconfined"]]
    {
        let words = [&["run", "--rm"], flags, &["base", "sh", "-c", WRITE]].concat();
        let run = world.run(words);
        assert!(run.succeeds().stdout.matches("tried").count() > 6, "{}", run.told());
        let open: Vec<&str> = run
            .stdout
            .lines()
            // Masked by the harmless null device.
            .filter(|line| line.starts_with("open") || *line == "made")
            .filter(|line| !is_null(&world, flags, line.trim_start_matches("open ")))
            .collect();
        assert!(open.is_empty(), "{flags:?}: {open:?}");
        let words = [&["run", "--rm"], flags, &["base", "sh", "-c", READ]].concat();
        let read = world.run(words);
        assert_eq!(read.succeeds().stdout.trim(), "", "{flags:?}");
    }
}

fn is_null(world: &World, flags: &[&str], file: &str) -> bool {
    let words = [&["run", "--rm"], flags, &["base", "stat", "-c", "%F %t:%T", file]].concat();
    world.run(words).line() == "character special file 1:3"
}

/// What other engines take from images, and what we would be tempted to.
#[test]
fn labels_of_an_image_steer_nothing() {
    let world = World::new();
    let canary = world.canary.text();
    let labels = [
        ("run.oci.keep_original_groups", "1"),
        ("run.oci.handler", "krun"),
        ("run.oci.hooks.stderr", canary),
        ("io.podman.annotations.privileged", "TRUE"),
        ("io.podman.annotations.seccomp", "unconfined"),
        ("io.containerd.runc.v2.group", canary),
        ("org.criu.config", canary),
        ("org.systemd.property.ExecStartPre", "'/bin/touch /tmp/x'"),
        ("io.kubernetes.cri-o.userns-mode", "host"),
        ("minidock.privileged", "true"),
        ("minidock.seccomp", "unconfined"),
        ("minidock.volume", canary),
    ];
    let labels: Vec<String> =
        labels.iter().map(|(key, text)| format!("{key:?}:{text:?}")).collect();
    let labels = labels.join(",");
    let config = format!("\"Labels\":{{{labels}}},\"Annotations\":{{{labels}}}");
    let archive = archive(&world, &[Tarball::busybox()], &config);
    world.call(["load"]).input(archive).run().succeeds();
    world.import(&Tarball::busybox(), "base").succeeds();
    let born = |image: &str| {
        let words = ["run", "--rm", "--network", "none", image, "/probe", "facts"];
        let text = world.run(words).succeeds().stdout.clone();
        let mounts = [
            "run",
            "--rm",
            "--network",
            "none",
            image,
            "cut",
            "-d ",
            "-f5-6",
            "/proc/self/mountinfo",
        ];
        let mounts = world.run(mounts).succeeds().stdout.clone();
        let same = |line: &&str| !line.starts_with("ns.") && !line.starts_with("env=HOSTNAME");
        (text.lines().filter(same).map(str::to_owned).collect::<Vec<_>>(), mounts)
    };
    let (plain, steered) = (born("base"), born("loaded"));
    assert_eq!(plain, steered);
    assert_eq!(value(&steered.0.join("\n"), "Seccomp"), "2");
    world.unharmed("labels");
}
