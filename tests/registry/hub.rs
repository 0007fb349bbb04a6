//! A registry that behaves as docker's: tokens from another port, limits with their headers,
//! blobs from another host. And others' ways: proxies, platforms.

use crate::image::{INDEX, Image, MANIFEST, digest, missing};
use crate::scene::Scene;
use crate::server::{Reply, Request, Server};

/// `me:right` in a Basic header.
const ME: &str = "Basic bWU6cmlnaHQ=";

/// The registry, its token server and its place for blobs.
struct Hub {
    registry: Server,
    tokens: Server,
    blobs: Server,
}

/// Whoever is not logged in has used up the limit if `limited`.
fn hub(image: &Image, limited: bool) -> Hub {
    let honest = image.clone();
    let blobs = Server::new(move |request| match request.header("authorization") {
        Some(_) => Reply::new(400, "only one way to log in is allowed"),
        None => honest.answer(request),
    });
    let tokens = Server::new(|request| {
        let scope = request.target.contains("scope=repository%3Ateam%2Fapp%3Apull");
        match request.header("authorization") {
            Some(ME) => Reply::new(200, "{\"token\":\"for-me\",\"expires_in\":300}"),
            Some(_) => Reply::new(401, "{\"details\":\"incorrect username or password\"}"),
            None if scope => Reply::new(200, "{\"access_token\":\"for-anybody\"}"),
            None => Reply::new(400, "{\"details\":\"no scope\"}"),
        }
    });
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"registry.test\",scope=\"ignored\"",
        tokens.name()
    );
    let (honest, away) = (image.clone(), format!("http://{}", blobs.name()));
    let registry = Server::new(move |request| {
        match request.header("authorization") {
        Some("Bearer for-me") if request.path() == "/v2/" => Reply::new(200, "{}"),
        Some("Bearer for-anybody") if limited && request.target.contains("/manifests/") => {
            Reply::new(429, "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"You have reached your pull rate limit.\"}]}")
                .with("RateLimit-Limit", "100;w=21600")
                .with("RateLimit-Remaining", "0;w=21600")
        }
        Some("Bearer for-anybody" | "Bearer for-me") if request.target.contains("/blobs/") => {
            Reply::new(307, "").with("Location", format!("{away}{}", request.target))
        }
        Some("Bearer for-anybody" | "Bearer for-me") => honest.answer(request),
        _ => Reply::new(401, "{}").with("WWW-Authenticate", &challenge),
    }
    });
    Hub { registry, tokens, blobs }
}

#[test]
fn tokens_and_blobs_from_elsewhere() {
    let scene = Scene::new();
    let hub = hub(&Image::new(&[1000, 70_000]), false);
    scene.ok(&format!("pull {}/team/app", hub.registry.name()));
    assert_eq!(hub.tokens.count("GET", "/token"), 1, "a token is kept");
    assert!(hub.tokens.count("GET", "service=registry.test") == 1);
    assert_eq!(hub.blobs.count("GET", "/blobs/"), 3);
    scene.is_sound();
}

#[test]
fn a_limit_is_told_with_what_raises_it() {
    let scene = Scene::new();
    let hub = hub(&Image::new(&[1000]), true);
    let name = format!("{}/team/app", hub.registry.name());
    let refused = scene.fails(&format!("pull {name}"));
    assert!(refused.contains("You have reached your pull rate limit."), "{refused}");
    assert!(refused.contains("hint: a log-in raises the limit: minidock login "), "{refused}");
    assert_eq!(hub.registry.count("GET", "/manifests/"), 2, "it is not asked again and again");
    scene.is_as_before();

    let login = format!("login -u me --password-stdin {}", hub.registry.name());
    let wrong = scene.call(login.split(' ')).input("wrong").run();
    wrong.exits(1).stderr_has("incorrect username or password");
    scene.call(login.split(' ')).input("right").run().succeeds();
    scene.ok(&format!("pull {name}"));
    scene.is_sound();
}

fn entry(manifest: &[u8], more: &str) -> String {
    let (digest, size) = (digest(manifest), manifest.len());
    format!("{{\"mediaType\":\"{MANIFEST}\",\"digest\":\"{digest}\",\"size\":{size}{more}}}")
}

/// An index with another machine's image, an attestation, and this machine's.
#[test]
fn the_image_for_this_machine_is_chosen() {
    let scene = Scene::new();
    let (ours, other) = (Image::new(&[1000]), Image::new(&[2000]));
    let config = String::from_utf8(other.config.clone()).unwrap();
    let other = {
        let mut other = other;
        other.config = config.replace("amd64", "s390x").replace("arm64", "s390x").into_bytes();
        other.manifest = other.manifest_with(crate::image::LAYER, "").into_bytes();
        other
    };
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let index = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{},{},{}]}}",
        entry(&other.manifest, ",\"platform\":{\"os\":\"linux\",\"architecture\":\"s390x\"}"),
        entry(
            b"{}",
            ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"},\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}"
        ),
        entry(
            &ours.manifest,
            &format!(",\"platform\":{{\"os\":\"linux\",\"architecture\":\"{arch}\"}}")
        ),
    );
    let named = digest(index.as_bytes());
    let images = [ours, other];
    let server = Server::new(move |request: &Request| {
        if request.target.ends_with("/manifests/latest")
            || request.target.ends_with(&digest(index.as_bytes()))
        {
            return Reply::new(200, index.as_bytes()).with("Content-Type", INDEX);
        }
        let replies = images.iter().map(|image| image.answer(request));
        replies.into_iter().find(|reply| reply.status == 200).unwrap_or_else(|| missing("UNKNOWN"))
    });
    let name = format!("{}/app", server.name());
    let pulled = scene.run(["pull", name.as_str()]);
    pulled.succeeds().stderr_has(&format!("digest: {named}"));
    assert_eq!(scene.digests(&name), [named.as_str()]);
    assert_eq!(scene.inspect(&name, "{{.Architecture}}"), arch);
    let foreign = scene.run(["pull", "--platform", "linux/s390x", name.as_str()]);
    foreign.succeeds();
    assert_eq!(scene.inspect(&name, "{{.Architecture}}"), "s390x");
    let none = scene.fails(&format!("pull --platform linux/riscv64 {name}"));
    assert!(none.contains("the image is not there for linux/riscv64"), "{none}");
    assert!(none.contains("linux/s390x"), "{none}");
    assert!(scene.fails(&format!("pull --platform a/b/c/d {name}")).contains("is not a platform"));
    scene.ok(&format!("pull {}/app@{named}", server.name()));
    scene.is_sound();
}

/// A proxy is used for what is not on this machine, unless NO_PROXY says otherwise.
#[test]
fn proxies() {
    let scene = Scene::new();
    let image = Image::new(&[1000]);
    let proxy = Server::new(move |request| {
        let mut inner = request.clone();
        inner.target = inner.target.replace("http://registry.invalid:5000", "");
        image.answer(&inner)
    });
    scene.settings("[registry.\"registry.invalid:5000\"]\nplain-http = true\n");
    let at = format!("http://127.0.0.1:{}", proxy.port());
    let words = ["pull", "-q", "registry.invalid:5000/app"];
    scene.call(words).env("HTTP_PROXY", &at).run().succeeds();
    assert!(proxy.count("GET", "http://registry.invalid:5000/v2/app/manifests/latest") > 0);
    let past = scene.call(words).env("HTTP_PROXY", &at).env("NO_PROXY", "registry.invalid").run();
    past.exits(1).stderr_has("cannot reach registry.invalid:5000");
}
