//! The one place where a panic is caught before it would reach C.

use std::panic::{AssertUnwindSafe, catch_unwind};

use minidock::{Error, ErrorKind, Result};

use crate::error::minidock_error_t;
use crate::handle;

/// Runs the body of a fallible function: NULL is success.
pub(crate) fn call(body: impl FnOnce() -> Result<()>) -> *mut minidock_error_t {
    let done = catch_unwind(AssertUnwindSafe(body));
    match done.unwrap_or_else(|panic| Err(of_panic(panic.as_ref()))) {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => handle::give(minidock_error_t::new(&error)),
    }
}

/// Runs the body of a function that has no error to give: what a panic leaves is `otherwise`.
pub(crate) fn value<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

fn of_panic(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!("minidock has a defect: {}", text.unwrap_or("a panic without words"));
    Error::new(ErrorKind::Internal, message).with_hint("please report it with this message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{minidock_error_code, minidock_error_free, minidock_error_message};

    #[test]
    fn a_panic_becomes_an_error() {
        let error = call(|| panic!("at {}", 7));
        assert_eq!(minidock_error_code(error), ErrorKind::Internal.face().code);
        let message = minidock_error_message(error);
        assert!(crate::argument::text("message", message).unwrap().ends_with("at 7"));
        minidock_error_free(error);
        assert!(call(|| Ok(())).is_null());
        assert_eq!(value(3, || panic!("no")), 3);
    }
}
