//! Images, references, blobs, layers and the build cache.

use super::*;

#[test]
fn the_id_is_the_digest_of_the_config() {
    let f = fixture();
    let (id, layer) = add_image(&f.store, "{\"a\":1}");
    assert_eq!(id, Digest::of(b"{\"a\":1}"));
    let image = f.store.image(&id).unwrap();
    assert_eq!(image.layers, [layer]);
    assert_eq!(image.config, b"{\"a\":1}");
    assert_eq!(image.size, 7 + 7);
    assert!(image.references.is_empty());
    f.assert_clean();
}

#[test]
fn a_moved_tag_leaves_the_old_image_dangling() {
    let f = fixture();
    let (a, _) = add_image(&f.store, "a");
    let (b, _) = add_image(&f.store, "b");
    let name = reference("app:1");
    assert_eq!(f.store.tag(&name, &a).unwrap().moved_from, None);
    assert_eq!(f.store.tag(&name, &a).unwrap().moved_from, None);
    assert_eq!(f.store.tag(&name, &b).unwrap().moved_from, Some(a));
    assert!(f.store.image(&a).unwrap().references.is_empty());
    assert_eq!(f.store.resolve_image("app:1").unwrap(), b);
    assert_eq!(f.store.untag(&name).unwrap(), b);
    assert_eq!(f.store.untag(&name).unwrap_err().kind(), ErrorKind::NotFound);
    f.assert_clean();
}

#[test]
fn an_image_needs_its_layers_and_a_tag_its_image() {
    let f = fixture();
    let layers = [LocalId::random().unwrap()];
    let image = NewImage { config: b"x", layers: &layers, ..NewImage::default() };
    assert_eq!(f.store.put_image(&image).unwrap_err().kind(), ErrorKind::NotFound);
    let absent = Digest::of(b"absent");
    assert_eq!(f.store.tag(&reference("a"), &absent).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(f.store.images().unwrap().is_empty());
}

#[test]
fn ids_names_and_prefixes_resolve_in_dockers_order() {
    let f = fixture();
    let (a, _) = add_image(&f.store, "a");
    let (b, _) = add_image(&f.store, "b");
    assert_eq!(f.store.resolve_image(&a.to_string()).unwrap(), a);
    assert_eq!(f.store.resolve_image(&a.hex()).unwrap(), a);
    assert_eq!(f.store.resolve_image(&a.short()).unwrap(), a);
    // A tag that looks like the start of an id wins over it.
    f.store.tag(&reference(&a.short()), &b).unwrap();
    assert_eq!(f.store.resolve_image(&a.short()).unwrap(), b);
    for bad in ["nothing", "ffffffffffff0", ""] {
        assert!(f.store.resolve_image(bad).is_err(), "{bad}");
    }
    for n in 0..40 {
        add_image(&f.store, &format!("more {n}"));
    }
    let error = (0..16).find_map(|n| f.store.resolve_image(&format!("{n:x}")).err()).unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.hint().unwrap().contains("more digits"));
}

