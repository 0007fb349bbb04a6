//! Rows G1, G3, G4, G7 and G8 of the threat list: a registry that lies and fails, against the
//! client alone. What an image made of it must come to is tested with the command line.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up has failed")]
#![allow(dead_code, reason = "the server is shared with other suites")]

#[path = "../../../tests/registry/image.rs"]
mod image;
#[path = "../../../tests/registry/server.rs"]
mod server;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use image::{Image, LAYER, MANIFEST, digest, noise, ranged};
use minidock_image::descriptor::Descriptor;
use minidock_registry::{BlobTarget, Client, ClientOptions, Credentials, Places, RegistryError};
use server::{Body, Reply, Request, Server};

/// A client without any of the account's files, that does not wait long between attempts.
fn options() -> ClientOptions {
    ClientOptions {
        places: Places::default(),
        pause: Duration::from_millis(1),
        ..ClientOptions::default()
    }
}

fn client() -> Client {
    Client::new(options()).unwrap()
}

fn me() -> Option<Credentials> {
    Some(Credentials::Password { username: "me".into(), password: "secret".into() })
}

fn manifest(server: &Server, key: &str) -> Result<Vec<u8>, RegistryError> {
    client().to_pull(&server.name(), "app").manifest(key).map(|fetched| fetched.bytes)
}

/// Keeps a blob in memory; what was forgotten is counted.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    restarts: usize,
}

