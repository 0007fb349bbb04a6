//! Builds: options, progress, the call.

use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::{Mutex, PoisonError};

use minidock::Result;
use minidock::build::{BuildEvent, BuildOptions, ContextSource, DockerfileSource, Stream};
use minidock::container::parse;

use crate::cancel::minidock_cancel_t;
use crate::client::minidock_client_t;
use crate::error::minidock_error_t;
use crate::{argument, guard, handle};

/// What to build. One thread at a time.
pub struct minidock_build_options_t {
    options: BuildOptions,
}

/// What an event of a build is about. More may come: ignore what you do not know.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum minidock_build_event_kind_t {
    /// A stage begins; the text is what it begins with.
    MINIDOCK_BUILD_STAGE = 1,
    /// A step begins; the text is its instruction.
    MINIDOCK_BUILD_STEP = 2,
    /// The step's layer was there already.
    MINIDOCK_BUILD_CACHED = 3,
    /// A command of the step wrote the bytes.
    MINIDOCK_BUILD_OUTPUT = 4,
    /// The step ended well.
    MINIDOCK_BUILD_STEP_DONE = 5,
    /// Something works but is hardly meant; the text says what.
    MINIDOCK_BUILD_WARNING = 6,
    /// The image is there; the text is its id.
    MINIDOCK_BUILD_FINISHED = 7,
    /// An event of a newer engine.
    MINIDOCK_BUILD_OTHER = 8,
}

use minidock_build_event_kind_t::*;

/// Something that happened in a build. It lives for the call of the callback.
pub struct minidock_build_event_t {
    kind: minidock_build_event_kind_t,
    step: usize,
    steps: usize,
    text: CString,
    stream: c_int,
    bytes: Vec<u8>,
}

/// Gets the events of a build: never two at a time, not always on the thread that builds. It must
/// not unwind (throw, longjmp).
pub type minidock_build_callback_t =
    Option<extern "C" fn(userdata: *mut c_void, event: *const minidock_build_event_t)>;

/// A build of this directory, with defaults. Free it with minidock_build_options_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_new(
    context: *const c_char,
    options: *mut *mut minidock_build_options_t,
) -> *mut minidock_error_t {
    guard::call(|| {
        let context = argument::path("context", context)?.to_owned();
        let out = argument::out("options", options)?;
        let options = BuildOptions::new(ContextSource::Directory(context));
        out.write(handle::give(minidock_build_options_t { options }));
        Ok(())
    })
}

fn change(
    options: *mut minidock_build_options_t,
    change: impl FnOnce(&mut BuildOptions) -> Result<()>,
) -> *mut minidock_error_t {
    guard::call(|| change(&mut argument::exclusive("options", options)?.options))
}

/// The Dockerfile; `Dockerfile` of the context without.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_dockerfile(
    options: *mut minidock_build_options_t,
    path: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let path = argument::path("path", path)?.to_owned();
        options.dockerfile = Some(DockerfileSource::File(path));
        Ok(())
    })
}

/// The text of the Dockerfile, in place of a file.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_dockerfile_text(
    options: *mut minidock_build_options_t,
    text: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let text = argument::bytes("text", text)?.to_vec();
        options.dockerfile = Some(DockerfileSource::Text(text));
        Ok(())
    })
}

/// A further name for the image.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_add_tag(
    options: *mut minidock_build_options_t,
    reference: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.tags.push(argument::reference("reference", reference)?);
        Ok(())
    })
}

/// A value for ARG.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_argument(
    options: *mut minidock_build_options_t,
    name: *const c_char,
    value: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let name = argument::text("name", name)?.to_owned();
        options.build_args.insert(name, argument::text("value", value)?.to_owned());
        Ok(())
    })
}

/// A label on top of the Dockerfile's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_label(
    options: *mut minidock_build_options_t,
    name: *const c_char,
    value: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        let name = argument::text("name", name)?.to_owned();
        options.labels.insert(name, argument::text("value", value)?.to_owned());
        Ok(())
    })
}

/// The stage to build; the last one without.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_target(
    options: *mut minidock_build_options_t,
    stage: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.target = Some(argument::text("stage", stage)?.to_owned());
        Ok(())
    })
}

/// Run every step, whatever is remembered.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_no_cache(
    options: *mut minidock_build_options_t,
    no_cache: bool,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.no_cache = no_cache;
        Ok(())
    })
}

/// The network of RUN: "private", "none" or "host".
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_network(
    options: *mut minidock_build_options_t,
    network: *const c_char,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.network = parse::network(argument::text("network", network)?)?;
        Ok(())
    })
}

/// What stops the build from another thread.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_set_cancel(
    options: *mut minidock_build_options_t,
    cancel: *const minidock_cancel_t,
) -> *mut minidock_error_t {
    change(options, |options| {
        options.cancel = argument::shared("cancel", cancel)?.token.clone();
        Ok(())
    })
}

