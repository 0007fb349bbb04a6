//! Options of containers: what runs, and as what.

use std::ffi::c_char;

use minidock::Result;
use minidock::container::{Attach, ContainerOptions};

use crate::error::minidock_error_t;
use crate::{argument, guard, handle};

/// A container to be made. What is not set comes from the image. One thread at a time.
pub struct minidock_container_options_t {
    pub(crate) options: ContainerOptions,
    pub(crate) attach: Attach,
    pub(crate) owned: bool,
}

/// A container of this image, a name or an id, with defaults. Free it with
/// minidock_container_options_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_new(
    image: *const c_char,
    options: *mut *mut minidock_container_options_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let image = argument::text("image", image)?;
        let out = argument::out("options", options)?;
        out.write(handle::give(minidock_container_options_t {
            options: ContainerOptions::new(image),
            attach: Attach::default(),
            owned: false,
        }));
        Ok(())
    })
}

pub(crate) fn change(
    options: *mut minidock_container_options_t,
    change: impl FnOnce(&mut ContainerOptions) -> Result<()>,
) -> *mut minidock_error_t {
    guard::call(|| change(&mut argument::exclusive("options", options)?.options))
}

/// Program and arguments, a list with NULL at its end; it replaces the image's CMD.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_command(
    options: *mut minidock_container_options_t,
    argv: *const *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.command = argument::arguments("argv", argv)?;
        Ok(())
    })
}

/// Replaces the image's ENTRYPOINT and drops its CMD; an empty list means none at all.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_entrypoint(
    options: *mut minidock_container_options_t,
    argv: *const *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.entrypoint = Some(argument::arguments("argv", argv)?);
        Ok(())
    })
}

/// Its name; a random one without.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_name(
    options: *mut minidock_container_options_t,
    name: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.name = Some(argument::text("name", name)?.parse()?);
        Ok(())
    })
}

/// A variable of its environment, "NAME=value".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_add_env(
    options: *mut minidock_container_options_t,
    variable: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.env.push(minidock::Bytes(argument::bytes("variable", variable)?.to_vec()));
        Ok(())
    })
}

/// Its working directory.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_workdir(
    options: *mut minidock_container_options_t,
    path: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.workdir = Some(minidock::Bytes(argument::bytes("path", path)?.to_vec()));
        Ok(())
    })
}

/// Its user, "user[:group]", names or numbers of the container.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_user(
    options: *mut minidock_container_options_t,
    user: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.user = Some(argument::text("user", user)?.to_owned());
        Ok(())
    })
}

/// Whether the program has a terminal; all its output then comes from standard output.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_tty(
    options: *mut minidock_container_options_t,
    tty: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.tty = tty;
        Ok(())
    })
}

/// Which streams the caller carries from the first byte on, none without. Output goes to the log
/// all the same. What is attached has to be read, or the program waits once the pipe is full.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_attach(
    options: *mut minidock_container_options_t,
    stdin_fd: bool,
    stdout_fd: bool,
    stderr_fd: bool,
) -> *mut minidock_error_t {
    guard::call(|| {
        let options = argument::exclusive("options", options)?;
        options.attach = Attach { stdin: stdin_fd, stdout: stdout_fd, stderr: stderr_fd };
        options.options.stdin_open = stdin_fd;
        Ok(())
    })
}

/// Whether the container ends with this process, however the process ends.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_owned(
    options: *mut minidock_container_options_t,
    owned: bool,
) -> *mut minidock_error_t {
    guard::call(|| {
        argument::exclusive("options", options)?.owned = owned;
        Ok(())
    })
}

/// Whether the container is removed when it ends.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_auto_remove(
    options: *mut minidock_container_options_t,
    auto_remove: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.auto_remove = auto_remove;
        Ok(())
    })
}

/// Whether a small init reaps processes and forwards signals.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_init(
    options: *mut minidock_container_options_t,
    init: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.init = init;
        Ok(())
    })
}

/// The signal for stop, a name or number, and the seconds until it kills; -1 for the image's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_stop(
    options: *mut minidock_container_options_t,
    signal: *const c_char,
    seconds: i32,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.stop_signal = argument::optional_text("signal", signal)?.map(str::to_owned);
        options.stop_timeout = u32::try_from(seconds).ok();
        Ok(())
    })
}

/// A label.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_set_label(
    options: *mut minidock_container_options_t,
    name: *const c_char,
    value: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let name = argument::text("name", name)?.to_owned();
        options.labels.insert(name, argument::text("value", value)?.to_owned());
        Ok(())
    })
}

/// Ends the options. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_options_free(options: *mut minidock_container_options_t) {
    guard::value((), || handle::free(options));
}
