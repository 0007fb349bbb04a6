//! What makes a step of a build run again, and what does not: a table of changes, each applied to
//! the same context, with the steps that must be taken from the cache.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use minidock_tests::{Busybox, Output};
use rustix::fs::{CWD, XattrFlags};

const DOCKERFILE: &str = "FROM busybox
ARG EARLY=1
ENV LEVEL=1
RUN echo $EARLY $LEVEL > /made
COPY file /file
COPY dir /dir
ARG LATE=1
RUN cat /file > /copy
USER 7
RUN id -u > /tmp/id
";

/// One letter for each step that makes a layer: `c` taken from the cache, `m` made.
const ALL_CACHED: &str = "ccccc";

/// A change, what it does to the steps, and whether the image is another one.
struct Change {
    name: &'static str,
    steps: &'static str,
    same_image: bool,
    edit: fn(&Busybox, &Path),
    dockerfile: fn(&str) -> String,
    flags: &'static [&'static str],
}

const NOTHING: Change = Change {
    name: "nothing",
    steps: ALL_CACHED,
    same_image: true,
    edit: |_, _| (),
    dockerfile: str::to_owned,
    flags: &[],
};

/// The last one, since its steps are what is remembered from then on.
const ANEW: Change = Change { flags: &["--no-cache"], ..made("--no-cache", "mmmmm") };

const CHANGES: &[Change] = &[
    Change { edit: |_, at| write(at, "file", "other\n"), ..made("content", "cmmmm") },
    Change { edit: |_, at| write(at, "dir/a", "other\n"), ..made("content below", "ccmmm") },
    Change { edit: |_, at| write(at, "dir/new", ""), ..made("a new file", "ccmmm") },
    Change {
        edit: |_, at| fs::remove_file(at.join("dir/a")).unwrap(),
        ..made("a file less", "ccmmm")
    },
    Change { edit: |_, at| mode(at, "file", 0o755), ..made("mode", "cmmmm") },
    Change { edit: |_, at| mode(at, "dir/sub", 0o700), ..made("mode of a directory", "ccmmm") },
    Change { edit: |_, at| attribute(at, "file"), ..made("extended attribute", "cmmmm") },
    Change { edit: |_, at| link(at, "b"), ..made("target of a link", "ccmmm") },
    Change { edit: |_, at| old(at, "file"), name: "time of a file", ..NOTHING },
    Change { edit: |_, at| write(at, "dir/x.log", "y"), name: "an ignored file", ..NOTHING },
    Change { edit: |_, at| write(at, "aside", "x"), name: "a file that nobody copies", ..NOTHING },
    Change {
        edit: |_, at| write(at, ".dockerignore", "# note\n**/*.log\n"),
        name: "ignore file, to the same effect",
        ..NOTHING
    },
    Change {
        edit: |_, at| write(at, ".dockerignore", "**/*.log\ndir/sub\n"),
        ..made("ignore file", "ccmmm")
    },
    Change {
        dockerfile: |d| d.replace("COPY file", "COPY --chown=7 file"),
        ..made("owner", "cmmmm")
    },
    Change {
        dockerfile: |d| d.replace("COPY file", "COPY --chmod=600 file"),
        ..made("mode by flag", "cmmmm")
    },
    Change { dockerfile: |d| d.replace("LEVEL=1", "LEVEL=2"), ..made("ENV", "mmmmm") },
    Change { dockerfile: |d| d.replace("USER 7", "USER 8"), ..made("USER", "ccccm") },
    Change {
        dockerfile: |d| d.replace("USER 7", "WORKDIR /w\nUSER 7"),
        ..made("WORKDIR", "ccccmm")
    },
    Change {
        dockerfile: |d| d.replace("USER 7", "SHELL [\"/bin/busybox\", \"sh\", \"-c\"]\nUSER 7"),
        ..made("SHELL", "ccccm")
    },
    Change {
        dockerfile: |d| {
            d.replace("COPY file /file\nCOPY dir /dir", "COPY dir /dir\nCOPY file /file")
        },
        ..made("order", "cmmmm")
    },
    Change { dockerfile: |d| d.replace("id -u", "id -g"), ..made("the command", "ccccm") },
    Change {
        dockerfile: |d| d.replace("RUN id -u", "# note\nRUN id -u"),
        name: "a comment",
        ..NOTHING
    },
    Change { dockerfile: |d| d.to_owned() + "LABEL a=b\n", ..made("LABEL", ALL_CACHED) },
    Change { flags: &["--build-arg", "EARLY=2"], ..made("an argument that all can read", "mmmmm") },
    Change { flags: &["--build-arg", "LATE=2"], ..made("an argument of the later steps", "cccmm") },
    Change {
        flags: &["--build-arg", "NOBODY=2"],
        name: "an argument that nobody asks for",
        ..NOTHING
    },
    Change {
        edit: |busybox, _| alias(busybox),
        dockerfile: |d| d.replace("FROM busybox", "FROM alias"),
        name: "another name of the base",
        ..NOTHING
    },
    Change {
        edit: |busybox, _| other_base(busybox),
        dockerfile: |d| d.replace("FROM busybox", "FROM other"),
        ..made("another base", "mmmmm")
    },
];

