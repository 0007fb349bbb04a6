//! The one place where things get docker's shape in JSON, for every face.
//!
//! It renders values that were gathered before; only `gather` asks the store. What minidock does
//! not know is not made up: it is absent, or empty where docker's clients need the field.

mod config;
mod container;
mod event;
mod gather;
mod host_config;
mod image;
mod lists;
mod network;
mod path_stat;
mod system;
mod times;
mod volume;

pub(crate) use container::{ContainerView, inspect_container};
pub(crate) use event::event;
pub(crate) use image::{ImageView, inspect_image};
pub(crate) use path_stat::path_stat;
pub use system::docker_version;

use std::path::PathBuf;

use minidock_proto::Bytes;
use serde_json::{Map, Value, json};

/// Trees, lowest first, as overlay takes them: topmost first.
fn lower_dirs(trees: &[PathBuf]) -> Value {
    if trees.is_empty() {
        return Value::Null;
    }
    json!({ "LowerDir": joined(trees) })
}

fn joined(trees: &[PathBuf]) -> String {
    let dirs: Vec<_> = trees.iter().rev().map(|tree| tree.to_string_lossy()).collect();
    dirs.join(":")
}

/// JSON has text alone: bytes that are none are replaced by a mark.
fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(&bytes.0).into_owned()
}

fn texts(list: &[Bytes]) -> Vec<String> {
    list.iter().map(text).collect()
}

/// Docker writes an empty map or list as null.
fn or_null(value: Value) -> Value {
    let is_empty =
        value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    if is_empty { Value::Null } else { value }
}
