//! An image made in memory, and the answers that an honest registry gives about it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::server::{Reply, Request};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// `sha256:...` of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Bytes that do not compress, the same ones every time.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// An image with one layer for each file.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) manifest: Vec<u8>,
    pub(crate) media_type: String,
    pub(crate) config: Vec<u8>,
    pub(crate) layers: Vec<Vec<u8>>,
}

impl Image {
    /// Layers with one file each, of these lengths.
    pub(crate) fn new(lengths: &[usize]) -> Self {
        let tars: Vec<_> =
            lengths.iter().zip(1_u64..).map(|(len, seed)| tar(seed, &noise(*len, seed))).collect();
        let diff_ids: Vec<_> = tars.iter().map(|tar| format!("\"{}\"", digest(tar))).collect();
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let config = format!(
            "{{\"architecture\":\"{architecture}\",\"os\":\"linux\",\"config\":{{\"Cmd\":[\"/x\"]}},\
             \"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{}]}}}}",
            diff_ids.join(",")
        );
        let layers: Vec<_> = tars.iter().map(|tar| gzip(tar)).collect();
        let mut image = Self {
            manifest: Vec::new(),
            media_type: MANIFEST.to_owned(),
            config: config.into_bytes(),
            layers,
        };
        image.manifest = image.manifest_with(LAYER, "").into_bytes();
        image
    }

    /// The manifest, with another type of layers, and something more in each.
    pub(crate) fn manifest_with(&self, layer_type: &str, more: &str) -> String {
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|layer| {
                format!(
                    "{{\"mediaType\":\"{layer_type}\",\"digest\":\"{}\",\"size\":{}{more}}}",
                    digest(layer),
                    layer.len()
                )
            })
            .collect();
        format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{MANIFEST}\",\"config\":{{\"mediaType\":\"{CONFIG}\",\
             \"digest\":\"{}\",\"size\":{}}},\"layers\":[{}]}}",
            digest(&self.config),
            self.config.len(),
            layers.join(",")
        )
    }

    /// What an honest registry answers, under any repository and tag.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let path = request.path();
        if path == "/v2/" {
            return Reply::new(200, "{}");
        }
        if let Some((_, key)) = path.split_once("/manifests/") {
            if key.contains(':') && key != digest(&self.manifest) {
                return missing("MANIFEST_UNKNOWN");
            }
            return Reply::new(200, self.manifest.as_slice())
                .with("Content-Type", &self.media_type)
                .with("Docker-Content-Digest", digest(&self.manifest));
        }
        let blobs = self.layers.iter().chain([&self.config]);
        let asked = path.split_once("/blobs/").map_or("", |(_, key)| key);
        match blobs.into_iter().find(|blob| digest(blob) == asked) {
            Some(blob) => ranged(request, blob),
            None => missing("BLOB_UNKNOWN"),
        }
    }
}

/// A blob, or the part of it that is asked for.
pub(crate) fn ranged(request: &Request, blob: &[u8]) -> Reply {
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes="));
    let start = range.and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok());
    match start {
        Some(start) if start < blob.len() => Reply::new(206, &blob[start..])
            .with("Content-Range", format!("bytes {start}-{}/{}", blob.len() - 1, blob.len())),
        Some(_) => Reply::new(416, ""),
        None => Reply::new(200, blob),
    }
}

pub(crate) fn missing(code: &str) -> Reply {
    Reply::new(404, format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"unknown\"}}]}}"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar with one file (POSIX ustar).
fn tar(number: u64, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &format!("file{number}"));
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut tar = header.to_vec();
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    tar
}