const fn made(name: &'static str, steps: &'static str) -> Change {
    Change { name, steps, same_image: false, ..NOTHING }
}

#[test]
fn a_step_runs_again_exactly_when_something_it_depends_on_changed() {
    let busybox = Busybox::new();
    fresh_context(&busybox);
    let first = busybox.build(DOCKERFILE);
    assert_eq!(steps(first.succeeds()), "mmmmm", "{}", first.told());
    let id = busybox.inspect("built", "{{.Id}}");
    let mut wrong = Vec::new();
    for change in std::iter::once(&NOTHING).chain(CHANGES).chain([&NOTHING, &ANEW]) {
        let context = fresh_context(&busybox);
        (change.edit)(&busybox, &context);
        let output = busybox.build_with(&(change.dockerfile)(DOCKERFILE), change.flags);
        output.succeeds();
        let (found, built) = (steps(&output), busybox.inspect("built", "{{.Id}}"));
        if found != change.steps || (built == id) != change.same_image {
            let same = if built == id { "same" } else { "other" };
            wrong
                .push(format!("{}: {found}, {same} image; expected {}", change.name, change.steps));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_came_from_the_cache_has_the_same_content() {
    let busybox = Busybox::new();
    fresh_context(&busybox);
    busybox.build(DOCKERFILE).succeeds();
    let context = fresh_context(&busybox);
    write(&context, "file", "other\n");
    busybox.build(DOCKERFILE).succeeds();
    fresh_context(&busybox);
    let again = busybox.build(DOCKERFILE);
    assert_eq!(steps(&again), ALL_CACHED, "{}", again.told());
    let call = ["run", "--rm", "--network", "none", "built", "cat", "/made", "/copy", "/tmp/id"];
    assert_eq!(busybox.run(call).succeeds().stdout, "1 1\none\n7\n");
}

#[test]
fn a_step_that_failed_is_not_remembered() {
    let busybox = Busybox::new();
    let text = "FROM busybox\nRUN test -e /never\n";
    busybox.build(text).exits(1);
    let again = busybox.build(text);
    again.exits(1);
    assert!(!again.stderr.contains("CACHED"), "{}", again.told());
}

/// One letter for each step that makes a layer, in order.
fn steps(output: &Output) -> String {
    let mut letters = String::new();
    let mut layer = false;
    for line in output.stderr.lines() {
        let Some((number, rest)) = line.split_once(' ') else { continue };
        if !number.starts_with('#') {
            continue;
        }
        if let Some((_, text)) = rest.split_once("] ").filter(|_| rest.starts_with('[')) {
            layer = ["RUN", "COPY", "WORKDIR"].iter().any(|word| text.starts_with(word));
        } else if layer && rest.starts_with("CACHED") {
            letters.push('c');
        } else if layer && rest.starts_with("DONE") {
            letters.push('m');
        }
    }
    letters
}

/// The context as it was at first, with new inodes and times.
fn fresh_context(busybox: &Busybox) -> std::path::PathBuf {
    let context = busybox.dir().join("context");
    if context.exists() {
        fs::remove_dir_all(&context).unwrap();
    }
    busybox.write("context/file", "one\n");
    busybox.write("context/dir/a", "a\n");
    busybox.write("context/dir/sub/s", "s\n");
    busybox.write("context/dir/x.log", "x\n");
    busybox.write("context/.dockerignore", "**/*.log\n");
    symlink("a", context.join("dir/link")).unwrap();
    context
}

fn write(at: &Path, name: &str, text: &str) {
    fs::write(at.join(name), text).unwrap();
}

fn mode(at: &Path, name: &str, mode: u32) {
    fs::set_permissions(at.join(name), fs::Permissions::from_mode(mode)).unwrap();
}

fn attribute(at: &Path, name: &str) {
    rustix::fs::setxattr(at.join(name), "user.note", b"x", XattrFlags::empty()).unwrap();
}

fn link(at: &Path, target: &str) {
    let link = at.join("dir/link");
    fs::remove_file(&link).unwrap();
    rustix::fs::symlinkat(target, CWD, &link).unwrap();
}

fn old(at: &Path, name: &str) {
    let file = fs::File::options().write(true).open(at.join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(1_000_000)).unwrap();
}

fn alias(busybox: &Busybox) {
    busybox.run(["tag", "busybox", "alias"]).succeeds();
}

/// An image `other` with one file more than busybox.
fn other_base(busybox: &Busybox) {
    let call = busybox.call(["build", "-q", "-t", "other", "-"]);
    call.input("FROM busybox\nRUN touch /more\n").run().succeeds();
}
