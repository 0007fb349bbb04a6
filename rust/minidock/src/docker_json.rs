//! The one place where things get docker's shape in JSON, for every face.
//!
//! It renders values that were gathered elsewhere; it reads no file and asks nobody.

mod image;

pub(crate) use image::{ImageView, inspect_image};

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Docker's word for a time that was never.
const NEVER: &str = "0001-01-01T00:00:00Z";

fn time_of_seconds(seconds: Option<i64>) -> String {
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| NEVER.to_owned(), |time| time.to_string())
}

/// Trees, lowest first, as overlay takes them: topmost first.
fn lower_dirs(trees: &[PathBuf]) -> Value {
    if trees.is_empty() {
        return Value::Null;
    }
    let dirs: Vec<_> = trees.iter().rev().map(|tree| tree.to_string_lossy()).collect();
    json!({ "LowerDir": dirs.join(":") })
}
