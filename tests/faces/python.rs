//! The Python package as a face: the one that the suite of the package installed
//! (`MINIDOCK_TEST_PYTHON`), with the runtime that its wheel brings.

use std::path::Path;
use std::process::Command;

use minidock_tests::{Minidock, stage};

use crate::driver::Driver;
use crate::world::Face;

pub(crate) fn open(minidock: &Minidock) -> Box<dyn Face> {
    let sources = std::env::var_os("CARGO_MANIFEST_DIR").expect("where the tests are");
    let mut command = Command::new(stage::python());
    command.arg(Path::new(&sources).join("faces/drivers/driver.py"));
    command.arg(minidock.root());
    Box::new(Driver::start(command))
}
