//! Opening: versions, foreign directories, lost files, forks and disks that cannot be written.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn set_version(root: &Path, read: u32, write: u32) {
    let text = format!("{{\"read\":{read},\"write\":{write},\"uuid\":\"x\"}}");
    std::fs::write(root.join("version"), text).unwrap();
}

fn options(root: &Path) -> StoreOptions {
    StoreOptions { root: Some(root.to_owned()) }
}

#[test]
fn a_new_store_is_private_and_clean() {
    let f = fixture();
    f.assert_clean();
    assert_eq!(f.store.access(), Access::ReadWrite);
    assert_eq!(f.store.uuid(), f.again().uuid());
    for name in DIRECTORIES {
        let mode = std::fs::metadata(f.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
    for name in ["version", "meta.sqlite", "lock"] {
        let mode = std::fs::metadata(f.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_newer_format_is_refused() {
    let f = fixture();
    set_version(f.store.root(), version::READ + 1, version::WRITE + 1);
    let error = Store::open(&options(f.store.root())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert!(error.hint().is_some());
}

#[test]
fn a_newer_writer_leaves_reading_only() {
    let f = fixture();
    let (id, _) = add_image(&f.store, "{}");
    set_version(f.store.root(), version::READ, version::WRITE + 1);
    let store = f.again();
    assert_eq!(store.access(), Access::NewerWriter { write: version::WRITE + 1 });
    assert_eq!(store.images().unwrap().len(), 1);
    assert!(store.check(false).unwrap().is_clean());
    let writes: [Error; 5] = [
        store.begin().unwrap_err(),
        store.tag(&reference("a"), &id).unwrap_err(),
        store.remove_image(&id.to_string(), true).unwrap_err(),
        store.prune(&PruneOptions::default()).unwrap_err(),
        store.check(true).unwrap_err(),
    ];
    for error in writes {
        assert_eq!(error.kind(), ErrorKind::Incompatible, "{error}");
        assert!(error.to_string().contains("can only be read"), "{error}");
    }
}

#[test]
fn a_directory_of_other_things_is_not_made_a_store() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let error = Store::open(&options(dir.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(count_in(dir.path()), 1);
}

#[test]
fn a_lost_or_torn_version_file_is_mended_from_the_database() {
    for text in [None, Some(""), Some("{\"read\":")] {
        let f = fixture();
        add_image(&f.store, "{}");
        match text {
            None => std::fs::remove_file(f.path("version")).unwrap(),
            Some(text) => std::fs::write(f.path("version"), text).unwrap(),
        }
        let store = f.again();
        assert_eq!(store.images().unwrap().len(), 1);
        f.assert_clean();
    }
}

#[test]
fn a_lost_version_file_of_a_newer_store_is_not_made_up() {
    use std::os::unix::fs::FileExt;
    let f = fixture();
    std::fs::remove_file(f.path("version")).unwrap();
    let database = std::fs::File::options().write(true).open(f.path("meta.sqlite")).unwrap();
    database.write_all_at(&(version::WRITE + 1).to_be_bytes(), 60).unwrap();
    let error = Store::open(&options(f.store.root())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert!(!f.path("version").exists());
}

#[test]
fn a_half_made_store_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    std::fs::create_dir_all(root.join("layers")).unwrap();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(root.join("meta.sqlite"), "").unwrap();
    std::fs::write(root.join("lock"), "").unwrap();
    let store = open(&root);
    add_image(&store, "{}");
    assert!(store.check(false).unwrap().is_clean());
}

#[test]
fn many_open_a_new_store_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let uuids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| open(&root).uuid().to_owned())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(uuids.iter().all(|uuid| *uuid == uuids[0]), "{uuids:?}");
}

#[test]
fn lost_directories_and_locks_come_back() {
    let f = fixture();
    add_image(&f.store, "{}");
    for name in ["trash", "names", "userns"] {
        std::fs::remove_dir_all(f.path(name)).unwrap();
    }
    for name in ["lock", "lock.queue", "meta.lock"] {
        std::fs::remove_file(f.path(name)).unwrap();
    }
    let store = f.again();
    add_image(&store, "{\"a\":1}");
    assert_eq!(store.images().unwrap().len(), 2);
    f.assert_clean();
}