#[test]
fn rmi_follows_dockers_rules() {
    let f = fixture();
    let (id, layer) = add_image(&f.store, "a");
    f.store.tag(&reference("one"), &id).unwrap();
    f.store.tag(&reference("two"), &id).unwrap();

    let error = f.store.remove_image(&id.to_string(), false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let removed = f.store.remove_image("one", false).unwrap();
    assert_eq!((removed.untagged, removed.deleted), (vec![reference("one")], None));

    let container = add_container(&f.store, "c", Some(id), std::slice::from_ref(&layer));
    let error = f.store.remove_image("two", false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    let alive = supervise(&f.store, &container);
    let error = f.store.remove_image(&id.to_string(), true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    drop(alive);

    // By force from under a stopped container: the container keeps its layers.
    let removed = f.store.remove_image("two", true).unwrap();
    assert_eq!((removed.deleted, removed.layers), (Some(id), vec![]));
    assert!(f.store.has_layer(&layer).unwrap());
    f.store.remove_container(&container).unwrap();
    assert_eq!(f.store.prune(&PruneOptions::default()).unwrap().layers, 1);
    f.assert_clean();
}

#[test]
fn rmi_takes_own_layers_and_leaves_shared_ones() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let shared = add_layer(&lease, None);
    let own = add_layer(&lease, None);
    let put = |config: &[u8], layers: &[LocalId]| {
        f.store.put_image(&NewImage { config, layers, ..NewImage::default() }).unwrap()
    };
    let base = put(b"base", std::slice::from_ref(&shared));
    let top = put(b"top", &[shared.clone(), own.clone()]);
    drop(lease);
    let removed = f.store.remove_image(&top.to_string(), false).unwrap();
    assert_eq!(removed.layers, [own]);
    assert!(f.store.has_layer(&shared).unwrap());
    assert_eq!(f.store.image(&base).unwrap().layers, [shared]);
    assert_eq!(count_in(&f.path("trash")), 0);
    f.assert_clean();
}

#[test]
fn digest_references_go_with_the_last_tag_of_their_repository() {
    let f = fixture();
    let (id, _) = add_image(&f.store, "a");
    f.store.tag(&reference("app:1"), &id).unwrap();
    f.store.tag(&reference(&format!("app@{}", Digest::of(b"manifest"))), &id).unwrap();
    let removed = f.store.remove_image("app:1", false).unwrap();
    assert_eq!(removed.untagged.len(), 2);
    assert_eq!(removed.deleted, Some(id));
}

#[test]
fn a_blob_must_be_what_was_expected() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let good = ExpectedBlob { digest: Digest::of(b"right"), size: 5 };
    for bytes in [&b"wrong"[..], b"righ", b""] {
        let mut writer = lease.blob_writer(Some(good)).unwrap();
        writer.write_all(bytes).unwrap();
        assert_eq!(writer.commit().unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let mut writer = lease.blob_writer(Some(good)).unwrap();
    assert!(writer.write_all(b"right and more").is_err());
    drop(writer);
    assert!(!f.store.has_blob(&good.digest).unwrap());
    for _ in 0..2 {
        let mut writer = lease.blob_writer(Some(good)).unwrap();
        writer.write_all(b"ri").unwrap();
        assert_eq!(writer.written(), 2);
        writer.write_all(b"ght").unwrap();
        assert_eq!(writer.commit().unwrap(), good);
    }
    assert!(f.store.verify_blob(&good.digest).unwrap());
    drop(lease);
    f.assert_clean();
}

#[test]
fn a_blob_that_arrives_again_replaces_a_damaged_one() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let digest = add_blob(&lease, b"content");
    std::fs::write(f.store.blob_path(&digest), "damaged").unwrap();
    assert!(!f.store.verify_blob(&digest).unwrap());
    add_blob(&lease, b"content");
    assert!(f.store.verify_blob(&digest).unwrap());
}

#[test]
fn a_diff_id_may_come_later_but_not_change() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let id = add_layer(&lease, None);
    let diff_id = Digest::of(b"tar");
    assert_eq!(lease.find_layer(&diff_id).unwrap(), None);
    f.store.set_diff_id(&id, &diff_id).unwrap();
    f.store.set_diff_id(&id, &diff_id).unwrap();
    let other = f.store.set_diff_id(&id, &Digest::of(b"other")).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Conflict);
    assert_eq!(lease.find_layer(&diff_id).unwrap(), Some(id.clone()));
    assert_eq!(f.again().layer(&id).unwrap().diff_id, Some(diff_id));
}

#[test]
fn a_layer_without_an_index_is_refused() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let error = lease.begin_layer().unwrap().commit(&LayerMeta::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(count_in(&f.path("layers")), 0);
}

#[test]
fn what_was_not_flushed_is_not_trusted_after_a_reboot() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let lost = add_layer(&lease, Some(Digest::of(b"lost")));
    assert!(f.store.has_layer(&lost).unwrap());
    let rebooted = f.after_reboot();
    assert!(!rebooted.has_layer(&lost).unwrap());
    f.store.sync_pending().unwrap();
    assert!(rebooted.has_layer(&lost).unwrap());
}