impl BlobTarget for Kept {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn restart(&mut self) -> io::Result<()> {
        self.restarts += 1;
        self.bytes.clear();
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

fn layer(bytes: &[u8]) -> Descriptor {
    Descriptor::new(LAYER, digest(bytes).parse().unwrap(), bytes.len() as u64)
}

fn fetch(client: &Client, server: &Server, blob: &[u8]) -> (Result<(), RegistryError>, Kept) {
    let mut kept = Kept::default();
    let done = client.to_pull(&server.name(), "app").blob(&layer(blob), &mut kept);
    (done, kept)
}

/// Row G1: what was asked for is what counts, and what a header claims must be true.
#[test]
fn manifests_are_compared_with_their_digests() {
    let image = Image::new(&[10]);
    let other = Image::new(&[20]);
    let honest = image.clone();
    let server = Server::new(move |request| honest.answer(request));
    let right = digest(&image.manifest);
    assert_eq!(manifest(&server, "1").unwrap(), image.manifest);
    assert_eq!(manifest(&server, &right).unwrap(), image.manifest);

    let forged = other.manifest.clone();
    let liar = Server::new(move |request| match request.path() {
        path if path.contains("/manifests/sha256:") => {
            Reply::new(200, forged.as_slice()).with("Content-Type", MANIFEST)
        }
        path if path.contains("/manifests/") => Reply::new(200, forged.as_slice())
            .with("Content-Type", MANIFEST)
            .with("Docker-Content-Digest", path.rsplit('/').next().unwrap_or_default()),
        _ => Reply::new(200, "{}"),
    });
    assert!(matches!(manifest(&liar, &right), Err(RegistryError::Digest { .. })));
    // The header follows the tag here: a tag without a colon is no digest and says nothing.
    assert!(manifest(&liar, "tag").is_ok());
    for claim in ["sha256:../../x", "sha256:abc", "md5:00", &right.to_uppercase(), &right] {
        let (bytes, claim) = (other.manifest.clone(), claim.to_owned());
        let liar = Server::new(move |_| {
            Reply::new(200, bytes.as_slice())
                .with("Content-Type", MANIFEST)
                .with("Docker-Content-Digest", &claim)
        });
        let refused = manifest(&liar, "1").unwrap_err();
        let fits = matches!(refused, RegistryError::Digest { .. } | RegistryError::Protocol { .. });
        assert!(fits, "{refused:?}");
    }
}

/// Row G7: nothing without an end, and nothing longer than it may be.
#[test]
fn everything_is_bounded() {
    let long = |len: usize| Reply::new(200, vec![b' '; len]).with("Content-Type", MANIFEST);
    let endless = || Reply::new(200, "").with("Content-Type", MANIFEST).body(Body::Endless);
    let packed = || Reply::new(200, "x").with("Content-Encoding", "gzip");
    for (name, reply) in [
        ("a long manifest", long((4 << 20) + 1)),
        ("an endless manifest", endless()),
        ("an endless header", Reply::new(200, "").body(Body::EndlessHeader)),
        ("a packed manifest", packed()),
        ("an endless error", Reply { status: 418, ..endless() }),
        ("an endless redirect", Reply { status: 307, ..endless() }),
    ] {
        let server = Server::new(move |request| match request.path() {
            "/v2/" => Reply::new(200, "{}"),
            _ => reply.clone(),
        });
        let refused = manifest(&server, "1").unwrap_err();
        assert!(refused.to_string().len() < 1000, "{name}: {refused}");
    }
    // A token of any length, from a realm that may be asked.
    let tokens = Server::new(|_| Reply::new(200, "").body(Body::Endless));
    let realm = format!("Bearer realm=\"http://{}/token\"", tokens.name());
    let server = Server::new(move |request| match request.path() {
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(401, "").with("WWW-Authenticate", &realm),
    });
    let refused = manifest(&server, "1").unwrap_err();
    assert!(matches!(refused, RegistryError::TooLong { .. }), "{refused:?}");

    let blob = noise(1000, 1);
    for (reply, said) in [
        (Reply::new(200, noise(1001, 1)), "wants to send 1001"),
        (Reply::new(200, "").body(Body::Endless), "more than 1000 bytes"),
        (Reply::new(200, noise(999, 1)), "wants to send 999"),
        (Reply::new(200, noise(1000, 1)).with("Content-Encoding", "gzip"), "packed as gzip"),
        (Reply::new(204, ""), "answers 204"),
    ] {
        let server = Server::new(move |request| match request.path() {
            "/v2/" => Reply::new(200, "{}"),
            _ => reply.clone(),
        });
        let (done, kept) = fetch(&client(), &server, &blob);
        let refused = done.unwrap_err().to_string();
        assert!(refused.contains(said), "{said}: {refused}");
        assert!(kept.bytes.len() <= 1000);
    }
}

/// Row G8: a cut transfer goes on where it was; the whole is what it should be.
#[test]
fn cut_transfers_go_on() {
    let blob = noise(1 << 20, 7);
    let bytes = blob.clone();
    let cuts = AtomicUsize::new(0);
    let server = Server::new(move |request| {
        if request.path() == "/v2/" {
            return Reply::new(200, "{}");
        }
        let reply = ranged(request, &bytes);
        let left = reply.bytes().to_vec();
        match cuts.fetch_add(1, Ordering::SeqCst) {
            0..=4 => {
                let some = left[..left.len() / 3].to_vec();
                reply.body(Body::Cut(some, left.len() as u64))
            }
            _ => reply,
        }
    });
    let (done, kept) = fetch(&client(), &server, &blob);
    done.unwrap();
    assert_eq!((kept.bytes == blob, kept.restarts), (true, 0));
    let ranges: Vec<_> =
        server.asked().iter().filter_map(|r| r.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges.len(), 5, "{ranges:?}");
    assert_eq!(ranges[0], format!("bytes={}-", (1 << 20) / 3));
}

/// Row G8: registries that cannot give parts, or give others than were asked for.
#[test]
fn odd_ranges_begin_anew() {
    let blob = noise(5000, 3);
    let odd: [fn(&Request, &[u8]) -> Reply; 4] = [
        |_, blob| Reply::new(200, blob),
        |_, blob| Reply::new(206, &blob[1..]).with("Content-Range", "bytes 1-4999/5000"),
        |_, _| Reply::new(416, ""),
        |_, blob| Reply::new(206, &blob[100..]).with("Content-Range", "rubbish"),
    ];
    for (number, answer) in odd.into_iter().enumerate() {
        let bytes = blob.clone();
        let server = Server::new(move |request| match (request.path(), request.header("range")) {
            ("/v2/", _) => Reply::new(200, "{}"),
            (_, Some(_)) => answer(request, &bytes),
            (_, None) => Reply::new(200, bytes.as_slice()),
        });
        let mut kept = Kept { bytes: blob[..1000].to_vec(), restarts: 0 };
        let client = client();
        client.to_pull(&server.name(), "app").blob(&layer(&blob), &mut kept).unwrap();
        assert_eq!((kept.bytes == blob, kept.restarts), (true, 1), "{number}");
    }
}

/// Row G8: what passes is tried again, a bounded number of times.
#[test]
fn attempts_are_counted() {
    let image = Image::new(&[10]);
    for (status, header, succeeds) in [
        (500, None, true),
        (503, None, true),
        (429, Some(("Retry-After", "0")), true),
        (429, None, true),
        (429, Some(("Retry-After", "100000")), false),
        (429, Some(("RateLimit-Limit", "100;w=21600")), false),
        (400, None, false),
        (501, None, false),
    ] {
        let (honest, failures) = (image.clone(), AtomicUsize::new(0));
        let server = Server::new(move |request| {
            if request.path() == "/v2/" || failures.fetch_add(1, Ordering::SeqCst) >= 3 {
                return honest.answer(request);
            }
            let reply = Reply::new(status, "{\"errors\":[{\"message\":\"not\\u001b now\"}]}");
            header.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value))
        });
        let found = manifest(&server, "1");
        assert_eq!(found.is_ok(), succeeds, "{status} {header:?}: {found:?}");
        if let Err(error) = found {
            assert!(error.to_string().contains("not  now"), "{error}");
        }
    }
    let always = Server::new(|request| match request.path() {
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(500, ""),
    });
    assert!(manifest(&always, "1").is_err());
    assert_eq!(always.count("GET", "/manifests/"), 5);
    let limited = Server::new(|request| match request.path() {
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(429, "").with("RateLimit-Limit", "100;w=21600"),
    });
    let hint = manifest(&limited, "1").unwrap_err().hint().unwrap();
    assert!(hint.contains("minidock login"), "{hint}");
    let nothing = Server::new(|request| match request.path() {
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(200, "").body(Body::Nothing),
    });
    assert!(manifest(&nothing, "1").is_err());
}

