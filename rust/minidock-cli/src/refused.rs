//! What docker has and minidock has not (yet): refused by name, with the reason and a way out.

use crate::failure::Failure;

/// Flags of some commands.
struct Flags {
    commands: &'static [&'static str],
    names: &'static [&'static str],
    reason: &'static str,
    hint: &'static str,
}

const CREATES: &[&str] = &["run", "create"];
const BUILDS: &[&str] = &["build"];

const FLAGS: &[Flags] = &[
    Flags {
        commands: CREATES,
        names: &[
            "-m",
            "--memory",
            "--memory-swap",
            "--memory-reservation",
            "--memory-swappiness",
            "--kernel-memory",
            "--oom-kill-disable",
            "--oom-score-adj",
            "--cpus",
            "-c",
            "--cpu-shares",
            "--cpu-period",
            "--cpu-quota",
            "--cpu-rt-period",
            "--cpu-rt-runtime",
            "--cpuset-cpus",
            "--cpuset-mems",
            "--pids-limit",
            "--blkio-weight",
            "--blkio-weight-device",
            "--device-read-bps",
            "--device-write-bps",
            "--device-read-iops",
            "--device-write-iops",
            "--cgroup-parent",
            "--cgroupns",
        ],
        reason: "limits of memory, processors and processes are not built in yet",
        hint: "--ulimit limits each process; systemd-run --user --scope -p MemoryMax=1G limits a whole call",
    },
    Flags {
        commands: CREATES,
        names: &["--restart"],
        reason: "restart policies are not built in yet",
        hint: "a systemd user unit with Restart= can run `minidock start -a`",
    },
    Flags {
        commands: CREATES,
        names: &["--device", "--device-cgroup-rule", "--gpus"],
        reason: "devices of the host are not built in yet",
        hint: "a device node can be mounted: --mount type=bind,source=/dev/x,target=/dev/x",
    },
    Flags {
        commands: CREATES,
        names: &["--dns", "--dns-option", "--dns-opt", "--dns-search"],
        reason: "name servers of a container are those of the host",
        hint: "mount a file of your own: -v ./resolv.conf:/etc/resolv.conf:ro",
    },
    Flags {
        commands: CREATES,
        names: &[
            "--ip",
            "--ip6",
            "--mac-address",
            "--network-alias",
            "--net-alias",
            "--link",
            "--link-local-ip",
            "--domainname",
        ],
        reason: "named networks are not built in yet",
        hint: "publish ports with -p, or share the host's network with --network host",
    },
    Flags {
        commands: CREATES,
        names: &["--platform"],
        reason: "only images for this machine run",
        hint: "leave it out",
    },
    Flags {
        commands: CREATES,
        names: &[
            "--health-cmd",
            "--health-interval",
            "--health-retries",
            "--health-start-period",
            "--health-start-interval",
            "--health-timeout",
            "--no-healthcheck",
        ],
        reason: "health checks are not run yet",
        hint: "`minidock exec` runs a check by hand",
    },
    Flags {
        commands: CREATES,
        names: &["--ipc", "--pid", "--uts"],
        reason: "sharing these namespaces is not built in yet",
        hint: "leave it out: each container has its own",
    },
    Flags {
        commands: CREATES,
        names: &["--log-driver", "--log-opt"],
        reason: "there is one kind of log",
        hint: "`minidock logs` reads it",
    },
    Flags {
        commands: CREATES,
        names: &["--volumes-from", "--volume-driver", "--storage-opt"],
        reason: "it is not built in yet",
        hint: "name the volumes with -v",
    },
    Flags {
        commands: CREATES,
        names: &[
            "--isolation",
            "--runtime",
            "--sysctl",
            "--annotation",
            "--disable-content-trust",
            "--use-api-socket",
        ],
        reason: "it is not built in yet",
        hint: "leave it out",
    },
    Flags {
        commands: &["exec"],
        names: &["--privileged"],
        reason: "a process cannot have more rights than its container",
        hint: "start the container itself with --privileged",
    },
    Flags {
        commands: &["ps", "inspect"],
        names: &["-s", "--size"],
        reason: "sizes of containers are not built in yet",
        hint: "leave it out",
    },
    Flags {
        commands: &["rm"],
        names: &["-l", "--link"],
        reason: "there are no links between containers",
        hint: "leave it out",
    },
    Flags {
        commands: &["logs"],
        names: &["--details"],
        reason: "logs have no details beside time and stream",
        hint: "-t shows the times",
    },
    Flags {
        commands: &["start"],
        names: &["--checkpoint", "--checkpoint-dir"],
        reason: "checkpoints are not built in",
        hint: "leave it out",
    },
    Flags {
        commands: &["images"],
        names: &["--tree"],
        reason: "it is not built in yet",
        hint: "leave it out",
    },
    Flags {
        commands: &["save", "load", "import", "history", "inspect"],
        names: &["--platform"],
        reason: "each image is for one machine",
        hint: "leave it out",
    },
    Flags {
        commands: &["volume create"],
        names: &[
            "-d",
            "--driver",
            "-o",
            "--opt",
            "--availability",
            "--group",
            "--scope",
            "--sharing",
        ],
        reason: "volumes are directories of this host",
        hint: "leave it out",
    },
    Flags {
        commands: &[
            "prune",
            "system prune",
            "volume prune",
            "image prune",
            "container prune",
            "builder prune",
        ],
        names: &[
            "--filter",
            "--keep-storage",
            "--max-used-space",
            "--reserved-space",
            "--min-free-space",
        ],
        reason: "it is not built in yet",
        hint: "remove things by name with rm, rmi or volume rm",
    },
    Flags {
        commands: BUILDS,
        names: &["--secret", "--ssh"],
        reason: "secrets of a build are not built in yet",
        hint: "do not pass them as --build-arg: those stay in the image's history",
    },
    Flags {
        commands: &["pull", "push"],
        names: &["--disable-content-trust"],
        reason: "signatures of docker's content trust are not looked at in any case",
        hint: "leave it out; NAME@DIGEST pulls one very image",
    },
    Flags {
        commands: &["push"],
        names: &["--platform"],
        reason: "each image here is for one machine",
        hint: "leave it out",
    },
    Flags {
        commands: &["login"],
        names: &["-p", "--password"],
        reason: "every user of this host could read it in the list of processes",
        hint: "pipe it in with --password-stdin, or type it at the prompt",
    },
    Flags {
        commands: BUILDS,
        names: &["--push"],
        reason: "a build makes an image in the store",
        hint: "`minidock push` pushes it afterwards",
    },
    Flags {
        commands: BUILDS,
        names: &["-o", "--output", "--load"],
        reason: "a build makes an image in the store, and nothing else yet",
        hint: "`minidock save` writes it to a file",
    },
    Flags {
        commands: BUILDS,
        names: &["--platform"],
        reason: "images are built for this machine",
        hint: "leave it out",
    },
    Flags {
        commands: BUILDS,
        names: &["--cache-from", "--cache-to", "--no-cache-filter"],
        reason: "the cache is this store's own",
        hint: "leave it out; --no-cache builds everything anew",
    },
    Flags {
        commands: BUILDS,
        names: &["--rm", "--force-rm", "--compress", "--builder", "-D", "--debug"],
        reason: "it has no meaning without a daemon: a build leaves no containers behind",
        hint: "leave it out",
    },
    Flags {
        commands: BUILDS,
        names: &[
            "--build-context",
            "--add-host",
            "--squash",
            "--shm-size",
            "--ulimit",
            "--isolation",
            "--security-opt",
            "--cgroup-parent",
            "--attest",
            "--provenance",
            "--sbom",
            "--metadata-file",
            "--allow",
            "--annotation",
            "--call",
            "--check",
            "-m",
            "--memory",
            "--memory-swap",
            "-c",
            "--cpu-shares",
            "--cpu-period",
            "--cpu-quota",
            "--cpuset-cpus",
            "--cpuset-mems",
            "--disable-content-trust",
        ],
        reason: "it is not built in yet",
        hint: "leave it out",
    },
];

