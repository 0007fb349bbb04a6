//! Damage of each kind is found, named and mended, and nothing else goes with it.

use super::*;

/// A store with one of everything.
struct Full {
    f: Fixture,
    image: Digest,
    layer: LocalId,
    blob: Digest,
    container: ContainerId,
}

fn full() -> Full {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let layer = add_layer(&lease, Some(Digest::of(b"tar")));
    let blob = add_blob(&lease, b"{\"manifest\":1}");
    let image = f
        .store
        .put_image(&NewImage {
            config: b"{}",
            layers: std::slice::from_ref(&layer),
            blobs: &[blob],
            manifest: Some(ManifestRecord { digest: blob, media_type: "m".to_owned(), size: 14 }),
            created: 1,
            references: &[reference("app")],
        })
        .unwrap();
    let step = NewCacheEntry { key: image, layer: &layer, parent: None, description: "RUN" };
    f.store.put_cache(&[step]).unwrap();
    lease.make_volume(&"data".parse().unwrap(), &Default::default(), false).unwrap();
    drop(lease);
    let container = add_container(&f.store, "web", Some(image), std::slice::from_ref(&layer));
    f.assert_clean();
    Full { f, image, layer, blob, container }
}

impl Full {
    /// Checks, repairs, checks again; gives what the first check found.
    fn found(&self) -> Vec<Damage> {
        let found = self.f.again().check(false).unwrap().findings;
        assert!(!found.is_empty(), "the damage was not found");
        for finding in &found {
            assert!(!finding.what.is_empty() && !finding.remedy.is_empty());
            assert_eq!(finding.mended, None);
        }
        found.into_iter().map(|finding| finding.damage).collect()
    }

    fn repair(&self) -> CheckReport {
        self.f.again().check(true).unwrap()
    }

    fn assert_mended(&self) {
        let report = self.repair();
        assert!(report.is_clean(), "{:#?}", report.findings);
        self.f.assert_clean();
    }
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_database_is_rebuilt_with_images_and_references() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 4] = [
        ("garbage", |path| std::fs::write(path, vec![0x5a; 40960]).unwrap()),
        ("empty", |path| std::fs::write(path, "").unwrap()),
        ("gone", |path| std::fs::remove_file(path).unwrap()),
        ("pages", |path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[4096..].fill(0xff);
            std::fs::write(path, bytes).unwrap();
        }),
    ];
    for (name, harm) in harms {
        let full = full();
        harm(&full.f.path("meta.sqlite"));
        let store = full.f.again();
        let error = store.images().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
        assert!(error.hint().unwrap().contains("check --repair"));
        assert!(matches!(full.found()[..], [Damage::Database { .. }]), "{name}");
        full.assert_mended();
        // Also the handle that saw the damage goes on with the new file.
        for store in [&store, &full.f.store] {
            assert_eq!(store.resolve_image("app").unwrap(), full.image, "{name}");
            let image = store.image(&full.image).unwrap();
            assert_eq!(image.layers, std::slice::from_ref(&full.layer));
            assert_eq!(image.manifest.unwrap().digest, full.blob);
        }
        assert!(full.f.store.prune(&PruneOptions::default()).unwrap().layers == 0);
    }
}

#[test]
fn a_config_that_was_changed_in_the_database_is_noticed() {
    let full = full();
    full.f
        .store
        .write(|db| db.execute("UPDATE images SET config = x'00'", []).map_err(meta::sql))
        .unwrap();
    assert!(full.found().iter().any(|d| matches!(d, Damage::Database { .. })));
    full.assert_mended();
    assert_eq!(full.f.store.image(&full.image).unwrap().config, b"{}");
}

