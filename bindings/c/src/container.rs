//! Containers: made, started, waited for, signalled, described, removed.

use std::ffi::{CString, c_char, c_int};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minidock::container::{Attach, RemoveOptions, Running, StartOptions};
use minidock::store::ContainerId;
use minidock::{Engine, Error, ErrorKind, Result, signal};

use crate::client::minidock_client_t;
use crate::container_options::minidock_container_options_t;
use crate::error::minidock_error_t;
use crate::image::write_json;
use crate::streams::Streams;
use crate::{argument, guard, handle};

/// A container. Any number of threads may use one at once. Freeing the handle neither ends nor
/// removes the container.
pub struct minidock_container_t {
    pub(crate) engine: Engine,
    pub(crate) id: ContainerId,
    text: CString,
    start: StartOptions,
    started: Mutex<Option<Arc<Started>>>,
}

/// A start by this handle.
struct Started {
    running: Running,
    streams: Streams,
}

impl minidock_container_t {
    fn new(engine: &Engine, id: ContainerId, attach: Attach, owned: bool) -> Self {
        let text = handle::c_text(id.as_str());
        let start = StartOptions { attach, owned, window: None };
        Self { engine: engine.clone(), id, text, start, started: Mutex::new(None) }
    }

    fn place(&self) -> MutexGuard<'_, Option<Arc<Started>>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self) -> Option<Arc<Started>> {
        self.place().clone()
    }

    fn set_started(&self, mut running: Running) {
        let streams = Streams::new(std::mem::take(&mut running.streams));
        *self.place() = Some(Arc::new(Started { running, streams }));
    }

    fn wait(&self, time: Duration) -> Result<i32> {
        let exit = match self.started() {
            Some(started) => started.running.try_wait(time)?,
            None => self.engine.wait_container_for(&self.id, time)?,
        };
        let exit = exit.ok_or_else(|| {
            Error::new(ErrorKind::TimedOut, format!("container {} still runs", self.id.short()))
        })?;
        Ok(exit.code)
    }
}

/// Milliseconds of a caller; a negative number is no limit.
pub(crate) fn time(milliseconds: i64) -> Duration {
    u64::try_from(milliseconds).map_or(Duration::MAX, Duration::from_millis)
}

/// Makes a container; nothing runs yet. Free the handle with minidock_container_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_create(
    client: *const minidock_client_t,
    options: *const minidock_container_options_t,
    container: *mut *mut minidock_container_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let engine = &argument::shared("client", client)?.engine;
        let options = argument::shared("options", options)?;
        let out = argument::out("container", container)?;
        let record = engine.create_container(&options.options)?;
        let (attach, owned) = (options.attach, options.owned);
        out.write(handle::give(minidock_container_t::new(engine, record.id, attach, owned)));
        Ok(())
    })
}

/// Makes a container and starts it at once. When it does not start, it is removed again.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_run(
    client: *const minidock_client_t,
    options: *const minidock_container_options_t,
    container: *mut *mut minidock_container_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let engine = &argument::shared("client", client)?.engine;
        let options = argument::shared("options", options)?;
        let out = argument::out("container", container)?;
        let created = engine.prepare_container(&options.options)?;
        let id = created.record.id.clone();
        let made = minidock_container_t::new(engine, id, options.attach, options.owned);
        match engine.start_created(created, made.start) {
            Ok(running) => made.set_started(running),
            Err(error) => {
                clear_away(&made)?;
                return Err(error);
            }
        }
        out.write(handle::give(made));
        Ok(())
    })
}

/// What did not start is of no use to a caller that has no handle of it.
fn clear_away(made: &minidock_container_t) -> Result<()> {
    let options = RemoveOptions { force: true, volumes: true };
    match made.engine.remove_container(&made.id, options) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A handle of a container that is there, by its name, its id or the start of its id.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_open(
    client: *const minidock_client_t,
    name: *const c_char,
    container: *mut *mut minidock_container_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let engine = &argument::shared("client", client)?.engine;
        let name = argument::text("name", name)?;
        let out = argument::out("container", container)?;
        let id = engine.find_container(name)?;
        out.write(handle::give(minidock_container_t::new(engine, id, Attach::default(), false)));
        Ok(())
    })
}