#[test]
fn an_image_proves_its_layers_flushed_even_if_the_mark_comes_back() {
    let f = fixture();
    let (id, layer) = add_image(&f.store, "a");
    let mark = f.store.layer_dir(&layer).join("unsynced");
    assert!(!mark.exists());
    std::fs::write(&mark, "the boot before").unwrap();
    assert!(f.store.has_layer(&layer).unwrap());
    assert!(f.store.missing_layers(&f.store.image(&id).unwrap()).unwrap().is_empty());
    assert!(!mark.exists());
}

#[test]
fn a_second_tree_comes_by_rename_and_the_first_stays() {
    let f = fixture();
    let (_, layer) = add_image(&f.store, "a");
    let other: MappingName = "single".parse().unwrap();
    assert_eq!(f.store.tree_path(&layer, &other).unwrap(), None);
    let lease = f.store.begin().unwrap();
    let tree = lease.begin_tree(&layer, &other).unwrap();
    std::fs::create_dir(tree.root_path()).unwrap();
    let path = tree.commit().unwrap();
    assert_eq!(f.store.tree_path(&layer, &other).unwrap(), Some(path.clone()));
    assert_eq!(f.store.trees(&layer).unwrap(), [other.clone(), mapping()]);
    assert_eq!(f.after_reboot().tree_path(&layer, &other).unwrap(), None);
    f.store.sync_pending().unwrap();
    assert_eq!(f.after_reboot().tree_path(&layer, &other).unwrap(), Some(path));
}

#[test]
fn the_build_cache_gives_only_layers_that_are_there() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let layer = add_layer(&lease, None);
    let (key, parent) = (Digest::of(b"key"), Digest::of(b"parent"));
    let new = NewCacheEntry { key, layer: &layer, parent: Some(parent), description: "RUN x" };
    f.store.put_cache(std::slice::from_ref(&new)).unwrap();
    f.store.touch_cache(&[key]).unwrap();
    let found = lease.cached_step(&key).unwrap().unwrap();
    assert_eq!((found.layer, found.parent), (layer.clone(), Some(parent)));
    assert_eq!(lease.cached_step(&parent).unwrap(), None);
    let rebooted = f.after_reboot();
    assert_eq!(rebooted.begin().unwrap().cached_step(&key).unwrap(), None);
}

#[test]
fn the_layouts_index_names_what_has_a_manifest() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let blob = add_blob(&lease, b"manifest");
    let manifest = ManifestRecord {
        digest: blob,
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        size: 8,
    };
    let image = NewImage {
        config: b"{}",
        blobs: &[blob],
        manifest: Some(manifest.clone()),
        ..NewImage::default()
    };
    let id = f.store.put_image(&image).unwrap();
    f.store.tag(&reference("app"), &id).unwrap();
    assert_eq!(f.store.image(&id).unwrap().manifest, Some(manifest));
    let index = std::fs::read_to_string(f.path("blobs/index.json")).unwrap();
    assert!(index.contains(&blob.to_string()) && index.contains("docker.io/library/app:latest"));
    f.assert_clean();
}

#[test]
fn a_thousand_images_are_listed() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let layers: Vec<_> = (0..5).map(|_| add_layer(&lease, None)).collect();
    f.store.sync_pending().unwrap();
    let padding = "x".repeat(3000);
    f.store
        .write(|db| {
            for n in 0..1000 {
                let config = format!("{{\"n\":{n},\"pad\":\"{padding}\"}}");
                let id = Digest::of(config.as_bytes());
                let image = NewImage {
                    config: config.as_bytes(),
                    layers: &layers,
                    created: n,
                    ..NewImage::default()
                };
                crate::store::images::rows::insert(db, &id, &image, 1)?;
                crate::store::images::rows::point(db, &reference(&format!("app:{n}")), &id, n)?;
            }
            Ok(())
        })
        .unwrap();
    let store = f.again();
    for round in 0..3 {
        let start = std::time::Instant::now();
        let images = store.images().unwrap();
        println!("list of 1,000 images, round {round}: {:?}", start.elapsed());
        assert_eq!(images.len(), 1000);
        assert_eq!(images[0].created, 999);
        assert!(images.iter().all(|i| i.references.len() == 1 && i.layers.len() == 5));
    }
}