#[test]
fn lost_copies_are_said_when_the_database_is_rebuilt() {
    let full = full();
    std::fs::write(full.f.path("meta.sqlite"), "garbage").unwrap();
    flip(&full.f.path("records/images").join(full.image.hex()));
    let report = full.repair();
    assert!(report.findings[0].mended.as_ref().unwrap().contains(&full.image.hex()));
    assert!(report.findings[0].mended.as_ref().unwrap().contains("library/app:latest"));
    assert!(full.f.store.images().unwrap().is_empty());
    let kept = files::names_in(&full.f.path("records")).unwrap();
    assert!(kept.iter().any(|name| name.starts_with("damaged-")), "{kept:?}");
}

#[test]
fn outdated_copies_are_written_anew() {
    let full = full();
    std::fs::remove_file(full.f.path("records/refs.json")).unwrap();
    flip(&full.f.path("records/images").join(full.image.hex()));
    assert_eq!(full.found(), [Damage::Records]);
    full.assert_mended();
}

#[test]
fn a_damaged_blob_is_removed_and_its_image_goes_on() {
    let full = full();
    flip(&full.f.store.blob_path(&full.blob));
    assert_eq!(full.found(), [Damage::Blob { digest: full.blob }]);
    full.assert_mended();
    assert!(!full.f.store.has_blob(&full.blob).unwrap());
    let image = full.f.store.image(&full.image).unwrap();
    assert_eq!((image.layers.len(), image.manifest), (1, None));
}

#[test]
fn a_missing_blob_is_named() {
    let full = full();
    std::fs::remove_file(full.f.store.blob_path(&full.blob)).unwrap();
    assert_eq!(full.found(), [Damage::BlobMissing { digest: full.blob, image: full.image }]);
    full.assert_mended();
}

#[test]
fn a_damaged_layer_goes_and_takes_what_stands_on_it() {
    for (file, empty) in
        [("index", false), ("index", true), ("meta.json", true), ("diff-id", false)]
    {
        let full = full();
        let path = full.f.store.layer_dir(&full.layer).join(file);
        match empty {
            true => std::fs::write(&path, "").unwrap(),
            // The first digit of the digest's algorithm: it cannot be read any more.
            false if file == "diff-id" => std::fs::write(&path, "sha257:00").unwrap(),
            false => flip(&path),
        }
        let found = full.found();
        let [Damage::Layer { layer, .. }] = &found[..] else { panic!("{file}: {found:?}") };
        assert_eq!(*layer, full.layer);
        let report = full.repair();
        // The container cannot be mended: its own files may be worth saving.
        assert!(!report.is_clean());
        full.f.store.remove_container(&full.container).unwrap();
        full.f.assert_clean();
        assert!(full.f.store.images().unwrap().is_empty());
    }
}

#[test]
fn a_layer_below_a_live_container_is_left_alone() {
    let full = full();
    let _alive = supervise(&full.f.store, &full.container);
    flip(&full.f.store.layer_index_path(&full.layer));
    let report = full.repair();
    assert!(report.findings[0].remedy.contains("stop"));
    assert!(full.f.store.layer_dir(&full.layer).exists());
}

#[test]
fn a_missing_layer_is_named_with_image_and_container() {
    let full = full();
    std::fs::remove_dir_all(full.f.store.layer_dir(&full.layer)).unwrap();
    let found = full.found();
    assert!(matches!(&found[0], Damage::ImageLayerMissing { image, references, .. }
        if *image == full.image && *references == [reference("app")]));
    assert!(matches!(&found[1], Damage::ContainerLayerMissing { container, .. }
        if *container == full.container));
    assert!(matches!(&found[2], Damage::StaleCache { .. }));
    full.repair();
    full.f.store.remove_container(&full.container).unwrap();
    full.f.assert_clean();
}

#[test]
fn a_damaged_container_is_named_and_keeps_every_layer_until_it_goes() {
    for file in ["head.json", "config.json"] {
        let full = full();
        let dir = full.f.store.container_dir(&full.container);
        std::fs::remove_file(dir.join(file)).unwrap();
        full.f.store.remove_image("app", true).unwrap();
        full.f
            .store
            .prune(&PruneOptions { images: ImagePrune::Unused, build_cache: true })
            .unwrap();
        assert!(full.f.store.has_layer(&full.layer).unwrap());
        let found = full.found();
        assert!(matches!(&found[0], Damage::Container { container, .. }
            if *container == full.container));
        full.assert_mended();
        assert_eq!(count_in(&full.f.path("containers")), 0);
    }
}

