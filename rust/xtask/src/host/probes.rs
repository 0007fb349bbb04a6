//! The capabilities, each as a small shell script that does the real thing and ends with status 0
//! if it worked. The last line that it prints is shown. Scripts run as the non-root user and leave
//! nothing behind: what they mount or make lives in namespaces and directories of their own.

/// Whether the suites can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A suite fails without it.
    Required,
    /// Printed for whoever reads a report; the suites bring their own or go without.
    Shown,
}

/// One capability.
pub(super) struct Probe {
    pub(super) name: &'static str,
    pub(super) need: Need,
    pub(super) script: &'static str,
}

const fn required(name: &'static str, script: &'static str) -> Probe {
    Probe { name, need: Need::Required, script }
}

const fn shown(name: &'static str, script: &'static str) -> Probe {
    Probe { name, need: Need::Shown, script }
}

/// In the order in which they build upon each other.
pub(super) const PROBES: &[Probe] = &[
    required("kernel 5.13 or later", KERNEL),
    required("not root", "id; test \"$(id -u)\" != 0"),
    required(
        "user namespaces",
        "unshare --user true; echo \"$(cat /proc/sys/user/max_user_namespaces) at most\"",
    ),
    required("id map of one", "unshare --user --map-root-user cat /proc/self/uid_map"),
    required("subordinate ids", SUBORDINATE),
    required("newuidmap", NEWUIDMAP),
    required(
        "own /proc",
        "unshare --user --map-root-user --pid --fork --mount-proc sh -c 'test $$ = 1'",
    ),
    required("overlay", OVERLAY),
    required("tun", "unshare --user --map-root-user --net ip tuntap add dev probe mode tap"),
    required("fuse", FUSE),
    required("seccomp", SECCOMP),
    required(
        "pasta",
        "pasta --config-net -t none -u none -T none -U none -- ip -brief address show scope global",
    ),
    required("slirp4netns", SLIRP),
    required("nftables", "unshare --user --map-root-user --net nft add table ip probe"),
    shown("cgroup v2 only", CGROUP_MODE),
    shown("cgroup delegated", CGROUP_DELEGATED),
    shown("fresh sysfs", "unshare --user --map-root-user --net --mount mount -t sysfs sysfs /sys"),
    shown("systemd user session", "test -S \"${XDG_RUNTIME_DIR:?is not set}/systemd/private\""),
    shown("kvm", "test -r /dev/kvm -a -w /dev/kvm"),
];

const KERNEL: &str = r#"
uname -srm
release=$(uname -r); major=${release%%.*}; rest=${release#*.}; minor=${rest%%[!0-9]*}
test "$major" -gt 5 -o \( "$major" -eq 5 -a "$minor" -ge 13 \)
"#;

const SUBORDINATE: &str = r#"
for file in /etc/subuid /etc/subgid; do
    grep -E "^($(id -un)|$(id -u)):" "$file" || { echo "no line of $(id -un) in $file"; exit 1; }
done
"#;

/// The second id really becomes usable only if newuidmap and newgidmap wrote the map.
const NEWUIDMAP: &str = r#"
unshare --user --map-root-user --map-auto setpriv --reuid 1 --regid 1 --clear-groups \
    awk 'END { print NR " extents" }' /proc/self/uid_map
"#;

const OVERLAY: &str = r#"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
mkdir lower upper work merged; echo lower >lower/file
unshare --user --map-root-user --mount sh -euc '
    mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr overlay merged
    echo changed >merged/file; rm merged/file; test ! -e merged/file; umount merged; rm -rf work/work'
echo "on $(stat -f -c %T .)"
"#;

const FUSE: &str = r#"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
mkdir lower upper work merged; echo lower >lower/file
unshare --user --map-root-user --mount --pid --fork sh -euc '
    fuse-overlayfs -o lowerdir=lower,upperdir=upper,workdir=work merged
    grep -q lower merged/file; umount merged; rm -rf work/work'
echo "$(fuse-overlayfs --version 2>&1 | sed -n 's/^fuse-overlayfs: //p')"
"#;

/// The filter is one instruction, "return SECCOMP_RET_ALLOW" (seccomp(2)).
const SECCOMP: &str = r#"
cat /proc/sys/kernel/seccomp/actions_avail
printf '\006\000\000\000\000\000\377\177' |
    bwrap --seccomp 0 --ro-bind / / grep -q '^Seccomp:[[:space:]]*2' /proc/self/status
"#;

const SLIRP: &str = r#"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkfifo "$work/go" "$work/ready"
unshare --user --map-root-user --net sh -c 'echo $$ >"$1/pid"; read -r _ <"$1/go"' sh "$work" &
while ! test -s "$work/pid"; do sleep 0.05; done
slirp4netns --configure --disable-host-loopback --ready-fd 3 "$(cat "$work/pid")" tap0 \
    3>"$work/up" >/dev/null 2>"$work/log" &
helper=$!
for _ in $(seq 100); do test -s "$work/up" && break; sleep 0.05; done
kill "$helper" || true; echo >"$work/go"; wait
test -s "$work/up" || { tail -n 1 "$work/log"; exit 1; }
slirp4netns --version | head -n 1
"#;

const CGROUP_MODE: &str = r#"
if test "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs; then echo "v2"; exit 0; fi
if test -e /sys/fs/cgroup/unified; then echo "hybrid"; else echo "v1 or none"; fi; exit 1
"#;

const CGROUP_DELEGATED: &str = r#"
root=/sys/fs/cgroup; test -d "$root/unified" && root="$root/unified"
own="$root$(sed -n 's/^0:://p' /proc/self/cgroup)"
if test -w "$own" -a -w "$own/cgroup.procs"; then echo "$own: $(cat "$own/cgroup.controllers")"
else echo "$own is not writable"; exit 1; fi
"#;
