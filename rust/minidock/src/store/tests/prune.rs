//! Prune, leases, trash and `df`.

use std::os::unix::fs::PermissionsExt;

use super::*;

const ALL: PruneOptions = PruneOptions { images: ImagePrune::Unused, build_cache: true };

#[test]
fn what_a_live_operation_has_is_never_touched() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let layer = add_layer(&lease, None);
    let blob = add_blob(&lease, b"blob");
    let other = f.again();
    assert_eq!(other.prune(&ALL).unwrap(), PruneReport::default());
    assert!(f.store.has_layer(&layer).unwrap() && f.store.has_blob(&blob).unwrap());
    drop(lease);
    let report = other.prune(&ALL).unwrap();
    assert_eq!((report.layers, report.blobs, report.bytes), (1, 1, 7 + 4));
    assert!(!f.store.has_layer(&layer).unwrap() && !f.store.has_blob(&blob).unwrap());
}

#[test]
fn what_was_found_is_kept_as_what_was_made() {
    let f = fixture();
    let diff_id = Digest::of(b"tar");
    let (layer, blob) = {
        let lease = f.store.begin().unwrap();
        (add_layer(&lease, Some(diff_id)), add_blob(&lease, b"blob"))
    };
    let lease = f.store.begin().unwrap();
    assert_eq!(lease.find_layer(&diff_id).unwrap(), Some(layer.clone()));
    lease.keep_blob(&blob).unwrap();
    lease.keep_layer(&layer).unwrap();
    f.again().prune(&ALL).unwrap();
    assert!(f.store.has_layer(&layer).unwrap() && f.store.has_blob(&blob).unwrap());
    assert_eq!(lease.keep_blob(&Digest::of(b"no")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn images_containers_and_cache_keep_their_layers() {
    let f = fixture();
    let (tagged, _) = add_image(&f.store, "tagged");
    f.store.tag(&reference("app"), &tagged).unwrap();
    let (dangling, _) = add_image(&f.store, "dangling");
    let (used, used_layer) = add_image(&f.store, "used");
    add_container(&f.store, "c", Some(used), &[used_layer]);
    let lease = f.store.begin().unwrap();
    let cached = add_layer(&lease, None);
    let key = Digest::of(b"key");
    let step = NewCacheEntry { key, layer: &cached, parent: None, description: "RUN x" };
    f.store.put_cache(&[step]).unwrap();
    drop(lease);

    assert_eq!(f.store.prune(&PruneOptions::default()).unwrap(), PruneReport::default());
    let usage = f.store.usage().unwrap();
    assert_eq!((usage.images.total, usage.images.active, usage.images.size), (3, 1, 21));
    assert_eq!(usage.images.reclaimable, 14);
    assert_eq!((usage.build_cache.total, usage.build_cache.size), (1, 7));
    assert_eq!((usage.containers.total, usage.containers.active), (1, 0));

    let dangling_only = PruneOptions { images: ImagePrune::Dangling, build_cache: false };
    let report = f.store.prune(&dangling_only).unwrap();
    assert_eq!((report.images, report.layers), (vec![dangling], 1));
    let report = f.store.prune(&ALL).unwrap();
    assert_eq!((report.images, report.cache_entries, report.layers), (vec![tagged], 1, 2));
    assert_eq!(report.references, [reference("app")]);
    assert_eq!(f.store.images().unwrap().len(), 1);
    f.assert_clean();
}

#[test]
fn a_dead_operation_is_swept_by_the_next() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let live = f.store.begin().unwrap();
    std::fs::write(lease.dir().join("half"), "x").unwrap();
    let stale = f.path("ingest/0123");
    std::fs::create_dir_all(stale.join("keep")).unwrap();
    std::fs::write(stale.join("lock"), "").unwrap();
    assert_eq!(f.store.stale_leases().unwrap(), ["0123"]);
    assert_eq!(f.store.check(false).unwrap().findings.len(), 1);
    drop(f.again().begin().unwrap());
    assert!(!stale.exists() && lease.dir().exists() && live.dir().exists());
    drop((lease, live));
    assert_eq!(count_in(&f.path("ingest")), 0);
    assert_eq!(count_in(&f.path("trash")), 0);
    f.assert_clean();
}

#[test]
fn trash_of_any_shape_is_deleted() {
    let f = fixture();
    let mut deep = f.path("trash/deep");
    std::fs::create_dir(&deep).unwrap();
    // Longer than PATH_MAX in the end, as a container can make it: built from the inside out.
    for _ in 0..40 {
        for _ in 0..40 {
            deep.push("d");
        }
        std::fs::create_dir_all(&deep).unwrap();
        let inner = f.path("trash/inner");
        std::fs::rename(f.path("trash/deep"), &inner).unwrap();
        deep = f.path("trash/deep");
        std::fs::create_dir(&deep).unwrap();
        std::fs::rename(&inner, deep.join("d")).unwrap();
    }
    let closed = f.path("trash/closed");
    std::fs::create_dir_all(closed.join("work/work")).unwrap();
    std::fs::write(closed.join("work/file"), "x").unwrap();
    let canary = f.dir.path().join("canary");
    std::fs::create_dir(&canary).unwrap();
    std::fs::write(canary.join("file"), "x").unwrap();
    std::os::unix::fs::symlink(&canary, closed.join("link")).unwrap();
    std::os::unix::fs::symlink(&canary, f.path("trash/link")).unwrap();
    for path in ["trash/closed/work/work", "trash/closed/work", "trash/closed"] {
        std::fs::set_permissions(f.path(path), PermissionsExt::from_mode(0o000)).unwrap();
    }
    assert_eq!(f.store.empty_trash().unwrap(), 0);
    assert_eq!(count_in(&f.path("trash")), 0);
    assert!(canary.join("file").exists());
}

#[test]
fn removal_works_when_the_database_has_no_room() {
    let f = fixture();
    let tries = std::cell::Cell::new(0);
    let run = || {
        tries.set(tries.get() + 1);
        match f.path("reserve").exists() {
            true => Err(Error::io("cannot write", rustix::io::Errno::NOSPC)),
            false => Ok(()),
        }
    };
    f.store.with_reserve(run).unwrap();
    assert_eq!(tries.get(), 2);
    drop(f.store.begin().unwrap());
    assert!(f.path("reserve").exists(), "it is filled again by the next operation");
}
