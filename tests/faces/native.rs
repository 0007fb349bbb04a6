//! The C library, by C and by C++, as faces: drivers that are compiled against what is staged,
//! where no command line is.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use minidock_tests::{Call, Minidock, stage};
use serde_json::Value;
use tempfile::TempDir;

use crate::driver::Driver;
use crate::request::{Answer, Request, Values};
use crate::world::Face;

const C: &[&str] = &["cc", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"];

/// A compiled driver, kept while a scenario uses it.
struct Program {
    dir: TempDir,
}

struct Native {
    driver: Driver,
    _program: Arc<Program>,
}

pub(crate) fn open_c(minidock: &Minidock) -> Box<dyn Face> {
    static COMPILED: Mutex<Weak<Program>> = Mutex::new(Weak::new());
    open(minidock, &COMPILED, C, "driver.c")
}

fn open(
    minidock: &Minidock,
    compiled: &Mutex<Weak<Program>>,
    compiler: &[&str],
    source: &str,
) -> Box<dyn Face> {
    let mut compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner);
    let program = compiled.upgrade().unwrap_or_else(|| {
        let program = Arc::new(compile(compiler, source));
        *compiled = Arc::downgrade(&program);
        program
    });
    drop(compiled);
    let mut command = Command::new(program.path());
    command.arg(minidock.root()).env_remove("MINIDOCK_RUNTIME");
    Box::new(Native { driver: Driver::start(command), _program: program })
}

impl Program {
    fn path(&self) -> PathBuf {
        self.dir.path().join("driver")
    }
}

fn compile(compiler: &[&str], source: &str) -> Program {
    let program = Program { dir: tempfile::tempdir().expect("a directory") };
    let sources = std::env::var_os("CARGO_MANIFEST_DIR").expect("where the tests are");
    let source = PathBuf::from(sources).join("faces/drivers").join(source);
    let library = stage::library().join("lib");
    let said = Call::new("pkg-config").env("PKG_CONFIG_PATH", library.join("pkgconfig"));
    let said = said.args(["--cflags", "--libs", "minidock"]).run();
    let flags = said.succeeds().stdout.split_whitespace();
    let call = Call::new(compiler[0]).args(&compiler[1..]).args([source.as_os_str()]);
    let call = call.args(["-o"]).args([program.path()]).args(flags);
    call.args([format!("-Wl,-rpath,{}", library.display())]).run().succeeds();
    program
}

impl Face for Native {
    fn answer(&mut self, request: &Request) -> Answer {
        match self.driver.answer(request) {
            Answer::Done(values) => Answer::Done(unpacked(request.verb, values)),
            failed => failed,
        }
    }
}

/// Lists come as JSON of docker's shape.
fn unpacked(verb: &str, values: Values) -> Values {
    let list = |field: &str, name: &str| {
        let list: Vec<Value> = serde_json::from_str(values.one("json")).expect("a JSON array");
        let mut names: Vec<String> = list.iter().flat_map(|each| texts(&each[field])).collect();
        if verb != "history" {
            names.sort_unstable();
        }
        names.iter().fold(Values::default(), |all, each| all.with(name, each.as_str()))
    };
    match verb {
        "images" | "load" => list("RepoTags", "name"),
        "history" => list("CreatedBy", "step"),
        "containers" => list("Names", "name"),
        _ => values,
    }
}

/// A text, or a list of texts; docker puts a slash before a container's name.
fn texts(value: &Value) -> Vec<String> {
    let text = |text: &str| text.trim_start_matches('/').to_owned();
    match value {
        Value::String(one) => vec![text(one)],
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(text).collect(),
        _ => Vec::new(),
    }
}
