//! What C gets: boxes behind pointers, and strings, each freed by its own function.
//!
//! Nothing else turns a value into a pointer that C keeps.

use std::ffi::{CString, c_char};

/// Hands a value over; [`free`] takes it back.
pub(crate) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Ends a value that was handed over; NULL is nothing.
pub(crate) fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: by the header's contract it came from `give` for this type and is freed once.
        drop(unsafe { Box::from_raw(handle) });
    }
}

/// A text that C can read: what is behind a NUL byte, which no text of ours has, would be lost,
/// so such a byte is replaced.
pub(crate) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// Hands a text over; `minidock_string_free` takes it back.
pub(crate) fn give_text(text: &str) -> *mut c_char {
    c_text(text).into_raw()
}

/// Ends a text that was handed over; NULL is nothing.
pub(crate) fn free_text(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: by the header's contract it came from `give_text` and is freed once.
        drop(unsafe { CString::from_raw(text) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        free(give(vec![1, 2, 3]));
        free::<u8>(std::ptr::null_mut());
        free_text(give_text("a\0b"));
        free_text(std::ptr::null_mut());
        assert_eq!(c_text("a\0b").to_bytes(), "a\u{fffd}b".as_bytes());
    }
}
