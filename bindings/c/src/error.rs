//! Errors as C sees them: a code, one line, a hint.
//!
//! The codes are the engine's table of kinds (`minidock::ErrorKind::face`); a test compares the
//! committed header with it.

use std::ffi::{CString, c_char, c_int};

use minidock::Error;

use crate::{argument, guard, handle};

/// What went wrong, as far as a program can act on it. More may come; numbers never change.
#[repr(C)]
pub enum minidock_error_code_t {
    /// No error: what NULL has.
    MINIDOCK_OK = 0,
    /// The named image, container, layer, volume or file does not exist.
    MINIDOCK_ERROR_NOT_FOUND = 1,
    /// The request contradicts what is there: a name is taken, a container runs.
    MINIDOCK_ERROR_CONFLICT = 2,
    /// An argument is NULL, not UTF-8, malformed, or asks for what is not offered.
    MINIDOCK_ERROR_INVALID_INPUT = 3,
    /// The host lacks what is needed; the hint says how to get it.
    MINIDOCK_ERROR_HOST_UNSUPPORTED = 4,
    /// No space, inodes or quota left.
    MINIDOCK_ERROR_NO_SPACE = 5,
    /// The kernel or the owner of a file refuses access.
    MINIDOCK_ERROR_PERMISSION = 6,
    /// Stored content is not what was written.
    MINIDOCK_ERROR_CORRUPT = 7,
    /// The thing is used by something alive.
    MINIDOCK_ERROR_IN_USE = 8,
    /// The store was written by a newer version.
    MINIDOCK_ERROR_INCOMPATIBLE = 9,
    /// The store can only be read.
    MINIDOCK_ERROR_READ_ONLY = 10,
    /// A handle was used in a forked child of the process that made it.
    MINIDOCK_ERROR_FORKED = 11,
    /// The runtime failed or could not be reached.
    MINIDOCK_ERROR_RUNTIME = 12,
    /// The program to run is not in the container.
    MINIDOCK_ERROR_COMMAND_NOT_FOUND = 13,
    /// The program to run cannot be executed.
    MINIDOCK_ERROR_COMMAND_NOT_EXECUTABLE = 14,
    /// A network transfer failed.
    MINIDOCK_ERROR_NETWORK = 15,
    /// The caller cancelled.
    MINIDOCK_ERROR_CANCELLED = 16,
    /// A command of a build ended with another status than 0.
    MINIDOCK_ERROR_STEP_FAILED = 17,
    /// Any other failure of input or output.
    MINIDOCK_ERROR_IO = 18,
    /// What was waited for did not happen in time.
    MINIDOCK_ERROR_TIMED_OUT = 19,
    /// A defect of minidock.
    MINIDOCK_ERROR_INTERNAL = 20,
    /// A registry wants a login, or refuses the one it got.
    MINIDOCK_ERROR_UNAUTHORIZED = 21,
}

/// An error. It never changes: any thread may read it. Texts live as long as it does.
pub struct minidock_error_t {
    code: c_int,
    name: CString,
    message: CString,
    hint: Option<CString>,
    excerpt: Option<CString>,
}

impl minidock_error_t {
    pub(crate) fn new(error: &Error) -> Self {
        let face = error.kind().face();
        Self {
            code: face.code,
            name: handle::c_text(face.name),
            message: handle::c_text(&error.one_line()),
            hint: error.hint().map(handle::c_text),
            excerpt: error.excerpt().map(handle::c_text),
        }
    }
}

fn read<T>(error: *const minidock_error_t, none: T, of: impl FnOnce(&minidock_error_t) -> T) -> T {
    argument::shared("error", error).map_or(none, of)
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// Its code; MINIDOCK_OK for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_error_code(error: *const minidock_error_t) -> c_int {
    guard::value(0, || read(error, 0, |error| error.code))
}

/// The code's name without its prefix, "NOT_FOUND"; "OK" for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_error_name(error: *const minidock_error_t) -> *const c_char {
    guard::value(c"".as_ptr(), || read(error, c"OK".as_ptr(), |error| error.name.as_ptr()))
}

/// What went wrong and why, one line of UTF-8; "" for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_error_message(error: *const minidock_error_t) -> *const c_char {
    guard::value(c"".as_ptr(), || read(error, c"".as_ptr(), |error| error.message.as_ptr()))
}

/// What to do about it, or NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_error_hint(error: *const minidock_error_t) -> *const c_char {
    let none = std::ptr::null();
    guard::value(none, || read(error, none, |error| pointer(&error.hint)))
}

/// Lines of a Dockerfile that it is about, or NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_error_excerpt(error: *const minidock_error_t) -> *const c_char {
    let none = std::ptr::null();
    guard::value(none, || read(error, none, |error| pointer(&error.excerpt)))
}

/// Ends it. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_error_free(error: *mut minidock_error_t) {
    guard::value((), || handle::free(error));
}

#[cfg(test)]
mod tests {
    use minidock::ErrorKind;

    #[test]
    fn the_codes_of_the_header_are_the_table() {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
        let header = std::path::Path::new(&package).join("include/minidock.h");
        let header = std::fs::read_to_string(header).unwrap();
        let lines = header.lines().map(str::trim);
        let found: Vec<&str> = lines.filter(|line| line.starts_with("MINIDOCK_ERROR_")).collect();
        let rows = ErrorKind::ALL.iter().map(|kind| kind.face());
        let expected: Vec<String> =
            rows.map(|face| format!("MINIDOCK_ERROR_{} = {},", face.name, face.code)).collect();
        assert_eq!(found, expected);
    }
}
