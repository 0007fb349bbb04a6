//! Further processes in running containers.

use std::ffi::{c_char, c_int};
use std::os::fd::{AsFd, AsRawFd};

use minidock::container::{Attach, ExecOptions, Executing, WindowSize};
use minidock::{Bytes, Error, ErrorKind, Result, signal};

use crate::container::{minidock_container_t, time};
use crate::error::minidock_error_t;
use crate::streams::Streams;
use crate::{argument, guard, handle};

/// A process to be executed. What is not set comes from the container. One thread at a time.
pub struct minidock_exec_options_t {
    options: ExecOptions,
}

/// A process in a container. Any number of threads may use one at once. Freeing the handle does
/// not end the process.
pub struct minidock_exec_t {
    executing: Executing,
    streams: Streams,
}

/// A process with program and arguments, a list with NULL at its end. Its output is attached.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_new(
    argv: *const *const c_char,
    options: *mut *mut minidock_exec_options_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let args = argument::arguments("argv", argv)?;
        let out = argument::out("options", options)?;
        let options = ExecOptions { args, attach: Attach::OUTPUT, ..ExecOptions::default() };
        out.write(handle::give(minidock_exec_options_t { options }));
        Ok(())
    })
}

fn change(
    options: *mut minidock_exec_options_t,
    change: impl FnOnce(&mut ExecOptions) -> Result<()>,
) -> *mut minidock_error_t {
    guard::call(|| change(&mut argument::exclusive("options", options)?.options))
}

/// A variable of its environment, "NAME=value".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_add_env(
    options: *mut minidock_exec_options_t,
    variable: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.env.push(Bytes(argument::bytes("variable", variable)?.to_vec()));
        Ok(())
    })
}

/// Its working directory.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_set_workdir(
    options: *mut minidock_exec_options_t,
    path: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.workdir = Some(Bytes(argument::bytes("path", path)?.to_vec()));
        Ok(())
    })
}

/// Its user, "user[:group]".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_set_user(
    options: *mut minidock_exec_options_t,
    user: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.user = Some(argument::text("user", user)?.to_owned());
        Ok(())
    })
}

/// Whether it has a terminal.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_set_tty(
    options: *mut minidock_exec_options_t,
    tty: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.tty = tty;
        Ok(())
    })
}

/// Which streams the caller carries. What is attached has to be read, or the program waits once
/// the pipe is full.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_set_attach(
    options: *mut minidock_exec_options_t,
    stdin_fd: bool,
    stdout_fd: bool,
    stderr_fd: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.attach = Attach { stdin: stdin_fd, stdout: stdout_fd, stderr: stderr_fd };
        Ok(())
    })
}

/// Whether the process ends with this one, however this one ends.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_set_owned(
    options: *mut minidock_exec_options_t,
    owned: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.owned = owned;
        Ok(())
    })
}

/// Ends the options. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_options_free(options: *mut minidock_exec_options_t) {
    guard::value((), || handle::free(options));
}

/// Executes a process in a running container. Free the handle with minidock_exec_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_start(
    container: *const minidock_container_t,
    options: *const minidock_exec_options_t,
    exec: *mut *mut minidock_exec_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let container = argument::shared("container", container)?;
        let options = argument::shared("options", options)?;
        let out = argument::out("exec", exec)?;
        let mut executing = container.engine.exec_container(&container.id, &options.options)?;
        let streams = Streams::new(std::mem::take(&mut executing.streams));
        out.write(handle::give(minidock_exec_t { executing, streams }));
        Ok(())
    })
}

fn number(exec: *const minidock_exec_t, of: impl FnOnce(&minidock_exec_t) -> c_int) -> c_int {
    guard::value(-1, || argument::shared("exec", exec).map_or(-1, of))
}

/// The descriptor to write its input to, or -1. It stays the handle's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_stdin_fd(exec: *const minidock_exec_t) -> c_int {
    number(exec, |exec| exec.streams.stdin())
}

/// The descriptor to read its output from, or -1. It stays the handle's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_stdout_fd(exec: *const minidock_exec_t) -> c_int {
    number(exec, |exec| exec.streams.stdout())
}

/// The descriptor to read its errors from, or -1. It stays the handle's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_stderr_fd(exec: *const minidock_exec_t) -> c_int {
    number(exec, |exec| exec.streams.stderr())
}

/// A descriptor that polls as readable once the process has ended; nothing may be read from it.
/// It stays the handle's. -1 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_exit_fd(exec: *const minidock_exec_t) -> c_int {
    number(exec, |exec| exec.executing.as_fd().as_raw_fd())
}

/// Ends the process's input. Nobody may be writing to its descriptor.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_close_stdin(exec: *const minidock_exec_t) -> *mut minidock_error_t {
    guard::call(|| {
        argument::shared("exec", exec)?.streams.close_stdin();
        Ok(())
    })
}

/// Waits for its end, at most that many milliseconds, without a limit if negative; then it gives
/// MINIDOCK_ERROR_TIMED_OUT. `exit_code`, which may be NULL, gets its status.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_wait(
    exec: *const minidock_exec_t,
    timeout_ms: i64,
    exit_code: *mut c_int,
) -> *mut minidock_error_t {
    guard::call(|| {
        let exec = argument::shared("exec", exec)?;
        let exit = exec.executing.try_wait(time(timeout_ms))?;
        let exit = exit.ok_or_else(|| Error::new(ErrorKind::TimedOut, "the process still runs"))?;
        if let Some(out) = argument::optional_out(exit_code) {
            out.write(exit.code);
        }
        Ok(())
    })
}

/// Sends it a signal, "HUP", "SIGHUP" or "1"; NULL is "KILL".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_kill(
    exec: *const minidock_exec_t,
    signal: *const c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let exec = argument::shared("exec", exec)?;
        let name = argument::optional_text("signal", signal)?.unwrap_or("KILL");
        exec.executing.kill(signal::parse(name)?)
    })
}

/// Changes the size of its terminal.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_resize(
    exec: *const minidock_exec_t,
    rows: u16,
    columns: u16,
) -> *mut minidock_error_t {
    guard::call(|| argument::shared("exec", exec)?.executing.resize(WindowSize { rows, columns }))
}

/// Ends the handle and closes its descriptors; the process goes on. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_exec_free(exec: *mut minidock_exec_t) {
    guard::value((), || handle::free(exec));
}
