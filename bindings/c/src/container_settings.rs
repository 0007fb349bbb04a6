//! Options of containers: mounts, network, rights and limits, in docker's notations.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;

use minidock::container::SeccompOption;
use minidock::container::parse;

use crate::argument;
use crate::container_options::{change, minidock_container_options_t};
use crate::error::minidock_error_t;

/// A volume or a path of the host, "[source:]target[:ro]" as `-v` takes it.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_volume(
    options: *mut minidock_container_options_t,
    volume: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let volume = OsStr::from_bytes(argument::bytes("volume", volume)?);
        options.mounts.push(parse::volume(volume)?);
        Ok(())
    })
}

/// A mount, "type=bind,source=/data,target=/data,readonly" as `--mount` takes it.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_mount(
    options: *mut minidock_container_options_t,
    mount: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let mount = OsStr::from_bytes(argument::bytes("mount", mount)?);
        options.mounts.push(parse::mount(mount)?);
        Ok(())
    })
}

/// An empty file system in memory, "target[:size=64m]" as `--tmpfs` takes it.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_tmpfs(
    options: *mut minidock_container_options_t,
    tmpfs: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let tmpfs = OsStr::from_bytes(argument::bytes("tmpfs", tmpfs)?);
        options.mounts.push(parse::tmpfs(tmpfs)?);
        Ok(())
    })
}

/// Whether the root file system is read-only.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_read_only(
    options: *mut minidock_container_options_t,
    read_only: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.read_only = read_only;
        Ok(())
    })
}

/// Its network: "private", "none" or "host".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_network(
    options: *mut minidock_container_options_t,
    network: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.network = parse::network(argument::text("network", network)?)?;
        Ok(())
    })
}

/// A port of the host that leads inside, "8080:80" as `-p` takes it; minidock_container_inspect
/// tells a port that was chosen.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_port(
    options: *mut minidock_container_options_t,
    port: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.ports.extend(parse::ports(argument::text("port", port)?)?);
        Ok(())
    })
}

/// Its host name; the short id without.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_hostname(
    options: *mut minidock_container_options_t,
    hostname: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.hostname = Some(argument::text("hostname", hostname)?.to_owned());
        Ok(())
    })
}

/// A capability on top of docker's default, "NET_ADMIN"; "ALL" for all.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_capability(
    options: *mut minidock_container_options_t,
    capability: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.cap_add.push(argument::text("capability", capability)?.to_owned());
        Ok(())
    })
}

/// A capability taken from docker's default; "ALL" for all.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_drop_capability(
    options: *mut minidock_container_options_t,
    capability: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.cap_drop.push(argument::text("capability", capability)?.to_owned());
        Ok(())
    })
}

/// Whether the container has all capabilities, no filter and nothing masked.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_privileged(
    options: *mut minidock_container_options_t,
    privileged: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.privileged = privileged;
        Ok(())
    })
}

/// Whether setuid programs and file capabilities do not count.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_no_new_privileges(
    options: *mut minidock_container_options_t,
    no_new_privileges: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.no_new_privileges = no_new_privileges;
        Ok(())
    })
}

/// A seccomp profile in docker's JSON format, its text; "unconfined" for none.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_seccomp(
    options: *mut minidock_container_options_t,
    profile: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.seccomp = match argument::text("profile", profile)? {
            "unconfined" => SeccompOption::Unconfined,
            text => SeccompOption::Profile(text.to_owned()),
        };
        Ok(())
    })
}

/// A resource limit, "nofile=1024:2048" as `--ulimit` takes it.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_limit(
    options: *mut minidock_container_options_t,
    limit: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.limits.push(parse::limit(argument::text("limit", limit)?)?);
        Ok(())
    })
}

/// Bytes of /dev/shm; 64 MiB without.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_shm_size(
    options: *mut minidock_container_options_t,
    bytes: u64,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.shm_size = Some(bytes);
        Ok(())
    })
}

/// A line of /etc/hosts, "name:address".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_host(
    options: *mut minidock_container_options_t,
    host: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.extra_hosts.push(argument::text("host", host)?.to_owned());
        Ok(())
    })
}
