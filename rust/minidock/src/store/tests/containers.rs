//! Containers, their names, and volumes.

use std::collections::BTreeMap;

use super::*;

#[test]
fn a_container_comes_whole_and_goes_whole() {
    let f = fixture();
    let (image, layer) = add_image(&f.store, "a");
    let id = add_container(&f.store, "web", Some(image), &[layer]);
    assert_eq!(f.store.container_config(&id).unwrap(), b"{}");
    f.store.set_container_config(&id, b"{\"x\":1}").unwrap();
    assert_eq!(f.again().container_config(&id).unwrap(), b"{\"x\":1}");
    assert_eq!(f.store.container_exit(&id).unwrap(), None);
    std::fs::write(f.store.container_dir(&id).join("exit.json"), "0").unwrap();
    assert_eq!(f.store.container_exit(&id).unwrap().unwrap(), b"0");
    assert_eq!(f.store.container_state(&id).unwrap(), None);
    for query in ["web", "/web", id.as_str(), id.short()] {
        assert_eq!(f.store.find_container(query).unwrap(), id, "{query}");
    }
    f.assert_clean();
    f.store.remove_container(&id).unwrap();
    assert_eq!(f.store.find_container("web").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(count_in(&f.path("names")), 0);
    assert_eq!(count_in(&f.path("trash")), 0);
    add_container(&f.store, "web", Some(image), &[]);
}

#[test]
fn an_alive_container_is_not_removed() {
    let f = fixture();
    let id = add_container(&f.store, "web", None, &[]);
    assert!(!f.store.is_alive(&id).unwrap());
    let alive = supervise(&f.store, &id);
    assert!(f.store.is_alive(&id).unwrap());
    assert_eq!(f.store.remove_container(&id).unwrap_err().kind(), ErrorKind::InUse);
    drop(alive);
    f.store.remove_container(&id).unwrap();
    assert!(!f.store.is_alive(&id).unwrap());
}

#[test]
fn one_of_many_gets_a_name() {
    let f = fixture();
    for round in 0..20 {
        let name: ContainerName = format!("name{round}").parse().unwrap();
        let stores = [f.again(), f.again()];
        let barrier = std::sync::Barrier::new(4);
        let wins: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|n| {
                    let (store, barrier, name) = (&stores[n % 2], &barrier, &name);
                    scope.spawn(move || {
                        let lease = store.begin().unwrap();
                        let new = NewContainer { name: Some(name.clone()), ..Default::default() };
                        barrier.wait();
                        let made = lease.begin_container(&new).and_then(|c| c.commit(b""));
                        if let Err(error) = &made {
                            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                        }
                        usize::from(made.is_ok())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(wins, 1, "round {round}");
        assert!(f.store.find_container(name.as_str()).is_ok());
    }
    f.assert_clean();
}

#[test]
fn a_name_of_a_dead_operation_is_taken_over() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let new = NewContainer { name: Some("web".parse().unwrap()), ..Default::default() };
    let begun = lease.begin_container(&new).unwrap();
    let again = f.again();
    let second = again.begin().unwrap();
    assert_eq!(second.begin_container(&new).unwrap_err().kind(), ErrorKind::Conflict);
    // As after a kill: the claim stays, the lock goes.
    std::mem::forget(begun);
    let name = lease.name().to_owned();
    drop(lease);
    assert!(!f.store.lease_lives(&name).unwrap());
    assert!(f.path("names/web").exists());
    second.begin_container(&new).unwrap().commit(b"").unwrap();
}

#[test]
fn an_abandoned_container_gives_its_name_up() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let new = NewContainer { name: Some("web".parse().unwrap()), ..Default::default() };
    drop(lease.begin_container(&new).unwrap());
    assert!(!f.path("names/web").exists());
}

#[test]
fn random_names_never_collide() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let mut names = std::collections::HashSet::new();
    for _ in 0..100 {
        let record = lease.begin_container(&NewContainer::default()).unwrap().commit(b"").unwrap();
        assert!(names.insert(record.name));
    }
}

#[test]
fn renaming_moves_the_name() {
    let f = fixture();
    let a = add_container(&f.store, "one", None, &[]);
    let b = add_container(&f.store, "two", None, &[]);
    let error = f.store.rename_container(&a, &"two".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    f.store.rename_container(&a, &"three".parse().unwrap()).unwrap();
    assert_eq!(f.store.find_container("three").unwrap(), a);
    assert!(f.store.find_container("one").is_err());
    f.store.rename_container(&b, &"one".parse().unwrap()).unwrap();
    assert_eq!(f.store.find_container("one").unwrap(), b);
    f.assert_clean();
}

#[test]
fn a_container_needs_its_image_and_layers() {
    let f = fixture();
    let lease = f.store.begin().unwrap();
    let layers = [LocalId::random().unwrap()];
    for (image, layers) in [(None, &layers[..]), (Some(Digest::of(b"absent")), &[][..])] {
        let name = Some("x".parse().unwrap());
        let new = NewContainer { id: None, name, image, layers };
        let error = lease.begin_container(&new).unwrap().commit(b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(count_in(&f.path("containers")), 0);
    assert_eq!(count_in(&f.path("names")), 0);
}

#[test]
fn hostile_queries_find_nothing_and_say_why() {
    let f = fixture();
    add_container(&f.store, "web", None, &[]);
    let long = "a".repeat(5000);
    for query in ["", "../x", "-rf", "a\nb", "we\0b", "\u{1b}[0m", &long, "/", "nothing"] {
        let error = f.store.find_container(query).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput), "{query:?}");
        assert!(!error.one_line().contains(char::is_control));
    }
}

#[test]
fn an_ambiguous_prefix_lists_the_candidates() {
    let f = fixture();
    for n in 0..17 {
        add_container(&f.store, &format!("zz{n}"), None, &[]);
    }
    let error = (0..16).filter_map(|n| f.store.find_container(&format!("{n:x}")).err());
    let error = error.into_iter().find(|e| e.kind() == ErrorKind::InvalidInput).unwrap();
    assert!(error.hint().unwrap().contains("more digits"));
}

#[test]
fn volumes_are_made_once_and_kept_while_used() {
    let f = fixture();
    let name: VolumeName = "data".parse().unwrap();
    let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let lease = f.store.begin().unwrap();
    let (made, new) = lease.make_volume(&name, &labels, false).unwrap();
    assert!(new && made.labels == labels);
    let (again, new) = lease.make_volume(&name, &BTreeMap::new(), false).unwrap();
    assert!(!new && again == made);
    std::fs::write(f.store.volume_data(&name).join("file"), "x").unwrap();
    let used = || Ok(Some("web".to_owned()));
    assert_eq!(f.store.remove_volume(&name, used).unwrap_err().kind(), ErrorKind::InUse);
    f.store.prune(&PruneOptions::default()).unwrap();
    assert_eq!(f.store.volumes().unwrap(), [made]);
    f.store.remove_volume(&name, || Ok(None)).unwrap();
    assert_eq!(f.store.remove_volume(&name, || Ok(None)).unwrap_err().kind(), ErrorKind::NotFound);
}
