//! Transfers that are killed, stopped, or done twice at once: the store is sound at any moment,
//! and what came is used by the next pull.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::image::{Image, digest, ranged};
use crate::scene::Scene;
use crate::server::{Body, Server};

const LIMIT: Duration = Duration::from_secs(60);

/// Waits for something that another process does.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LIMIT, "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A call that goes on beside the test.
fn start(scene: &Scene, words: &[&str]) -> Child {
    Command::new(minidock_tests::stage::minidock())
        .arg("--root")
        .arg(scene.root())
        .args(words)
        .env("DOCKER_CONFIG", scene.dir().join("docker"))
        .env("XDG_CONFIG_HOME", scene.dir().join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A registry that stops in the middle of the layer until it is let go.
fn stalling(image: &Image, open: &Arc<AtomicBool>) -> Server {
    let (image, open) = (image.clone(), open.clone());
    Server::new(move |request| {
        let reply = image.answer(request);
        let is_layer = request.target.ends_with(&digest(&image.layers[0]));
        if !is_layer || open.load(Ordering::SeqCst) {
            return reply;
        }
        let bytes = reply.bytes().to_vec();
        reply.body(Body::Stalled(bytes[..bytes.len() / 2].to_vec(), bytes.len() as u64))
    })
}

fn partial(scene: &Scene, blob: &[u8]) -> u64 {
    let name = digest(blob).replace(':', "-");
    fs::metadata(scene.root().join("partial").join(name)).map_or(0, |meta| meta.len())
}

fn interrupted_by(signal: Signal) {
    let (image, open) = (Image::new(&[400_000]), Arc::new(AtomicBool::new(false)));
    let (scene, server) = (Scene::new(), stalling(&image, &open));
    let name = format!("{}/app", server.name());
    let half = image.layers[0].len() as u64 / 2;
    let mut pulling = start(&scene, &["pull", &name]);
    until("half of the layer", || partial(&scene, &image.layers[0]) == half);
    let pid = Pid::from_raw(i32::try_from(pulling.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
    assert!(!pulling.wait().unwrap().success());
    assert_eq!(partial(&scene, &image.layers[0]), half, "what came is kept");
    assert!(scene.digests(&name).is_empty());

    open.store(true, Ordering::SeqCst);
    scene.ok(&format!("pull {name}"));
    let asked = server.asked();
    let resumed = asked.iter().filter_map(|request| request.header("range"));
    assert_eq!(resumed.collect::<Vec<_>>(), [format!("bytes={half}-")]);
    assert_eq!(partial(&scene, &image.layers[0]), 0);
    assert_eq!(fs::read_dir(scene.root().join("partial")).unwrap().count(), 0);
    scene.is_sound();
}

#[test]
fn a_killed_pull_goes_on() {
    interrupted_by(Signal::KILL);
}

#[test]
fn a_stopped_pull_goes_on() {
    interrupted_by(Signal::INT);
}

/// Killed at any moment the store is before or after: sound, and good for the next pull.
#[test]
fn pulls_killed_at_any_moment() {
    let image = Image::new(&[300_000, 200_000, 100_000]);
    let scene = Scene::new();
    let honest = image.clone();
    let server = Server::new(move |request| honest.answer(request));
    let name = format!("{}/app", server.name());
    for delay in 0..20 {
        let mut pulling = start(&scene, &["pull", &name]);
        // How far it comes until then is for chance: every state has to be a sound one.
        std::thread::sleep(Duration::from_millis(delay * 6));
        pulling.kill().unwrap();
        let finished = pulling.wait().unwrap().success();
        let checked = scene.run(["system", "check"]);
        let said = &checked.succeeds().stdout;
        let sound = ["all is well", "nothing is damaged"].iter().any(|text| said.contains(text));
        assert!(sound, "{}", checked.told());
        assert!(!finished || scene.digests(&name).len() == 1);
        if finished {
            scene.ok(&format!("rmi {name}"));
            scene.ok("system prune -f");
        }
    }
    scene.ok(&format!("pull {name}"));
    assert_eq!(fs::read_dir(scene.root().join("partial")).unwrap().count(), 0);
    scene.is_sound();
}

/// What lies in `partial/` is believed by nobody.
#[test]
fn damaged_parts_are_fetched_again() {
    let image = Image::new(&[400_000]);
    let scene = Scene::new();
    let honest = image.clone();
    let server = Server::new(move |request| honest.answer(request));
    let place = scene.root().join("partial").join(digest(&image.layers[0]).replace(':', "-"));
    fs::write(&place, vec![0; 1000]).unwrap();
    scene.ok(&format!("pull {}/app", server.name()));
    assert_eq!(server.count("GET", &digest(&image.layers[0])), 2);
    scene.is_sound();
    // Parts that nobody asks for again go with a prune.
    fs::write(&place, vec![0; 1000]).unwrap();
    scene.ok("system prune -f");
    assert!(!place.exists());
}

/// A registry that cannot give parts is asked for the whole.
#[test]
fn without_ranges_it_begins_anew() {
    let image = Image::new(&[300_000]);
    let scene = Scene::new();
    let (honest, cut) = (image.clone(), AtomicUsize::new(0));
    let server = Server::new(move |request| {
        let is_layer = request.target.ends_with(&digest(&honest.layers[0]));
        let mut plain = request.clone();
        plain.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("range"));
        let reply =
            if is_layer { ranged(&plain, &honest.layers[0]) } else { honest.answer(request) };
        if is_layer && cut.fetch_add(1, Ordering::SeqCst) == 0 {
            let bytes = reply.bytes().to_vec();
            return reply.body(Body::Cut(bytes[..1000].to_vec(), bytes.len() as u64));
        }
        reply
    });
    scene.ok(&format!("pull {}/app", server.name()));
    scene.is_sound();
}

/// Two at once fetch each layer once, and `run` waits for a pull.
#[test]
fn what_another_fetches_is_waited_for() {
    let image = Image::new(&[100_000, 200_000]);
    let scene = Scene::new();
    let (honest, asked) = (image.clone(), Arc::new(AtomicUsize::new(0)));
    let manifests = asked.clone();
    let server = Server::new(move |request| {
        if request.target.contains("/manifests/") {
            manifests.fetch_add(1, Ordering::SeqCst);
        }
        let is_layer = honest.layers.iter().any(|layer| request.target.ends_with(&digest(layer)));
        if is_layer {
            // Nobody gets a layer before both know that they want it.
            let begun = Instant::now();
            while manifests.load(Ordering::SeqCst) < 2 && begun.elapsed() < LIMIT {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        honest.answer(request)
    });
    let name = format!("{}/app", server.name());
    let mut one = start(&scene, &["pull", &name]);
    let mut two = start(&scene, &["create", "--network", "none", &name]);
    assert!(one.wait().unwrap().success());
    assert!(two.wait().unwrap().success());
    for layer in &image.layers {
        assert_eq!(server.count("GET", &digest(layer)), 1);
    }
    scene.is_sound();
}