#[test]
fn a_lost_name_is_given_back() {
    let full = full();
    std::fs::remove_file(full.f.path("names/web")).unwrap();
    assert!(matches!(full.found()[..], [Damage::NameLost { .. }]));
    full.assert_mended();
    assert_eq!(full.f.store.find_container("web").unwrap(), full.container);
    // Taken by another meanwhile: the first gets a new one.
    std::fs::remove_file(full.f.path("names/web")).unwrap();
    let second = add_container(&full.f.store, "web", None, &[]);
    full.assert_mended();
    assert_eq!(full.f.store.find_container("web").unwrap(), second);
    let name = full.f.store.container(&full.container).unwrap().name;
    assert_eq!(full.f.store.find_container(name.as_str()).unwrap(), full.container);
}

#[test]
fn a_name_that_leads_nowhere_is_a_leftover() {
    let full = full();
    let text = format!("{} {}\n", "a".repeat(64), "b".repeat(32));
    std::fs::write(full.f.path("names/ghost"), text).unwrap();
    std::fs::write(full.f.path("names/torn"), "").unwrap();
    let found = full.found();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|d| matches!(d, Damage::StaleName { .. }) && d.is_leftover()));
    full.assert_mended();
}

#[test]
fn a_volume_keeps_its_files_when_its_record_is_lost() {
    let full = full();
    let name: VolumeName = "data".parse().unwrap();
    let file = full.f.store.volume_data(&name).join("file");
    std::fs::write(&file, "x").unwrap();
    std::fs::write(full.f.path("volumes/data/meta.json"), "").unwrap();
    assert_eq!(full.f.store.volumes().unwrap().len(), 1);
    assert_eq!(full.found(), [Damage::Volume { volume: name }]);
    full.assert_mended();
    assert!(file.exists());
}

#[test]
fn a_damaged_layout_is_written_anew() {
    let full = full();
    std::fs::remove_file(full.f.path("blobs/oci-layout")).unwrap();
    std::fs::write(full.f.path("blobs/index.json"), "{").unwrap();
    assert_eq!(full.found(), [Damage::Layout]);
    full.assert_mended();
    let index = std::fs::read_to_string(full.f.path("blobs/index.json")).unwrap();
    assert!(index.contains(&full.blob.to_string()));
}

#[test]
fn strangers_are_named_and_left_alone() {
    let full = full();
    for path in ["notes.txt", "layers/notes", "containers/notes", "blobs/blobs/sha256/notes"] {
        std::fs::write(full.f.path(path), "mine").unwrap();
        let found = full.found();
        assert!(
            matches!(&found[..], [Damage::Stray { path: named }] if named == path),
            "{found:?}"
        );
        assert!(!full.repair().is_clean());
        assert!(full.f.path(path).exists());
        std::fs::remove_file(full.f.path(path)).unwrap();
    }
}

#[test]
fn old_temporary_files_go_and_young_ones_stay() {
    let full = full();
    let (old, young) = (full.f.path("records/.x.tmp"), full.f.path("records/.y.tmp"));
    for path in [&old, &young] {
        std::fs::write(path, "").unwrap();
    }
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(hours_ago).unwrap();
    assert_eq!(full.found(), [Damage::TempFile { path: "records/.x.tmp".to_owned() }]);
    full.assert_mended();
    assert!(!old.exists() && young.exists());
}

#[test]
fn layers_lost_by_a_crash_of_the_machine_are_named() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let lost = add_layer(&lease, None);
    drop(lease);
    let report = f.after_reboot().check(true).unwrap();
    assert!(matches!(&report.findings[0].damage, Damage::Layer { layer, .. } if *layer == lost));
    assert!(report.is_clean());
    f.assert_clean();
}
