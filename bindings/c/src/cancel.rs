//! Stopping a long call from another thread.

use minidock::build::CancelToken;

use crate::error::minidock_error_t;
use crate::{argument, guard, handle};

/// Stops a call from another thread. Any number of threads may use one at once.
pub struct minidock_cancel_t {
    pub(crate) token: CancelToken,
}

/// A token that was not used yet. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_cancel_new() -> *mut minidock_cancel_t {
    guard::value(std::ptr::null_mut(), || {
        handle::give(minidock_cancel_t { token: CancelToken::default() })
    })
}

/// Asks the calls that have the token to stop; they give MINIDOCK_ERROR_CANCELLED. It stays so.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_cancel_request(
    cancel: *const minidock_cancel_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        argument::shared("cancel", cancel)?.token.cancel();
        Ok(())
    })
}

/// Ends the token; calls that have it go on. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_cancel_free(cancel: *mut minidock_cancel_t) {
    guard::value((), || handle::free(cancel));
}