/// Commands, with what to do instead.
const COMMANDS: &[(&str, &str)] = &[
    ("search", "`minidock images` lists what is here"),
    ("commit", "write a Dockerfile and use `minidock build`"),
    ("rename", "give the name with --name when the container is made"),
    ("pause", "`minidock kill -s STOP` stops the first process"),
    ("unpause", "`minidock kill -s CONT` continues the first process"),
    ("top", "`minidock exec CONTAINER ps` shows its processes, where the image has ps"),
    ("stats", "`minidock exec CONTAINER top` shows its processes, where the image has top"),
    ("update", "make the container anew with the settings you want"),
    ("network", "containers have a private network, the host's or none: --network"),
    ("compose", "start the containers one by one with `minidock run -d`"),
    ("buildx", "`minidock build` builds"),
    ("context", "--root and MINIDOCK_ROOT choose another store"),
    ("manifest", "`minidock save --format oci-archive` writes manifests"),
    ("checkpoint", "`minidock stop` and `minidock start` keep the files"),
    ("plugin", "nothing can be plugged in"),
    ("trust", "`minidock inspect` shows digests"),
    ("swarm", "containers run on this host alone"),
    ("node", "containers run on this host alone"),
    ("service", "containers run on this host alone"),
    ("stack", "containers run on this host alone"),
    ("secret", "mount a file: -v ./secret:/run/secrets/x:ro"),
    ("config", "mount a file: -v ./config:/etc/x:ro"),
];

