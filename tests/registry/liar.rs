//! Rows G1, G2, G5 and U14 from outside: what a registry serves is not what it says, or is no
//! image. Each is refused by name, and nothing of it can be used.

use crate::image::{CONFIG, INDEX, Image, LAYER, MANIFEST, digest, missing, noise};
use crate::scene::Scene;
use crate::server::{Body, Reply, Request, Server};

type Answer = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

/// Honest but for what has this in its path.
fn but(part: String, reply: Reply) -> Answer {
    let image = Image::new(&[1000, 2000]);
    Box::new(move |request| match request.target.contains(&part) {
        true => reply.clone(),
        false => image.answer(request),
    })
}

/// Honest about an image that was changed.
fn changed(change: impl FnOnce(&mut Image)) -> Answer {
    let mut image = Image::new(&[1000, 2000]);
    change(&mut image);
    Box::new(move |request| image.answer(request))
}

/// Whatever is asked for a manifest gets this.
fn manifest(media_type: &str, text: impl Into<Vec<u8>>) -> Answer {
    but("/manifests/".into(), Reply::new(200, text).with("Content-Type", media_type))
}

/// A manifest that comes in an odd way.
fn odd(body: Body) -> Answer {
    let reply = Reply::new(200, "").with("Content-Type", MANIFEST);
    but("/manifests/".into(), reply.body(body))
}

