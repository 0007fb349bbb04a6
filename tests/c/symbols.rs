//! What the library exports and the headers declare. A change of the list is a change of the ABI:
//! names are added, never taken away or given another meaning.

use std::collections::BTreeSet;
use std::fs;

use minidock_tests::{Call, stage};

use crate::program::{Scene, programs};

fn exported() -> BTreeSet<String> {
    let library = stage::library().join("lib/libminidock.so");
    let listed = Call::new("nm").args(["-D", "--defined-only"]).arg(library).run();
    let names = listed.succeeds().stdout.lines().filter_map(|line| line.split(' ').nth(2));
    // The version's own name is a symbol too.
    names.filter_map(|name| name.split("@@").next()).map(str::to_owned).collect()
}

fn of_c() -> BTreeSet<String> {
    exported().into_iter().filter(|name| name.starts_with("minidock_")).collect()
}

#[test]
fn the_exported_symbols_are_the_committed_ones() {
    let path = programs().join("../symbols.txt");
    let committed = fs::read_to_string(&path).unwrap();
    let committed: BTreeSet<String> = committed.lines().map(str::to_owned).collect();
    let added: Vec<_> = of_c().difference(&committed).cloned().collect();
    let gone: Vec<_> = committed.difference(&of_c()).cloned().collect();
    assert!(added.is_empty(), "write to tests/c/symbols.txt: {added:#?}");
    assert!(gone.is_empty(), "programs that use these would not start any more: {gone:#?}");
}

#[test]
fn nothing_of_rust_or_sqlite_is_exported() {
    let exported = exported();
    let foreign: Vec<_> =
        exported.iter().filter(|name| !name.to_lowercase().contains("minidock")).collect();
    assert!(foreign.is_empty(), "{foreign:#?}");
}

#[test]
fn the_soname_carries_the_abi_version() {
    let library = stage::library().join("lib/libminidock.so");
    let said = Call::new("readelf").args(["-d"]).arg(library).run();
    said.succeeds().stdout_has("Library soname: [libminidock.so.0]");
}

#[test]
fn every_function_is_declared_and_tried_with_wrong_arguments() {
    let header = fs::read_to_string(stage::library().join("include/minidock.h")).unwrap();
    let arguments = fs::read_to_string(programs().join("arguments.c")).unwrap();
    for name in of_c() {
        assert!(header.contains(&format!("{name}(")), "{name} is not in minidock.h");
        assert!(arguments.contains(&name), "{name} is not in arguments.c");
    }
}

#[test]
fn the_header_stands_alone_in_every_dialect() {
    let scene = Scene::new();
    for (compiler, name, flags) in [
        ("cc", "alone.c", ["-std=c99", "-Wstrict-prototypes"]),
        ("cc", "alone.c", ["-std=c17", "-Wmissing-prototypes"]),
        ("c++", "alone.cpp", ["-std=c++17", "-Wconversion"]),
    ] {
        let source = scene.dir().join(name);
        fs::write(&source, "#include <minidock.h>\nint main(void) { return 0; }\n").unwrap();
        let include = format!("-I{}", stage::library().join("include").display());
        let call = Call::new(compiler).args(flags).args(["-Wall", "-Wextra", "-pedantic"]);
        let call = call.args(["-Werror", "-fsyntax-only"]).arg(include).arg(&source);
        assert_eq!(call.run().succeeds().stderr, "");
    }
}

#[test]
fn a_program_that_is_linked_with_the_archive_works() {
    let scene = Scene::new();
    let to = scene.dir().join("static");
    fs::write(scene.dir().join("static.c"), VERSION).unwrap();
    let library = stage::library();
    let call = Call::new("cc").arg(scene.dir().join("static.c")).args(["-o"]).arg(&to);
    let call = call.arg(format!("-I{}", library.join("include").display()));
    let call = call.arg(library.join("lib/libminidock.a"));
    let needed = crate::program::pkg_config(&["--static", "--libs-only-l"]);
    let needed = needed.into_iter().filter(|flag| flag != "-lminidock");
    call.args(needed).run().succeeds();
    assert_eq!(Call::new(to).run().succeeds().stdout, "0.1.0\n");
}

const VERSION: &str = "#include <minidock.h>\n#include <stdio.h>\n\
    int main(void) { return puts(minidock_version()) < 0; }\n";