/// What the path of a command is called at the top level.
fn canonical(path: &[String]) -> String {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match words[..] {
        ["container", "ls"] => "ps".to_owned(),
        ["image", "ls"] => "images".to_owned(),
        ["image", "rm"] => "rmi".to_owned(),
        ["container" | "image", word] if word != "prune" => word.to_owned(),
        _ => words.join(" "),
    }
}

/// The refusal of a flag, if it is one of docker's.
pub(crate) fn flag(path: &[String], argument: &str) -> Option<Failure> {
    let command = canonical(path);
    let name = argument.split('=').next().unwrap_or_default();
    FLAGS
        .iter()
        .find(|row| row.commands.contains(&command.as_str()) && row.names.contains(&name))
        .map(|row| Failure::refused(format!("{name} is not supported: {}", row.reason), row.hint))
}

/// The refusal of a command, if it is one of docker's.
pub(crate) fn command(path: &[String], word: &str) -> Option<Failure> {
    let at_top = path.is_empty()
        || matches!(path, [group] if matches!(group.as_str(), "container" | "image"));
    COMMANDS.iter().find(|(name, _)| at_top && *name == word).map(|(name, hint)| {
        let path: String = path.iter().map(|word| format!("{word} ")).collect();
        Failure::refused(format!("`minidock {path}{name}` is not built in yet"), *hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn nothing_that_works_is_refused() {
        let definition = cli::definition();
        for row in FLAGS {
            for command in row.commands {
                let words = command.split(' ');
                let found =
                    words.clone().try_fold(&definition, |at, word| at.find_subcommand(word));
                let Some(found) = found else {
                    assert_eq!(*command, "prune");
                    continue;
                };
                for argument in found.get_arguments() {
                    let long = argument.get_long().map(|name| format!("--{name}"));
                    let short = argument.get_short().map(|name| format!("-{name}"));
                    for name in long.iter().chain(&short) {
                        assert!(!row.names.contains(&name.as_str()), "{command} {name}");
                    }
                }
            }
        }
        for (name, _) in COMMANDS {
            assert!(definition.find_subcommand(name).is_none(), "{name}");
        }
    }
}
