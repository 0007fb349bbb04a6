//! Tests of a hostile context: links, swaps, names, what is left out. Rows B1 and B11.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use minidock_image::layer::{Entry, EntryKind};
use minidock_image::tar::{LayerTarReader, TarEntry};

use super::*;
use crate::build::key::KeyBuilder;
use crate::cancel::CancelToken;

/// What no stream may hold.
const HOST: &str = "text of the host";

struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("context")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/secret"), HOST).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("context").join(name)
    }

    fn file(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        self
    }

    fn link(&self, name: &str, target: &str) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    fn open(&self) -> Context {
        let mut context = Context::open(&self.path("")).unwrap();
        context.read_ignore(None).unwrap();
        context
    }

    fn copied(&self, sources: &[&str]) -> Result<Manifest> {
        copied(&self.open(), sources)
    }

    fn key(&self, sources: &[&str]) -> minidock_image::digest::Digest {
        let mut key = KeyBuilder::new("copy", &[]);
        self.copied(sources).unwrap().hash_into(&mut key);
        key.finish()
    }

    /// Paths of the stream; links with their targets, files with their contents.
    fn stream(&self, sources: &[&str]) -> Vec<String> {
        let context = self.open();
        sent(&copied(&context, sources).unwrap(), &context).unwrap()
    }
}

fn copied(context: &Context, sources: &[&str]) -> Result<Manifest> {
    let mut manifest = Manifest::default();
    for source in sources {
        manifest.add_path(context, source, false, &CancelToken::default())?;
    }
    Ok(manifest)
}

fn sent(manifest: &Manifest, context: &Context) -> Result<Vec<String>> {
    let mut tar = Vec::new();
    manifest.send(Some(context), &mut tar, &CancelToken::default())?;
    let mut reader = LayerTarReader::new(tar.as_slice());
    let mut found = Vec::new();
    while let Some(next) = reader.next_entry().unwrap() {
        found.push(match next {
            TarEntry::Entry(Entry { path, kind: EntryKind::Symlink { target }, .. }) => {
                format!("{} -> {}", path.display(), String::from_utf8_lossy(&target))
            }
            TarEntry::Entry(entry) => format!("{}/", entry.path.display().trim_end_matches('/')),
            TarEntry::File(mut file) => {
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                format!("{}={text}", file.path().display())
            }
        });
    }
    Ok(found)
}

#[test]
fn nothing_leads_out_of_the_context() {
    let tree = Tree::new();
    tree.file("a/f", "inside")
        .file("secret", "decoy")
        .link("abs", "/etc/passwd")
        .link("up", "../outside/secret")
        .link("updir", "../outside")
        .link("a/deep", "../../../../outside/secret")
        .link("loop", "loop")
        .link("rooted", "/a/f")
        .link("chain", "rooted");
    // A source that is a link is resolved with the context as the root.
    for (source, want) in [
        ("rooted", Some(vec!["/rooted=inside"])),
        ("chain", Some(vec!["/chain=inside"])),
        ("../../../secret", Some(vec!["/secret=decoy"])),
        ("/a/f", Some(vec!["/f=inside"])),
        ("a/../a/./f", Some(vec!["/f=inside"])),
        ("abs", None),
        ("up", None),
        ("updir", None),
        ("updir/secret", None),
        ("a/deep", None),
        ("loop", None),
        ("a/f/x", None),
        ("missing", None),
    ] {
        match (tree.copied(&[source]), want) {
            (Ok(_), Some(want)) => assert_eq!(tree.stream(&[source]), want, "{source}"),
            (Err(error), None) => assert!(
                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput),
                "{source}: {error}"
            ),
            (result, want) => panic!("{source}: {result:?}, {want:?}"),
        }
    }
    // Inside a directory links stay links, whatever they lead to.
    assert_eq!(tree.stream(&["a"]), ["/", "/deep -> ../../../../outside/secret", "/f=inside"]);
}