/// Its id; it lives as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_id(container: *const minidock_container_t) -> *const c_char {
    let none = std::ptr::null();
    guard::value(none, || {
        argument::shared("container", container).map_or(none, |container| container.text.as_ptr())
    })
}

/// Starts a container that does not run. Descriptors of an earlier start are closed.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_start(
    container: *const minidock_container_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let container = argument::shared("container", container)?;
        let running = container.engine.start_container(&container.id, container.start)?;
        container.set_started(running);
        Ok(())
    })
}

fn stream(container: *const minidock_container_t, of: fn(&Streams) -> c_int) -> c_int {
    guard::value(-1, || {
        let container = argument::shared("container", container).ok();
        let started = container.and_then(minidock_container_t::started);
        started.map_or(-1, |started| of(&started.streams))
    })
}

/// The descriptor to write its input to, or -1. It stays the handle's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_stdin_fd(container: *const minidock_container_t) -> c_int {
    stream(container, Streams::stdin)
}

/// The descriptor to read its output from, or -1. It stays the handle's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_stdout_fd(container: *const minidock_container_t) -> c_int {
    stream(container, Streams::stdout)
}

/// The descriptor to read its errors from, or -1. It stays the handle's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_stderr_fd(container: *const minidock_container_t) -> c_int {
    stream(container, Streams::stderr)
}

/// Ends the container's input. Nobody may be writing to its descriptor.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_close_stdin(
    container: *const minidock_container_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        if let Some(started) = argument::shared("container", container)?.started() {
            started.streams.close_stdin();
        }
        Ok(())
    })
}

/// Waits for its end, at most that many milliseconds, without a limit if negative; then it gives
/// MINIDOCK_ERROR_TIMED_OUT. `exit_code`, which may be NULL, gets the program's own status, or
/// 128 and the number of the signal that ended it.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_wait(
    container: *const minidock_container_t,
    timeout_ms: i64,
    exit_code: *mut c_int,
) -> *mut minidock_error_t {
    guard::call(|| {
        let code = argument::shared("container", container)?.wait(time(timeout_ms))?;
        if let Some(out) = argument::optional_out(exit_code) {
            out.write(code);
        }
        Ok(())
    })
}

/// Asks it to stop and kills it when it did not in that many seconds, in its own time if
/// negative. One that does not run is stopped already.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_stop(
    container: *const minidock_container_t,
    seconds: c_int,
) -> *mut minidock_error_t {
    guard::call(|| {
        let container = argument::shared("container", container)?;
        container.engine.stop_container(&container.id, u32::try_from(seconds).ok())
    })
}

/// Sends a signal, "HUP", "SIGHUP" or "1", to its first process; NULL is "KILL".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_kill(
    container: *const minidock_container_t,
    signal: *const c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let container = argument::shared("container", container)?;
        let name = argument::optional_text("signal", signal)?.unwrap_or("KILL");
        container.engine.kill_container(&container.id, signal::parse(name)?)
    })
}

/// Describes it: a JSON object as docker's `inspect` gives.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_inspect(
    container: *const minidock_container_t,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let container = argument::shared("container", container)?;
        let json = argument::out("json", json)?;
        write_json(Some(json), &container.engine.inspect_container(container.id.as_str())?);
        Ok(())
    })
}

/// Lists containers, the newest first, those that run or `all`: a JSON array as docker's
/// `GET /containers/json` gives.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_list(
    client: *const minidock_client_t,
    all: bool,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let engine = &argument::shared("client", client)?.engine;
        let json = argument::out("json", json)?;
        let mut list = engine.containers()?;
        list.retain(|one| all || one.state.status == minidock::container::Status::Running);
        write_json(Some(json), &list.iter().map(|one| one.to_json()).collect());
        Ok(())
    })
}

/// Removes it, `force` ends it first, `volumes` takes those that were made for it alone along.
/// The handle stays to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_remove(
    container: *const minidock_container_t,
    force: bool,
    volumes: bool,
) -> *mut minidock_error_t {
    guard::call(|| {
        let container = argument::shared("container", container)?;
        container.engine.remove_container(&container.id, RemoveOptions { force, volumes })
    })
}

/// Ends the handle and closes its descriptors; the container goes on. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_free(container: *mut minidock_container_t) {
    guard::value((), || handle::free(container));
}
