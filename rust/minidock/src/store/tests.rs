//! Tests of the store as a whole. Each works on a store of its own in a temporary directory.

mod concurrency;
mod containers;
mod damage;
mod images;
mod kills;
mod opening;
mod prune;

use std::io::Write;
use std::path::Path;

use minidock_image::digest::Digest;
use minidock_image::layer::{Entry, EntryKind, LayerIndex};
use minidock_image::reference::Reference;

use super::*;

/// A store in a directory that goes with it.
struct Fixture {
    store: Store,
    dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("store"));
    Fixture { store, dir }
}

fn open(root: &Path) -> Store {
    Store::open(&StoreOptions { root: Some(root.to_owned()) }).unwrap()
}

impl Fixture {
    /// Another handle, as another process would have it.
    fn again(&self) -> Store {
        open(self.store.root())
    }

    /// The same store after a restart of the machine.
    fn after_reboot(&self) -> Store {
        Store::open_at(self.store.root(), "another-boot".to_owned()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.store.root().join(name)
    }

    fn assert_clean(&self) {
        let report = self.store.check(false).unwrap();
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
    }
}

fn mapping() -> MappingName {
    "test".parse().unwrap()
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// Puts a layer of one file into place.
fn add_layer(lease: &Lease, diff_id: Option<Digest>) -> LocalId {
    let ingest = lease.begin_layer().unwrap();
    let kind = EntryKind::Directory { opaque: false, implied: false };
    let entry = Entry::new(minidock_image::layer::EntryPath::parse(b"etc").unwrap(), kind);
    let index = LayerIndex::from_entries(vec![entry]).unwrap();
    std::fs::write(ingest.index_path(), index.write(Vec::new()).unwrap()).unwrap();
    let root = ingest.tree_path(&mapping()).unwrap();
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/file"), "content").unwrap();
    let meta = LayerMeta { diff_id, size: 7, entries: 1, tar_size: None };
    ingest.commit(&meta).unwrap()
}

/// Puts an image with one layer of its own into the store.
fn add_image(store: &Store, config: &str) -> (Digest, LocalId) {
    let lease = store.begin().unwrap();
    let layer = add_layer(&lease, None);
    let layers = [layer.clone()];
    let image = NewImage { config: config.as_bytes(), layers: &layers, ..NewImage::default() };
    (store.put_image(&image).unwrap(), layer)
}

fn add_blob(lease: &Lease, bytes: &[u8]) -> Digest {
    let mut writer = lease.blob_writer(None).unwrap();
    writer.write_all(bytes).unwrap();
    writer.commit().unwrap().digest
}

fn add_container(
    store: &Store,
    name: &str,
    image: Option<Digest>,
    layers: &[LocalId],
) -> ContainerId {
    let lease = store.begin().unwrap();
    let name = Some(name.parse().unwrap());
    let new = NewContainer { id: None, name, image, layers };
    lease.begin_container(&new).unwrap().commit(b"{}").unwrap().id
}

/// Plays a container's supervisor.
fn supervise(store: &Store, id: &ContainerId) -> Lock {
    Lock::try_exclusive(&store.container_lock_path(id)).unwrap().unwrap()
}

fn count_in(path: &Path) -> usize {
    std::fs::read_dir(path).unwrap().count()
}