#[test]
fn patterns_do_not_look_through_links() {
    let tree = Tree::new();
    tree.file("src/a.c", "a")
        .file("src/b.c", "b")
        .file("src/c.h", "c")
        .file("src/sub/d.c", "d")
        .link("out", "../outside")
        .link("alias", "src")
        .link("src/z.c", "a.c");
    assert_eq!(tree.stream(&["src/*.c"]), ["/a.c=a", "/b.c=b", "/z.c=a"]);
    assert_eq!(tree.stream(&["*/sub/[a-d].c"]), ["/d.c=d"]);
    // What is written out is resolved, what is a pattern is not.
    assert_eq!(tree.stream(&["alias/?.h"]), ["/c.h=c"]);
    for none in ["out/*", "o*t/secret", "*.none", "src/*.c/x"] {
        assert_eq!(tree.copied(&[none]).unwrap_err().kind(), ErrorKind::NotFound, "{none}");
    }
    // A match that leads out of the context.
    tree.link("evil.c", "../outside/secret");
    assert_eq!(tree.copied(&["*.c"]).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_is_swapped_between_the_passes_is_an_error_or_without_effect() {
    type Swap = fn(&Path, &Path);
    let swaps: [(&str, Swap); 6] = [
        ("content", |file, _| fs::write(file, "other!").unwrap()),
        ("length", |file, _| fs::write(file, "longer than before").unwrap()),
        ("a link to the outside", |file, outside| {
            fs::remove_file(file).unwrap();
            symlink(outside.join("secret"), file).unwrap();
        }),
        ("gone", |file, _| fs::remove_file(file).unwrap()),
        ("a directory", |file, _| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        }),
        ("its directory is a link to the outside", |file, outside| {
            let dir = file.parent().unwrap();
            fs::rename(dir, dir.with_extension("old")).unwrap();
            symlink(outside, dir).unwrap();
        }),
    ];
    for (what, swap) in swaps {
        // A file that is read again, and one that was kept.
        for (text, kept) in [("harmless ".repeat(10_000), false), ("harmless".to_owned(), true)] {
            let tree = Tree::new();
            tree.file("d/secret", &text);
            let context = tree.open();
            let manifest = copied(&context, &["d"]).unwrap();
            swap(&tree.path("d/secret"), &tree.dir.path().join("outside"));
            let mut tar = Vec::new();
            let sent = manifest.send(Some(&context), &mut tar, &CancelToken::default());
            assert_eq!(
                sent.err().map(|e| e.kind()),
                (!kept).then_some(ErrorKind::Conflict),
                "{what}"
            );
            let tar = String::from_utf8_lossy(&tar);
            assert!(!tar.contains(HOST) && tar.contains("harmless") == kept, "{what}");
        }
    }
}

#[test]
fn ignore_rules() {
    let tree = Tree::new();
    tree.file(".dockerignore", "*.log\nnode\n!node/keep\n.git\n")
        .file("a.txt", "a")
        .file("b.log", "b")
        .file("node/keep/x", "x")
        .file("node/other", "o")
        .file(".git/config", "g");
    assert_eq!(
        tree.stream(&["."]),
        [
            "/",
            "/.dockerignore=*.log\nnode\n!node/keep\n.git\n",
            "/a.txt=a",
            "/node/",
            "/node/keep/",
            "/node/keep/x=x"
        ]
    );
    assert_eq!(tree.stream(&["node"]), ["/", "/keep/", "/keep/x=x"]);
    for ignored in ["b.log", ".git", ".git/config", "node/other", "*.log"] {
        let error = tree.copied(&[ignored]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{ignored}");
    }
    // A link does not lead around the rules.
    tree.link("around", "b.log");
    assert!(tree.copied(&["around"]).is_err());
    // The Dockerfile's own rules come first.
    tree.file("Dockerfile.dockerignore", "a.txt\n");
    let mut context = tree.open();
    context.read_ignore(Some("Dockerfile")).unwrap();
    assert!(copied(&context, &["a.txt"]).is_err() && copied(&context, &["b.log"]).is_ok());
}

#[test]
fn an_ignore_file_is_read_within_the_context() {
    let tree = Tree::new();
    fs::write(tree.dir.path().join("outside/rules"), "a\n").unwrap();
    tree.file("a", "a").link(".dockerignore", "../outside/rules");
    assert_eq!(tree.stream(&["a"]), ["/a=a"]);
    fs::remove_file(tree.path(".dockerignore")).unwrap();
    tree.file("rules", "a\n").link(".dockerignore", "rules");
    assert!(tree.copied(&["a"]).is_err());
    fs::remove_file(tree.path(".dockerignore")).unwrap();
    tree.file(".dockerignore", "[\n");
    let mut context = Context::open(&tree.path("")).unwrap();
    assert_eq!(context.read_ignore(None).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn several_sources_are_one_tree() {
    let tree = Tree::new();
    tree.file("a/x", "1").file("a/y", "2").file("b/x", "3").file("c", "4").file("d/c/e", "5");
    assert_eq!(tree.stream(&["a", "b", "c"]), ["/", "/c=4", "/x=3", "/y=2"]);
    assert_eq!(tree.stream(&["c"]), ["/c=4"]);
    let error = tree.copied(&["c", "d"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// Row B9: what the key of a COPY depends on.
#[test]
fn contents_names_modes_and_links_count_and_times_do_not() {
    let tree = Tree::new();
    tree.file("d/f", "text").link("d/l", "f");
    let before = tree.key(&["d"]);
    let old = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    fs::File::options().write(true).open(tree.path("d/f")).unwrap().set_times(old).unwrap();
    assert_eq!(tree.key(&["d"]), before, "time");
    let mutations: [(&str, &dyn Fn()); 7] = [
        ("content", &|| {
            tree.file("d/f", "Text");
        }),
        ("mode", &|| {
            fs::set_permissions(tree.path("d/f"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("name", &|| fs::rename(tree.path("d/f"), tree.path("d/g")).unwrap()),
        ("link", &|| {
            fs::remove_file(tree.path("d/l")).unwrap();
            tree.link("d/l", "g");
        }),
        ("a further file", &|| {
            tree.file("d/h", "");
        }),
        ("an empty directory", &|| fs::create_dir(tree.path("d/e")).unwrap()),
        ("mode of a directory", &|| {
            fs::set_permissions(tree.path("d/e"), fs::Permissions::from_mode(0o700)).unwrap();
        }),
    ];
    let mut seen = vec![before];
    for (what, mutate) in mutations {
        mutate();
        let now = tree.key(&["d"]);
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    }
    let attribute = rustix::fs::setxattr(
        tree.path("d/g"),
        "user.colour",
        b"red",
        rustix::fs::XattrFlags::empty(),
    );
    // A file system without attributes of users has nothing that could count.
    if attribute != Err(Errno::OPNOTSUPP) {
        attribute.unwrap();
        assert!(!seen.contains(&tree.key(&["d"])), "attribute");
    }
}

#[test]
fn odd_files() {
    let tree = Tree::new();
    tree.file("d/f", "x");
    let listener = std::os::unix::net::UnixListener::bind(tree.path("d/socket")).unwrap();
    let manifest = tree.copied(&["d"]).unwrap();
    assert_eq!(manifest.skipped.len(), 1);
    assert!(tree.copied(&["d/socket"]).is_err());
    drop(listener);
    fs::remove_file(tree.path("d/socket")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        tree.path("d/pipe"),
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    // Never opened for reading: that would wait for a writer.
    assert_eq!(tree.stream(&["d"]), ["/", "/f=x", "/pipe/"]);
    fs::remove_file(tree.path("d/pipe")).unwrap();
    tree.file("d/.wh.f", "");
    let context = tree.open();
    let error = sent(&copied(&context, &["d"]).unwrap(), &context).unwrap_err();
    assert!(error.to_string().contains(".wh."), "{error}");
}

#[test]
fn a_cancelled_walk_stops() {
    let tree = Tree::new();
    tree.file("d/f", "x");
    let cancel = CancelToken::default();
    cancel.cancel();
    let mut manifest = Manifest::default();
    let error = manifest.add_path(&tree.open(), "d", false, &cancel).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