/// Indexes in indexes, each with its right digest.
fn nested(depth: usize) -> Answer {
    let mut levels = vec![Image::new(&[10]).manifest];
    for _ in 0..depth {
        let inner = levels.last().unwrap();
        let kind = if levels.len() == 1 { MANIFEST } else { INDEX };
        let outer = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{{\"mediaType\":\"{kind}\",\
             \"digest\":\"{}\",\"size\":{}}}]}}",
            digest(inner),
            inner.len()
        );
        levels.push(outer.into_bytes());
    }
    let image = Image::new(&[10]);
    Box::new(move |request| {
        let Some((_, key)) = request.path().split_once("/manifests/") else {
            return image.answer(request);
        };
        let found = levels.iter().find(|level| key == digest(level));
        let found = found.or_else(|| levels.last().filter(|_| key == "latest"));
        match found {
            Some(bytes) => {
                let kind = if *bytes == levels[0] { MANIFEST } else { INDEX };
                Reply::new(200, bytes.as_slice()).with("Content-Type", kind)
            }
            None => missing("MANIFEST_UNKNOWN"),
        }
    })
}

fn cases() -> Vec<(&'static str, Answer, &'static str)> {
    let image = Image::new(&[1000, 2000]);
    let layer = |number: usize| format!("/blobs/{}", digest(&image.layers[number]));
    let text = || String::from_utf8(image.manifest.clone()).unwrap();
    let with_config = |config: String| {
        changed(move |image| {
            image.config = config.into_bytes();
            image.manifest = image.manifest_with(LAYER, "").into_bytes();
        })
    };
    let config = || String::from_utf8(image.config.clone()).unwrap();
    let one_diff_id = {
        let config = config();
        let (start, end) = (config.find("[\"sha256").unwrap(), config.rfind("\"]").unwrap());
        let list = &config[start..end + 2];
        let first = format!("{}]", list.split(',').next().unwrap());
        config.replace(list, &first)
    };
    let other_diff_id = {
        let config = config();
        let at = config.find("[\"sha256:").unwrap() + "[\"sha256:".len();
        format!("{}{}{}", &config[..at], "0".repeat(64), &config[at + 64..])
    };
    let flipped = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let entries = (0..1001).map(|n| {
        format!("{{\"mediaType\":\"{MANIFEST}\",\"digest\":\"{}\",\"size\":1}}", digest(&[n as u8]))
    });
    let crowd = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{}]}}",
        entries.collect::<Vec<_>>().join(",")
    );
    let artifact = text().replace(CONFIG, "application/vnd.cncf.helm.config.v1+json");
    let schema1 =
        "{\"schemaVersion\":1,\"name\":\"x\",\"tag\":\"1\",\"fsLayers\":[],\"history\":[]}";
    let v1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let both = text().replacen("\"layers\"", "\"manifests\":[],\"layers\"", 1);
    let oci_artifact = "application/vnd.oci.artifact.manifest.v1+json";
    let bad_digest = text().replacen("sha256:", "sha256:../../", 1);
    let short = text().replacen("sha256:", "sha256:abc\",\"x\":\"", 1);
    let md5 = text().replacen("sha256:", "md5:", 1);
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    vec![
        ("layer body", but(layer(1), Reply::new(200, flipped(&image.layers[1]))), "arrived"),
        ("layer size", but(layer(0), Reply::new(200, "short")), "it wants to send 5"),
        (
            "config body",
            but(
                format!("/blobs/{}", digest(&image.config)),
                Reply::new(200, flipped(&image.config)),
            ),
            "damaged or forged",
        ),
        ("no such layer", but(layer(0), missing("BLOB_UNKNOWN")), "has no app@sha256:"),
        ("other diff-id", with_config(other_diff_id), "damaged or forged"),
        ("one diff-id", with_config(one_diff_id), "config"),
        ("no JSON", manifest(MANIFEST, "<html>"), "manifest is not valid"),
        ("ambiguous", manifest(MANIFEST, both), "ambiguous"),
        ("wrong type", manifest(INDEX, text()), "was announced as"),
        ("unknown type", manifest("text/html", text()), "was announced as"),
        ("schema 1", manifest(v1, schema1), "schema 1"),
        ("artifact", manifest(MANIFEST, artifact), "it is no container image"),
        ("OCI artifact", manifest(oci_artifact, "{\"schemaVersion\":2}"), "artifact"),
        ("bad digest", manifest(MANIFEST, bad_digest), "manifest is not valid"),
        ("short digest", manifest(MANIFEST, short), "manifest is not valid"),
        ("md5", manifest(MANIFEST, md5), "manifest is not valid"),
        ("upper case", manifest(MANIFEST, text().replacen("sha256:", "SHA256:", 1)), "not valid"),
        ("crowd", manifest(INDEX, crowd), "1001 entries"),
        ("deep", nested(20), "more than 4 indexes"),
        ("foreign type", manifest(MANIFEST, image.manifest_with(foreign, "")), "a foreign layer"),
        (
            "foreign address",
            manifest(MANIFEST, image.manifest_with(LAYER, ",\"urls\":[\"http://localhost:1/\"]")),
            "a foreign layer",
        ),
        (
            "strange layer",
            manifest(MANIFEST, image.manifest_with("application/wasm", "")),
            "which is not supported",
        ),
        ("no end", odd(Body::Endless), "more than 4194304 bytes"),
        ("no end of headers", odd(Body::EndlessHeader), "the transfer of"),
        ("no answer", odd(Body::Nothing), "the transfer of"),
        (
            "no tar",
            changed(|image| {
                image.layers[0] = noise(5000, 1);
                let diff_ids = [&image.layers[0]].map(|layer| digest(layer));
                image.layers.truncate(1);
                image.config = format!(
                    "{{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{{\"type\":\"layers\",\
                     \"diff_ids\":[\"{}\"]}}}}",
                    diff_ids[0]
                )
                .into_bytes();
                image.manifest = image.manifest_with(LAYER, "").into_bytes();
            }),
            "tar",
        ),
    ]
}

#[test]
fn lies_are_refused_and_nothing_is_stored() {
    let scene = Scene::new();
    for (name, answer, said) in cases() {
        // Layers that were right in an earlier case would not be asked for again.
        scene.ok("system prune -f");
        let server = Server::new(answer);
        let refused = scene.fails(&format!("pull {}/app", server.name()));
        assert!(refused.contains(said), "{name}: {refused}");
        let complaint = refused.lines().find(|line| line.starts_with("minidock: "));
        assert!(complaint.is_some_and(|line| line.len() < 600), "{name}: {refused}");
        scene.is_as_before();
    }
    assert!(
        nested(3)(&Request {
            method: "GET".into(),
            target: "/v2/app/manifests/latest".into(),
            headers: Vec::new(),
            body: Vec::new(),
        })
        .bytes()
        .starts_with(b"{\"schemaVersion\":2")
    );
    let deep = Server::new(nested(3));
    scene.ok(&format!("pull {}/app", deep.name()));
}
