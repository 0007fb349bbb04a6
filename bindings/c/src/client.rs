//! The client: one store, opened.

use std::ffi::c_char;

use minidock::{Engine, EngineOptions, Error, ErrorKind, Result, UserNamespace};

use crate::error::minidock_error_t;
use crate::{argument, guard, handle};

/// How a client is opened. One thread at a time.
pub struct minidock_client_options_t {
    options: EngineOptions,
}

/// A store and the program that runs containers. Any number of threads may use one at once; it
/// must outlive no other handle, since containers and processes keep what they need of it.
///
/// In a child made by fork() without exec() every function gives MINIDOCK_ERROR_FORKED.
pub struct minidock_client_t {
    pub(crate) engine: Engine,
}

/// Options with defaults. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_client_options_new() -> *mut minidock_client_options_t {
    guard::value(std::ptr::null_mut(), || {
        handle::give(minidock_client_options_t { options: EngineOptions::default() })
    })
}

/// Where the store lies; without it MINIDOCK_ROOT, then $XDG_DATA_HOME/minidock.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_client_options_set_root(
    options: *mut minidock_client_options_t,
    path: *const c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let options = argument::exclusive("options", options)?;
        options.options.root = Some(argument::path("path", path)?.to_owned());
        Ok(())
    })
}

/// The absolute path of the program minidock-runtime; without it MINIDOCK_RUNTIME,
/// /usr/libexec/minidock, then ../libexec/minidock beside the directory of this library.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_client_options_set_runtime(
    options: *mut minidock_client_options_t,
    path: *const c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let options = argument::exclusive("options", options)?;
        options.options.runtime = Some(argument::path("path", path)?.to_owned());
        Ok(())
    })
}

/// Which ids containers have: "auto" (subordinate ids where there are some), "single".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_client_options_set_user_namespace(
    options: *mut minidock_client_options_t,
    name: *const c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let options = argument::exclusive("options", options)?;
        options.options.user_namespace = user_namespace(argument::text("name", name)?)?;
        Ok(())
    })
}

fn user_namespace(name: &str) -> Result<UserNamespace> {
    match name {
        "auto" => Ok(UserNamespace::Auto),
        "single" => Ok(UserNamespace::Single),
        other => {
            let message = format!("{other:?} is no choice of user namespaces");
            Err(Error::new(ErrorKind::InvalidInput, message)
                .with_hint("give \"auto\" or \"single\""))
        }
    }
}

/// Ends the options. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_client_options_free(options: *mut minidock_client_options_t) {
    guard::value((), || handle::free(options));
}

/// Opens a client; NULL for `options` means defaults. Free it with minidock_client_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_client_open(
    options: *const minidock_client_options_t,
    client: *mut *mut minidock_client_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let client = argument::out("client", client)?;
        let defaults = EngineOptions::default();
        let options = match options.is_null() {
            true => &defaults,
            false => &argument::shared("options", options)?.options,
        };
        client.write(handle::give(minidock_client_t { engine: Engine::open(options)? }));
        Ok(())
    })
}

/// Ends the client; containers and what runs in them stay. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_client_free(client: *mut minidock_client_t) {
    guard::value((), || handle::free(client));
}
