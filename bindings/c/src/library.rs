//! What a program can ask of the library itself.

use std::ffi::{c_char, c_int};

use crate::{argument, guard, handle};

/// Changes when a program that was compiled before could not run with the library any more.
pub const MINIDOCK_ABI_VERSION: c_int = 0;

/// What [`minidock_has_feature`] knows, one name for each group of functions.
const FEATURES: &[&str] =
    &["build", "cancel", "client", "containers", "exec", "images", "logs", "ports", "volumes"];

/// The version of the library, "0.1.0". Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// MINIDOCK_ABI_VERSION of the library that is loaded. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_abi_version() -> c_int {
    MINIDOCK_ABI_VERSION
}

/// Whether the library that is loaded has a feature. A name that it does not know, NULL too, is
/// one it does not have. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_has_feature(name: *const c_char) -> bool {
    guard::value(false, || {
        argument::bytes("name", name)
            .is_ok_and(|name| FEATURES.iter().any(|feature| feature.as_bytes() == name))
    })
}

/// Ends a string that a function handed out. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_string_free(string: *mut c_char) {
    guard::value((), || handle::free_text(string));
}