/// Row G8: a server that stops sending, before and within a body.
#[test]
fn stalls_end() {
    let blob = noise(3000, 9);
    let options = ClientOptions { idle: Duration::from_millis(300), ..options() };
    let bytes = blob.clone();
    let server = Server::new(move |request| match request.path() {
        "/v2/" => Reply::new(200, "{}"),
        path if path.contains("/manifests/") => {
            Reply::new(200, "").body(Body::Stalled(Vec::new(), 100))
        }
        _ => Reply::new(200, "").body(Body::Stalled(bytes[..10].to_vec(), 3000)),
    });
    let client = Client::new(options).unwrap();
    let refused = client.to_pull(&server.name(), "app").manifest("1").unwrap_err();
    assert!(matches!(refused, RegistryError::Stalled { .. }), "{refused:?}");
    let (done, kept) = fetch(&client, &server, &blob);
    assert!(done.is_err());
    assert!(kept.bytes.len() < 3000);
}

/// A caller who cancels waits for nothing.
#[test]
fn cancelling_ends_a_stall() {
    let blob = noise(3000, 9);
    let bytes = blob.clone();
    let server = Server::new(move |request| match request.path() {
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(200, "").body(Body::Stalled(bytes[..10].to_vec(), 3000)),
    });
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let cancelled = Arc::new(move || asked.load(Ordering::SeqCst));
    let client = Client::new(ClientOptions { cancelled, ..options() }).unwrap();
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| fetch(&client, &server, &blob).0);
        while server.count("GET", "/blobs/") == 0 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::SeqCst);
        let refused = fetching.join().unwrap().unwrap_err();
        assert!(matches!(refused, RegistryError::Cancelled), "{refused:?}");
    });
}

/// Row G4: a password is for the registry alone, also after it sent us away and back.
#[test]
fn redirects_get_no_password() {
    let blob = noise(100, 5);
    let back = Arc::new(Mutex::new(String::new()));
    let (bytes, to) = (blob.clone(), back.clone());
    let other = Server::new(move |request| match request.target.as_str() {
        "/away" => Reply::new(307, "").with("Location", to.lock().unwrap().as_str()),
        _ => Reply::new(200, bytes.as_slice()),
    });
    let (away, bytes) = (format!("http://{}/away", other.name()), blob.clone());
    let server = Server::new(move |request| match request.path() {
        "/back" => Reply::new(200, bytes.as_slice()),
        _ if request.header("authorization").is_none() => {
            Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\"")
        }
        "/v2/" => Reply::new(200, "{}"),
        _ => Reply::new(307, "").with("Location", &away),
    });
    *back.lock().unwrap() = format!("http://{}/back", server.name());
    let client = Client::new(ClientOptions { credentials: me(), ..options() }).unwrap();
    let (done, kept) = fetch(&client, &server, &blob);
    done.unwrap();
    assert!(kept.bytes == blob);
    let secrets = |server: &Server, part: &str| {
        let asked = server.asked();
        let with = asked.iter().filter(|one| one.target.contains(part));
        with.filter(|one| one.header("authorization").is_some()).count()
    };
    assert_eq!((secrets(&server, "/blobs/"), secrets(&server, "/back")), (1, 0));
    assert_eq!((other.count("GET", "/away"), secrets(&other, "/")), (1, 0));
}

