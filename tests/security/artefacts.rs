//! The built artefacts themselves.

use std::fs;
use std::os::unix::fs::MetadataExt;

use minidock_tests::{Call, stage};

#[test]
fn the_runtime_is_static() {
    let program = Call::new("readelf").args(["--program-headers", "--wide"]);
    let output = program.args([stage::runtime()]).run();
    output.succeeds().stdout_has("LOAD");
    assert!(!output.stdout.contains("INTERP"), "{}", output.told());
}

#[test]
fn no_artefact_is_setuid_or_writable_by_others() {
    for path in [stage::minidock(), stage::runtime()] {
        let mode = fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o7022, 0, "{} has mode {mode:o}", path.display());
    }
}
