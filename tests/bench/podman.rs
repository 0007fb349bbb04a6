//! Podman as a peer, with a store of its own. It runs in namespaces that are made once: in there
//! it finds a cgroup v2 hierarchy also on a host where rootless crun refuses the one it has, it
//! need not enter a user namespace at each call (which is in its favour), and what it leaves in
//! /run and /dev/shm vanishes with them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::clock;
use crate::error::Error;
use crate::store::Store;

/// Makes the namespaces and keeps them until its input ends.
const KEEPER: &str = "mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs tmpfs /run && \
                      mount -t tmpfs tmpfs /dev/shm && echo ready && read -r _";

/// A podman that has the image `busybox` and has run it once.
pub(crate) struct Podman {
    keeper: Child,
    dir: PathBuf,
}

impl Podman {
    /// Tries it out; an error is the reason why this host cannot run it.
    pub(crate) fn new(store: &Store) -> Result<Self, Error> {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--map-auto", "--mount", "--cgroup"]);
        unshare.args(["sh", "-c", KEEPER]);
        unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = |source| Error::Start { call: "unshare".to_owned(), source };
        let keeper = unshare.spawn().map_err(start)?;
        let mut this = Self { keeper, dir: store.dir().join("podman") };
        this.wait_ready()?;
        std::fs::create_dir_all(&this.dir).map_err(crate::error::file("make", &this.dir))?;
        clock::text(this.call(["import"]).arg(store.tar()).arg("busybox"))?;
        clock::text(&mut this.run())?;
        Ok(this)
    }

    /// What is measured: a container that ends at once.
    pub(crate) fn run(&self) -> Command {
        self.call(["run", "--rm", "--network", "none", "busybox", "true"])
    }

    /// A build without network.
    pub(crate) fn build(&self, context: &Path, flags: &[&str]) -> Command {
        let mut command = self.call(["build", "--network", "none", "-t", "built"]);
        command.args(flags).arg(context);
        command
    }

    fn call<const N: usize>(&self, words: [&str; N]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.keeper.id().to_string()]);
        command.args(["--user", "--mount", "--cgroup", "--preserve-credentials", "--", "podman"]);
        command.arg("--root").arg(self.dir.join("root"));
        // Podman refuses a long path there; this one is on the tmpfs of its namespaces.
        command.args(["--runroot", "/run/podman"]);
        command.args(["--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
        command.args(words);
        // In these namespaces it is to behave as the rootless podman that it is.
        command.env("_CONTAINERS_USERNS_CONFIGURED", "done");
        command.env("_CONTAINERS_ROOTLESS_UID", rustix::process::getuid().as_raw().to_string());
        command.env("_CONTAINERS_ROOTLESS_GID", rustix::process::getgid().as_raw().to_string());
        command.env("HOME", &self.dir).env("XDG_RUNTIME_DIR", "/run");
        command
    }

    fn wait_ready(&mut self) -> Result<(), Error> {
        let mut line = String::new();
        if let Some(stdout) = self.keeper.stdout.take() {
            let read = BufReader::new(stdout).read_line(&mut line);
            read.map_err(|source| Error::Start { call: KEEPER.to_owned(), source })?;
        }
        if line.trim() == "ready" {
            return Ok(());
        }
        let mut said = String::new();
        if let Some(stderr) = self.keeper.stderr.take() {
            let read = std::io::Read::read_to_string(&mut BufReader::new(stderr), &mut said);
            read.map_err(|source| Error::Start { call: KEEPER.to_owned(), source })?;
        }
        let status = "no namespaces".to_owned();
        Err(Error::Failed { call: KEEPER.to_owned(), status, said: said.trim().to_owned() })
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Its files belong to subordinate ids: only its own namespace can remove them all.
        let mut remove = Command::new("nsenter");
        remove.args(["--target", &self.keeper.id().to_string()]);
        remove.args(["--user", "--mount", "--preserve-credentials", "--"]);
        remove.args(["sh", "-c", "umount -R \"$1/root/overlay\"; rm -rf -- \"$1\"", "sh"]);
        // What stays is removed with the directory of temporary files.
        drop(remove.arg(&self.dir).stderr(Stdio::null()).status());
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
