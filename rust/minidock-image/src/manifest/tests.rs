//! Row G2: what is read as what, and what is refused.

use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn descriptor(media_type: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{DIGEST}","size":2}}"#)
}

/// A manifest with these extra fields in front.
fn manifest(extra: &str) -> String {
    let (config, layer) = (descriptor(media::OCI_CONFIG), descriptor(media::OCI_LAYER_GZIP));
    format!(r#"{{{extra}"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#)
}

fn index(extra: &str) -> String {
    let entry = descriptor(media::OCI_MANIFEST);
    format!(r#"{{{extra}"schemaVersion":2,"manifests":[{entry}]}}"#)
}

#[test]
fn reads_both_with_and_without_media_types() {
    for media_type in ["", media::OCI_MANIFEST, media::DOCKER_MANIFEST, "application/json"] {
        let read = Manifest::from_json(manifest("").as_bytes(), media_type).unwrap();
        assert_eq!((read.layers.len(), read.check_is_image().is_ok()), (1, true));
        assert!(Index::from_json(manifest("").as_bytes(), media_type).is_err());
    }
    for media_type in ["", media::OCI_INDEX, media::DOCKER_INDEX] {
        assert_eq!(Index::from_json(index("").as_bytes(), media_type).unwrap().manifests.len(), 1);
        assert!(Manifest::from_json(index("").as_bytes(), media_type).is_err());
    }
    let typed = format!(r#""mediaType":"{}","#, media::OCI_INDEX);
    let with_charset = format!("{}; charset=utf-8", media::OCI_INDEX);
    assert!(Index::from_json(index(&typed).as_bytes(), &with_charset).is_ok());
}

#[test]
fn refusals() {
    let typed = format!(r#""mediaType":"{}","#, media::OCI_MANIFEST);
    let docker = format!(r#""mediaType":"{}","#, media::DOCKER_MANIFEST);
    let layers: Vec<_> = (0..1001).map(|_| descriptor(media::OCI_LAYER)).collect();
    let config = descriptor(media::OCI_CONFIG);
    let many =
        format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    let entries = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, layers.join(","));
    let bad_digest = manifest("").replace(DIGEST, "sha256:../../x");
    #[rustfmt::skip]
    let cases: Vec<(String, &str, &str)> = vec![
        (manifest(r#""manifests":[],"#), "", "ambiguous"),
        (manifest(r#""manifests":[],"#), media::OCI_INDEX, "ambiguous"),
        (format!(r#"{{"schemaVersion":2,"config":{config},"manifests":[]}}"#), "", "ambiguous"),
        (manifest(&docker), media::OCI_MANIFEST, "was announced as"),
        (manifest(&typed), media::OCI_INDEX, "was announced as"),
        (manifest(""), media::OCI_INDEX, "has layers where its media type has manifests"),
        (index(""), media::OCI_MANIFEST, "has manifests where its media type has layers"),
        (manifest("").replace("\"schemaVersion\":2", "\"schemaVersion\":1"), "", "schema 1"),
        (manifest(""), media::DOCKER_SCHEMA1[1], "schema 1"),
        (manifest(""), media::OCI_ARTIFACT, "artifact manifest"),
        (manifest("").replace("\"schemaVersion\":2", "\"schemaVersion\":3"), "", "version 3"),
        (manifest("").replace("\"schemaVersion\":2,", ""), "", "no schemaVersion"),
        (manifest(""), "text/html", "no image or image index"),
        (r#"{"schemaVersion":2}"#.to_owned(), "", "neither layers nor manifests"),
        (many, "", "has 1001 layers"),
        (entries, "", "has 1001 entries"),
        (bad_digest, "", "is not valid"),
        (manifest("").replace("\"size\":2", "\"size\":-1"), "", "is not valid"),
        (manifest("").replace("\"size\":2", "\"size\":1e3"), "", "is not valid"),
        ("[".repeat(100_000), "", "is not valid"),
        ("<html>".to_owned(), "", "is not valid"),
        (" ".repeat(1 + MAX_MANIFEST_LEN as usize), "", "at most 4194304"),
    ];
    for (json, media_type, expected) in cases {
        let error = ManifestOrIndex::from_json(json.as_bytes(), media_type).unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    let helm = manifest("").replace(media::OCI_CONFIG, "application/vnd.cncf.helm.config.v1+json");
    let helm = Manifest::from_json(helm.as_bytes(), "").unwrap();
    assert!(helm.check_is_image().unwrap_err().to_string().contains("no container image"));
    let odd = manifest("").replace(media::OCI_LAYER_GZIP, "application/x");
    let odd = Manifest::from_json(odd.as_bytes(), "").unwrap();
    assert!(odd.check_is_image().unwrap_err().to_string().contains("application/x"));
    assert!(media::is_layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"));
}

#[test]
fn unknown_fields_survive() {
    let text = manifest(r#""x":{"y":[1]},"annotations":{"run.oci.handler":"x"},"#);
    let read = Manifest::from_json(text.as_bytes(), "").unwrap();
    let written: serde_json::Value = serde_json::from_slice(&read.to_json().unwrap()).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(&text).unwrap());
}

/// Deterministic damage: never a panic.
#[test]
fn damaged_json_never_panics() {
    let text = index(r#""subject":null,"annotations":null,"#);
    let mut refused = 0;
    for at in 0..text.len() {
        for byte in *b"\0\"{}[]:,9-nA\xff" {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            refused += usize::from(ManifestOrIndex::from_json(&bytes, "").is_err());
        }
        assert!(ManifestOrIndex::from_json(&text.as_bytes()[..at], "").is_err());
    }
    assert!(refused > text.len());
}
