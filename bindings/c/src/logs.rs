//! What containers wrote, also while they run.

use std::ffi::{c_char, c_int, c_void};

use minidock::container::LogOptions;

use crate::build::number_of;
use crate::container::minidock_container_t;
use crate::error::minidock_error_t;
use crate::{argument, guard};

/// Gets a piece of a log: the stream (1 is standard output, 2 is standard error), the bytes as
/// they were written, a line or a part of one, and when they were, nanoseconds since 1970. `false`
/// ends the reading. It is called on the thread that reads and must not unwind (throw, longjmp).
pub type minidock_log_callback_t = Option<
    extern "C" fn(
        userdata: *mut c_void,
        stream: c_int,
        bytes: *const c_char,
        length: usize,
        time: i64,
    ) -> bool,
>;

/// Reads a container's log: all of it, or with `tail` above -1 the last lines of it. With `follow`
/// it goes on with what comes until the container ends or the callback says `false`.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_container_logs(
    container: *const minidock_container_t,
    follow: bool,
    tail: i64,
    callback: minidock_log_callback_t,
    userdata: *mut c_void,
) -> *mut minidock_error_t {
    guard::call(|| {
        let container = argument::shared("container", container)?;
        let callback = callback.ok_or_else(|| argument::null("callback"))?;
        let tail = usize::try_from(tail).ok();
        let options = LogOptions { follow, tail, ..LogOptions::default() };
        for line in container.engine.container_logs(&container.id, options)? {
            let line = line?;
            let bytes = line.bytes.as_ptr().cast();
            if !callback(userdata, number_of(line.stream), bytes, line.bytes.len(), line.time) {
                break;
            }
        }
        Ok(())
    })
}
