//! What C hands in: pointers become references, texts and lists, or a clear error.
//!
//! NULL and bytes that are not UTF-8 are refused by the name of the argument. What is read here
//! is borrowed for one call and never kept.

use std::ffi::{CStr, OsStr, c_char};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use minidock::{Bytes, Error, ErrorKind, Reference, Result};

/// More words than any kernel takes: a list without its NULL ends here.
const MOST_WORDS: usize = 1 << 20;

fn invalid(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the argument `{name}` {what}"))
}

pub(crate) fn null(name: &str) -> Error {
    invalid(name, "is NULL")
}

/// A handle that is only looked at.
pub(crate) fn shared<'a, T>(name: &str, handle: *const T) -> Result<&'a T> {
    // SAFETY: the header's contract: a handle comes from the function that makes it and was not
    // freed, and nobody writes to it meanwhile.
    unsafe { handle.as_ref() }.ok_or_else(|| null(name))
}

/// A handle that is changed.
pub(crate) fn exclusive<'a, T>(name: &str, handle: *mut T) -> Result<&'a mut T> {
    // SAFETY: the header's contract: as above, and one thread at a time uses a handle that a
    // function takes without `const`.
    unsafe { handle.as_mut() }.ok_or_else(|| null(name))
}

/// The bytes of a string, which may be any.
pub(crate) fn bytes<'a>(name: &str, text: *const c_char) -> Result<&'a [u8]> {
    if text.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, and by the header's contract a string that ends in a NUL byte.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A string of UTF-8.
pub(crate) fn text<'a>(name: &str, text: *const c_char) -> Result<&'a str> {
    std::str::from_utf8(bytes(name, text)?).map_err(|_| invalid(name, "is not UTF-8"))
}

/// A string of UTF-8, or NULL for the default.
pub(crate) fn optional_text<'a>(name: &str, given: *const c_char) -> Result<Option<&'a str>> {
    if given.is_null() { Ok(None) } else { text(name, given).map(Some) }
}

/// A path, which need not be UTF-8.
pub(crate) fn path<'a>(name: &str, text: *const c_char) -> Result<&'a Path> {
    match bytes(name, text)? {
        [] => Err(invalid(name, "is empty")),
        path => Ok(Path::new(OsStr::from_bytes(path))),
    }
}

/// The name of an image.
pub(crate) fn reference(name: &str, given: *const c_char) -> Result<Reference> {
    let given = text(name, given)?;
    let parsed: Result<Reference, _> = given.parse();
    parsed
        .map_err(|error| invalid(name, &format!("is no image name: {given:?}")).with_source(error))
}

fn words(name: &str, list: *const *const c_char) -> Result<Vec<*const c_char>> {
    if list.is_null() {
        return Err(null(name));
    }
    let mut words = Vec::new();
    while words.len() < MOST_WORDS {
        // SAFETY: by the header's contract the list ends in NULL, and we are not past it.
        let word = unsafe { *list.add(words.len()) };
        if word.is_null() {
            return Ok(words);
        }
        words.push(word);
    }
    Err(invalid(name, "has no NULL at its end"))
}

/// A list of strings with a NULL at its end, as `argv` is; the words may be any bytes.
pub(crate) fn arguments(name: &str, list: *const *const c_char) -> Result<Vec<Bytes>> {
    words(name, list)?.into_iter().map(|word| Ok(Bytes(bytes(name, word)?.to_vec()))).collect()
}

/// A list of strings of UTF-8 with a NULL at its end.
pub(crate) fn texts<'a>(name: &str, list: *const *const c_char) -> Result<Vec<&'a str>> {
    words(name, list)?.into_iter().map(|word| text(name, word)).collect()
}

/// A descriptor that stays the caller's.
pub(crate) fn descriptor<'a>(name: &str, fd: i32) -> Result<BorrowedFd<'a>> {
    if fd < 0 {
        return Err(invalid(name, "is no descriptor"));
    }
    // SAFETY: not -1; by the header's contract open for the time of the call. A closed one makes
    // reading fail with EBADF, which is told.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// A place for a result.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Writes the result; only on success.
    pub(crate) fn write(self, value: T) {
        // SAFETY: not NULL (see `out`), and by the header's contract room for one value.
        unsafe { self.0.write(value) }
    }
}

/// A place for a result that the caller must want.
pub(crate) fn out<T>(name: &str, place: *mut T) -> Result<Out<T>> {
    if place.is_null() { Err(null(name)) } else { Ok(Out(place)) }
}

/// A place for a result that the caller may not want.
pub(crate) fn optional_out<T>(place: *mut T) -> Option<Out<T>> {
    (!place.is_null()).then_some(Out(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_bad_text_are_refused_by_name() {
        let bad = c"\xff";
        let told = |error: Error| error.to_string();
        let none = std::ptr::null::<c_char>();
        assert_eq!(told(text("image", none).unwrap_err()), "the argument `image` is NULL");
        let not_text = text("image", bad.as_ptr()).unwrap_err();
        assert_eq!(told(not_text), "the argument `image` is not UTF-8");
        assert_eq!(bytes("path", bad.as_ptr()).unwrap(), b"\xff");
        assert_eq!(optional_text("image", none).unwrap(), None);
        assert!(path("path", c"".as_ptr()).is_err());
        assert!(descriptor("fd", -1).is_err());
        assert!(shared::<u8>("client", std::ptr::null()).is_err());
        assert!(exclusive::<u8>("client", std::ptr::null_mut()).is_err());
        assert!(out::<u8>("id", std::ptr::null_mut()).is_err());
        assert!(reference("reference", c"UPPER case".as_ptr()).is_err());
    }

    #[test]
    fn lists_end_at_null() {
        let list = [c"a".as_ptr(), c"\xff".as_ptr(), std::ptr::null()];
        let words = arguments("argv", list.as_ptr()).unwrap();
        assert_eq!(words, [Bytes(b"a".to_vec()), Bytes(b"\xff".to_vec())]);
        assert!(texts("images", list.as_ptr()).is_err());
        assert!(arguments("argv", std::ptr::null()).is_err());
    }
}