/// Ends the options. NULL is nothing.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_options_free(options: *mut minidock_build_options_t) {
    guard::value((), || handle::free(options));
}

/// Builds an image. `callback` may be NULL; it gets `userdata` back. `id`, which may be NULL,
/// gets a string for minidock_string_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_build(
    client: *const minidock_client_t,
    options: *const minidock_build_options_t,
    callback: minidock_build_callback_t,
    userdata: *mut c_void,
    id: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let client = argument::shared("client", client)?;
        let options = argument::shared("options", options)?;
        let id = argument::optional_out(id);
        let listener = Mutex::new(Userdata(userdata));
        let built = client.engine.build(&options.options, &|event| {
            if let Some(callback) = callback {
                let userdata = listener.lock().unwrap_or_else(PoisonError::into_inner);
                callback(userdata.0, &minidock_build_event_t::from(event));
            }
        })?;
        if let Some(id) = id {
            id.write(handle::give_text(&built.id.to_string()));
        }
        Ok(())
    })
}

/// The caller's pointer, which its callback alone looks behind.
struct Userdata(*mut c_void);

// SAFETY: we never look behind it; the header says that the callback runs on other threads too,
// one at a time.
unsafe impl Send for Userdata {}

impl From<BuildEvent> for minidock_build_event_t {
    fn from(event: BuildEvent) -> Self {
        let mut told = Self {
            kind: MINIDOCK_BUILD_OTHER,
            step: 0,
            steps: 0,
            text: CString::default(),
            stream: 0,
            bytes: Vec::new(),
        };
        match event {
            BuildEvent::StageStarted { base, .. } => {
                (told.kind, told.text) = (MINIDOCK_BUILD_STAGE, handle::c_text(&base));
            }
            BuildEvent::StepStarted { number, total, text, .. } => {
                (told.step, told.steps) = (number, total);
                (told.kind, told.text) = (MINIDOCK_BUILD_STEP, handle::c_text(&text));
            }
            BuildEvent::Cached { number } => {
                (told.kind, told.step) = (MINIDOCK_BUILD_CACHED, number)
            }
            BuildEvent::Output { number, stream, bytes } => {
                (told.kind, told.step, told.bytes) = (MINIDOCK_BUILD_OUTPUT, number, bytes);
                told.stream = number_of(stream);
            }
            BuildEvent::StepDone { number, .. } => {
                (told.kind, told.step) = (MINIDOCK_BUILD_STEP_DONE, number);
            }
            BuildEvent::Warning { text } => {
                (told.kind, told.text) = (MINIDOCK_BUILD_WARNING, handle::c_text(&text));
            }
            BuildEvent::Finished { id, .. } => {
                (told.kind, told.text) = (MINIDOCK_BUILD_FINISHED, handle::c_text(&id.to_string()));
            }
            _ => {}
        }
        told
    }
}

/// 1 is standard output, 2 is standard error.
pub(crate) fn number_of(stream: Stream) -> c_int {
    match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    }
}

fn read<T>(
    event: *const minidock_build_event_t,
    none: T,
    of: impl FnOnce(&minidock_build_event_t) -> T,
) -> T {
    argument::shared("event", event).map_or(none, of)
}

/// One of minidock_build_event_kind_t; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_event_kind(event: *const minidock_build_event_t) -> c_int {
    guard::value(0, || read(event, 0, |event| event.kind as c_int))
}

/// The step it belongs to, from 1; 0 without one.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_event_step(event: *const minidock_build_event_t) -> usize {
    guard::value(0, || read(event, 0, |event| event.step))
}

/// How many steps there are, where a step begins; 0 elsewhere.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_event_steps(event: *const minidock_build_event_t) -> usize {
    guard::value(0, || read(event, 0, |event| event.steps))
}

/// Its text, one line of UTF-8; "" without one.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_event_text(event: *const minidock_build_event_t) -> *const c_char {
    guard::value(c"".as_ptr(), || read(event, c"".as_ptr(), |event| event.text.as_ptr()))
}

/// Where output came from: 1 is standard output, 2 is standard error; 0 for other events.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_event_stream(event: *const minidock_build_event_t) -> c_int {
    guard::value(0, || read(event, 0, |event| event.stream))
}

/// The bytes of output as they came; `length`, which may be NULL, gets their number.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_build_event_bytes(
    event: *const minidock_build_event_t,
    length: *mut usize,
) -> *const c_char {
    let none = (c"".as_ptr(), 0);
    let (bytes, count) = guard::value(none, || {
        read(event, none, |event| match event.bytes.as_slice() {
            [] => none,
            bytes => (bytes.as_ptr().cast(), bytes.len()),
        })
    });
    if let Some(length) = argument::optional_out(length) {
        length.write(count);
    }
    bytes
}
