//! Images: import, load, save, list, tag, remove, inspect, history.
//!
//! Lists and descriptions are JSON in docker's shape, as the engine renders it.

use std::ffi::{c_char, c_int};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use minidock::image::{ArchiveFormat, ImageFilter, ImportOptions, LoadOptions, Loaded};
use minidock::{Error, Result};
use serde_json::Value;

use crate::argument::{self, Out};
use crate::client::minidock_client_t;
use crate::error::minidock_error_t;
use crate::{guard, handle};

pub(crate) fn write_json(out: Option<Out<*mut c_char>>, value: &Value) {
    if let Some(out) = out {
        out.write(handle::give_text(&value.to_string()));
    }
}

fn duplicate(name: &str, fd: c_int) -> Result<File> {
    let fd = argument::descriptor(name, fd)?.try_clone_to_owned();
    fd.map(File::from)
        .map_err(|error| Error::io(format!("cannot use the descriptor `{name}`"), error))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Error::at("open", path, error))
}

fn import(
    client: *const minidock_client_t,
    tar: impl FnOnce() -> Result<File>,
    reference: *const c_char,
    changes: *const *const c_char,
    id: *mut *mut c_char,
) -> Result<()> {
    let client = argument::shared("client", client)?;
    let id = argument::optional_out(id);
    let mut options = ImportOptions::default();
    if !changes.is_null() {
        let changes = argument::texts("changes", changes)?;
        options.changes = changes.into_iter().map(str::to_owned).collect();
    }
    if !reference.is_null() {
        options.reference = Some(argument::reference("reference", reference)?);
    }
    let digest = client.engine.import_image(tar()?, &options)?;
    if let Some(id) = id {
        id.write(handle::give_text(&digest.to_string()));
    }
    Ok(())
}

/// Makes an image of a tar of a root file system, plain or compressed with gzip or zstd.
/// `reference` may be NULL: the image has no name then. `changes` may be NULL, or a list with NULL
/// at its end of instructions for the image's config, as "CMD [\"sh\"]". `id`, which may be NULL,
/// gets a string for minidock_string_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_import(
    client: *const minidock_client_t,
    path: *const c_char,
    reference: *const c_char,
    changes: *const *const c_char,
    id: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| import(client, || open(argument::path("path", path)?), reference, changes, id))
}

/// As minidock_image_import, from a descriptor, which stays the caller's and need not be
/// seekable.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_import_fd(
    client: *const minidock_client_t,
    fd: c_int,
    reference: *const c_char,
    changes: *const *const c_char,
    id: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| import(client, || duplicate("fd", fd), reference, changes, id))
}

fn load(
    client: *const minidock_client_t,
    from: impl FnOnce() -> Result<File>,
    json: *mut *mut c_char,
) -> Result<()> {
    let client = argument::shared("client", client)?;
    let json = argument::optional_out(json);
    let archive: &mut dyn Read = &mut from()?;
    let loaded = client.engine.load_images(archive, &LoadOptions::default())?;
    write_json(json, &loaded.iter().map(Loaded::to_json).collect());
    Ok(())
}

/// Loads the images of a docker or OCI archive. `json`, which may be NULL, gets
/// `[{"Id":…,"RepoTags":[…]}]`, a string for minidock_string_free.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_load(
    client: *const minidock_client_t,
    path: *const c_char,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| load(client, || open(argument::path("path", path)?), json))
}

/// As minidock_image_load, from a descriptor, which stays the caller's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_load_fd(
    client: *const minidock_client_t,
    fd: c_int,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| load(client, || duplicate("fd", fd), json))
}

fn save(
    client: *const minidock_client_t,
    images: *const *const c_char,
    to: impl FnOnce() -> Result<File>,
) -> Result<()> {
    let client = argument::shared("client", client)?;
    let images = argument::texts("images", images)?;
    let out: &mut dyn Write = &mut to()?;
    client.engine.save_images(&images, ArchiveFormat::Docker, out)
}

/// Writes images, a list of names or ids with NULL at its end, to a docker archive, which is made
/// or overwritten. After an error the file is incomplete.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_save(
    client: *const minidock_client_t,
    images: *const *const c_char,
    path: *const c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        save(client, images, || {
            let path = argument::path("path", path)?;
            File::create(path).map_err(|error| Error::at("make", path, error))
        })
    })
}

/// As minidock_image_save, to a descriptor, which stays the caller's.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_save_fd(
    client: *const minidock_client_t,
    images: *const *const c_char,
    fd: c_int,
) -> *mut minidock_error_t {
    guard::call(|| save(client, images, || duplicate("fd", fd)))
}

/// Lists images, the newest first: a JSON array as docker's `GET /images/json` gives.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_list(
    client: *const minidock_client_t,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let client = argument::shared("client", client)?;
        let json = argument::out("json", json)?;
        let images = client.engine.list_images(&ImageFilter::default())?;
        write_json(Some(json), &images.iter().map(|image| image.to_json()).collect());
        Ok(())
    })
}

/// Gives an image a further name.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_tag(
    client: *const minidock_client_t,
    image: *const c_char,
    reference: *const c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let client = argument::shared("client", client)?;
        let image = argument::text("image", image)?;
        let reference = argument::reference("reference", reference)?;
        client.engine.tag_image(image, &reference).map(drop)
    })
}

/// Removes a name, and the image with its last one. `json`, which may be NULL, gets what went:
/// `[{"Untagged":…},{"Deleted":…}]`.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_remove(
    client: *const minidock_client_t,
    image: *const c_char,
    force: bool,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let client = argument::shared("client", client)?;
        let image = argument::text("image", image)?;
        let json = argument::optional_out(json);
        let removed = client.engine.remove_image(image, force)?;
        write_json(json, &removed.iter().map(|removed| removed.to_json()).collect());
        Ok(())
    })
}

/// Describes an image: a JSON object as docker's `image inspect` gives.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_inspect(
    client: *const minidock_client_t,
    image: *const c_char,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let client = argument::shared("client", client)?;
        let image = argument::text("image", image)?;
        let json = argument::out("json", json)?;
        write_json(Some(json), &client.engine.inspect_image(image)?);
        Ok(())
    })
}

/// The steps that an image was made by, the newest first: a JSON array as docker's
/// `GET /images/NAME/history` gives.
#[unsafe(no_mangle)]
pub extern "C" fn minidock_image_history(
    client: *const minidock_client_t,
    image: *const c_char,
    json: *mut *mut c_char,
) -> *mut minidock_error_t {
    guard::call(|| {
        let client = argument::shared("client", client)?;
        let image = argument::text("image", image)?;
        let json = argument::out("json", json)?;
        let rows = client.engine.image_history(image)?;
        write_json(Some(json), &rows.iter().map(|row| row.to_json()).collect());
        Ok(())
    })
}