/// Row G4: loops, and places that are none.
#[test]
fn redirects_end() {
    for (location, said) in [
        ("/v2/again", "eleventh"),
        ("ftp://example.org/", "neither HTTPS nor HTTP"),
        ("file:///etc/passwd", "neither HTTPS nor HTTP"),
        ("http://me:secret@localhost:1/", "holds a password"),
        ("http://[", "no address"),
    ] {
        let server = Server::new(move |request| match request.path() {
            "/v2/" => Reply::new(200, "{}"),
            _ => Reply::new(302, "").with("Location", location),
        });
        let refused = manifest(&server, "1").unwrap_err().to_string();
        assert!(refused.contains(said) && !refused.contains("secret"), "{location}: {refused}");
        assert!(server.asked().len() <= 13, "{location}");
    }
}

/// Row G3: realms that must not be asked are not; passwords stay with the registry.
#[test]
fn realms() {
    for realm in [
        "http://169.254.169.254/latest",
        "http://example.org/token",
        "file:///etc/passwd",
        "https://me:pw@localhost:1/",
        "nonsense",
        "",
    ] {
        let header = format!("Bearer realm=\"{realm}\",service=\"x\"");
        let server = Server::new(move |_| Reply::new(401, "").with("WWW-Authenticate", &header));
        let client = Client::new(ClientOptions { credentials: me(), ..options() }).unwrap();
        let refused = client.to_pull(&server.name(), "app").manifest("1").unwrap_err();
        assert!(matches!(refused, RegistryError::Realm { .. }), "{realm}: {refused:?}");
    }
    // A realm that would take the password is not shown it unless it belongs to the registry.
    let header = "Bearer realm=\"https://login.example.invalid/token\"";
    let server = Server::new(move |_| Reply::new(401, "").with("WWW-Authenticate", header));
    let client = Client::new(ClientOptions { credentials: me(), ..options() }).unwrap();
    let refused = client.to_pull(&server.name(), "app").manifest("1").unwrap_err();
    assert!(refused.to_string().contains("the password is not sent there"), "{refused}");
}

/// Pushing: a cut upload begins anew, and what another host is asked gets no password.
#[test]
fn uploads() {
    let blob = noise(300_000, 11);
    let other = Server::new(|_| Reply::new(201, ""));
    let (place, failures) = (format!("http://{}/put", other.name()), AtomicUsize::new(0));
    let server = Server::new(move |request| match (request.method.as_str(), request.path()) {
        _ if request.header("authorization").is_none() => {
            Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\"")
        }
        ("HEAD", _) => Reply::new(404, ""),
        ("POST", path) if path.contains("/elsewhere/") => {
            Reply::new(202, "").with("Location", &place)
        }
        ("POST", _) => Reply::new(202, "").with("Location", "/v2/app/blobs/uploads/1?state=a"),
        ("PUT", path) if path.contains("/uploads/") => {
            match failures.fetch_add(1, Ordering::SeqCst) {
                0 => Reply::new(500, ""),
                _ => Reply::new(201, ""),
            }
        }
        _ => Reply::new(201, "").with("Docker-Content-Digest", digest(b"another")),
    });
    let client = Client::new(ClientOptions { credentials: me(), ..options() }).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, &blob).unwrap();
    let source = minidock_registry::BlobSource { file: Arc::new(file), progress: Arc::new(|_| ()) };
    let app = client.to_push(&server.name(), "app", &[]);
    assert!(!app.has_blob(&layer(&blob)).unwrap());
    app.push_blob(&layer(&blob), None, &source).unwrap();
    let sent = server.asked().into_iter().rev().find(|one| one.method == "PUT").unwrap();
    assert!(
        sent.body == blob && sent.target.contains("state=a&digest=sha256%3A"),
        "{}",
        sent.target
    );
    assert_eq!(server.count("PUT", "/uploads/"), 2);
    let refused = app.put_manifest("1", b"{}", MANIFEST).unwrap_err();
    assert!(matches!(refused, RegistryError::Digest { .. }), "{refused:?}");

    let elsewhere = client.to_push(&server.name(), "elsewhere", &[]);
    elsewhere.push_blob(&layer(&blob), None, &source).unwrap();
    let put = other.asked().into_iter().find(|one| one.method == "PUT").unwrap();
    assert!(put.body == blob && put.header("authorization").is_none());
}
