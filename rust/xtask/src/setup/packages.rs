//! The Debian packages, each with its reason, and their installation. apt-get is called only
//! when something is missing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::Purpose;
use crate::account;
use crate::call::Call;
use crate::error::{Error, file};
use crate::screen;

struct Package {
    name: &'static str,
    first: Purpose,
    why: &'static str,
}

const fn package(name: &'static str, first: Purpose, why: &'static str) -> Package {
    Package { name, first, why }
}

/// Everything, with the first purpose that needs it.
const PACKAGES: &[Package] = &[
    package("gcc", Purpose::Demo, "links Rust programs, compiles the bundled SQLite"),
    package("libc6-dev", Purpose::Demo, "headers, and libc.a for the static runtime"),
    package("uidmap", Purpose::Demo, "newuidmap and newgidmap: more than one id in a container"),
    package("passt", Purpose::Demo, "pasta: the private network"),
    package("busybox-static", Purpose::Demo, "the smallest image"),
    package("mmdebstrap", Purpose::Demo, "makes the Debian base image"),
    package("ca-certificates", Purpose::Demo, "TLS to registries and package indexes"),
    package("slirp4netns", Purpose::Test, "the second choice for the private network"),
    package("fuse-overlayfs", Purpose::Test, "the second choice for the root filesystem"),
    package("fuse3", Purpose::Test, "fusermount3: a FUSE mount stands in for a network filesystem"),
    package("debootstrap", Purpose::Test, "root filesystem of the virtual machine of the suites"),
    package(
        "bubblewrap",
        Purpose::Test,
        "loads a seccomp filter when the host is probed; bench peer",
    ),
    package("podman", Purpose::Test, "reads what we write, and writes what we read"),
    package("crun", Purpose::Test, "podman's runtime"),
    package("skopeo", Purpose::Test, "reads our layouts and archives"),
    package(
        "golang-github-containers-common",
        Purpose::Test,
        "policy.json, without which skopeo refuses",
    ),
    package("umoci", Purpose::Test, "unpacks our images: an independent reading of the OCI layout"),
    package("docker-registry", Purpose::Test, "a registry for pull and push"),
    package("openssl", Purpose::Test, "certificates of that registry, good and bad"),
    package("nftables", Purpose::Test, "shows the rules of private networks"),
    package("iproute2", Purpose::Test, "shows the addresses of private networks"),
    package("g++", Purpose::Test, "compiles libFuzzer, links the library"),
    package("valgrind", Purpose::Test, "looks for leaks of the library"),
    package("strace", Purpose::Test, "makes system calls fail on purpose"),
    package("libseccomp-dev", Purpose::Test, "the oracle for our seccomp filters"),
    package("pkg-config", Purpose::Test, "finds libseccomp"),
    package("python3-venv", Purpose::Test, "the Python package in an environment of its own"),
    package("python3-pip", Purpose::Test, "installs the Python package"),
];

/// A script that tells maintainer scripts not to start services (Debian's invoke-rc.d(8)):
/// docker-registry would take port 5000 and go on after the tests.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs what is missing as root; as a user names it and the command that gets it.
pub(super) fn install(purpose: Purpose) -> Result<(), Error> {
    let wanted: Vec<&Package> = PACKAGES.iter().filter(|each| each.first <= purpose).collect();
    if !Path::new("/usr/bin/dpkg-query").exists() || !Path::new("/usr/bin/apt-get").exists() {
        let names: Vec<&str> = wanted.iter().map(|each| each.name).collect();
        return Err(Error::NotDebian { packages: names.join(" ") });
    }
    let present = installed()?;
    let missing: Vec<&Package> =
        wanted.into_iter().filter(|each| !present.contains(each.name)).collect();
    if missing.is_empty() {
        screen::say("packages: all there");
        return Ok(());
    }
    for each in &missing {
        screen::say(&format!("missing: {} ({})", each.name, each.why));
    }
    let names: Vec<&str> = missing.iter().map(|each| each.name).collect();
    if !account::caller_is_root() {
        let list = names.join(" ");
        screen::say(&format!("as root: apt-get install --no-install-recommends {list}"));
        return Ok(());
    }
    get(&names)
}

fn installed() -> Result<BTreeSet<String>, Error> {
    let format = "${Package} ${db:Status-Status}\n";
    let text = Call::new("dpkg-query").args(["--show", "--showformat", format]).text()?;
    let names = text.lines().filter_map(|line| line.strip_suffix(" installed"));
    Ok(names.map(str::to_owned).collect())
}

fn get(names: &[&str]) -> Result<(), Error> {
    apt().args(["-qq", "update"]).run()?;
    let quiet = without_services()?;
    screen::say("installing them");
    // What dpkg says of each package is of interest only when it fails.
    let done = apt().args(["-qq", "-y", "install", "--no-install-recommends"]).args(names).text();
    if quiet {
        fs::remove_file(POLICY).map_err(file("remove", POLICY))?;
    }
    done.map(|_said| ())
}

fn apt() -> Call {
    Call::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Another apt (a timer of a fresh host) may hold the lock for a while.
        .args(["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"])
}

/// Puts the policy script in place; `false` when the host has one of its own, which stays.
fn without_services() -> Result<bool, Error> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o755).open(POLICY) {
        Ok(mut script) => {
            script.write_all(b"#!/bin/sh\nexit 101\n").map_err(file("write", POLICY))?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(Error::File { action: "make", path: POLICY.into(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_needs_fewer_packages_and_none_is_named_twice() {
        let names: BTreeSet<&str> = PACKAGES.iter().map(|each| each.name).collect();
        assert_eq!(names.len(), PACKAGES.len());
        let demo = PACKAGES.iter().filter(|each| each.first == Purpose::Demo).count();
        assert!(demo < PACKAGES.len() / 2);
    }
}
