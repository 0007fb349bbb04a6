//! Rows U14 and U16, and that what is written is read again.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as _;
use std::os::fd::AsFd as _;

use super::*;
use crate::compression::{Limits, gzip};
use crate::config::ImageConfig;
use crate::manifest::{Index, Manifest};
use crate::media;

/// A sink in memory.
#[derive(Debug, Default)]
struct Memory(HashMap<Digest, Vec<u8>>);

impl BlobSink for Memory {
    type Blob = Vec<u8>;
    type Reader = io::Cursor<Vec<u8>>;

    fn begin(&mut self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn commit(&mut self, blob: Vec<u8>, digest: &Digest, size: u64) -> io::Result<()> {
        assert_eq!((Digest::of(&blob), blob.len() as u64), (*digest, size));
        self.0.insert(*digest, blob);
        Ok(())
    }

    fn open(&mut self, digest: &Digest) -> io::Result<Self::Reader> {
        let blob = self.0.get(digest).ok_or(io::ErrorKind::NotFound)?;
        Ok(io::Cursor::new(blob.clone()))
    }
}

#[derive(Clone)]
enum Node {
    File(Vec<u8>),
    Symlink(&'static str),
    Hardlink(&'static str),
}

type Files = BTreeMap<String, Node>;

fn amd64() -> Platform {
    Platform { os: "linux".into(), architecture: "amd64".into(), ..Platform::default() }
}

/// A tar of any names, as an attacker would make it.
fn tar_of(files: &Files) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, node) in files {
        let mut header = ::tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        let (flag, link, content) = match node {
            Node::File(content) => (::tar::EntryType::Regular, "", &content[..]),
            Node::Symlink(target) => (::tar::EntryType::Symlink, *target, &b""[..]),
            Node::Hardlink(target) => (::tar::EntryType::Link, *target, &b""[..]),
        };
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(flag);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn load(bytes: &[u8]) -> Result<(Vec<LoadedImage>, Memory), ArchiveError> {
    let mut sink = Memory::default();
    let images = read_archive(bytes, &mut sink, &amd64(), &ArchiveLimits::default())?;
    Ok((images, sink))
}

fn config_of(layers: &[&[u8]]) -> Vec<u8> {
    let mut config = ImageConfig { os: "linux".into(), ..ImageConfig::default() };
    config.architecture = "amd64".into();
    config.rootfs.diff_ids = layers.iter().map(|layer| Digest::of(layer)).collect();
    config.to_json().unwrap()
}

fn put(files: &mut Files, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    files.insert(format!("blobs/sha256/{}", digest.hex()), Node::File(bytes.to_vec()));
    digest
}

fn put_described(files: &mut Files, media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, put(files, bytes), bytes.len() as u64)
}

/// An image of two layers, one of them compressed; returns its manifest's descriptor.
fn put_image(files: &mut Files) -> Descriptor {
    let config = put_described(files, media::OCI_CONFIG, &config_of(&[b"one", b"two"]));
    let one = put_described(files, media::OCI_LAYER, b"one");
    let two = put_described(files, media::OCI_LAYER_GZIP, &gzip(b"two").unwrap());
    let manifest = Manifest::new(media::OCI_MANIFEST, config, vec![one, two]);
    put_described(files, media::OCI_MANIFEST, &manifest.to_json().unwrap())
}

fn finish(files: &mut Files, manifests: Vec<Descriptor>) {
    let index = Index::new(media::OCI_INDEX, manifests).to_json().unwrap();
    files.insert(INDEX_JSON.into(), Node::File(index));
    let layout = br#"{"imageLayoutVersion":"1.0.0"}"#;
    files.insert(OCI_LAYOUT.into(), Node::File(layout.to_vec()));
}

fn oci() -> Files {
    let mut files = Files::new();
    let mut manifest = put_image(&mut files);
    manifest.annotations.insert(REF_NAME_ANNOTATION.into(), "example.com/a:1".into());
    finish(&mut files, vec![manifest]);
    files
}

/// As docker before 25 wrote it: configs by digest, layers in directories, shared ones linked.
fn docker() -> Files {
    let config = config_of(&[b"one", b"one"]);
    let name = format!("{}.json", Digest::of(&config).hex());
    let list = format!(
        r#"[{{"Config":"{name}","RepoTags":["app:1"],"Layers":["a/layer.tar","b/layer.tar"]}}]"#
    );
    Files::from([
        (name, Node::File(config)),
        ("a/layer.tar".into(), Node::File(b"one".to_vec())),
        ("b/layer.tar".into(), Node::Symlink("../a/layer.tar")),
        (MANIFEST_JSON.into(), Node::File(list.into_bytes())),
    ])
}

fn line(error: &ArchiveError) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        line = format!("{line}: {inner}");
        source = inner.source();
    }
    assert!(!line.contains('\n'), "{line}");
    line
}

fn refusal(files: &Files) -> String {
    match load(&tar_of(files)) {
        Ok((images, _)) => panic!("{images:?}"),
        Err(error) => line(&error),
    }
}

#[test]
fn reads_docker_archives() {
    for bytes in [tar_of(&docker()), gzip(&tar_of(&docker())).unwrap()] {
        let (images, sink) = load(&bytes).unwrap();
        assert_eq!(images.len(), 1);
        let image = &images[0];
        assert_eq!(image.references[0].familiar(), "app:1");
        assert_eq!(
            (image.config, &image.manifest),
            (Digest::of(&config_of(&[b"one", b"one"])), &None)
        );
        assert_eq!(image.layers[0], image.layers[1]);
        assert_eq!(sink.0[&image.layers[1].blob], b"one");
        assert_eq!(image.platform, amd64());
    }
    let mut untagged = docker();
    let Node::File(list) = &untagged[MANIFEST_JSON] else { panic!() };
    let list = String::from_utf8(list.clone()).unwrap().replace("[\"app:1\"]", "null");
    untagged.insert(MANIFEST_JSON.into(), Node::File(list.into_bytes()));
    untagged.insert("c/layer.tar".into(), Node::Hardlink("a/layer.tar"));
    assert_eq!(load(&tar_of(&untagged)).unwrap().0[0].references, []);
}

#[test]
fn reads_oci_archives_and_layouts() {
    let (images, mut sink) = load(&tar_of(&oci())).unwrap();
    assert_eq!(images[0].references[0].familiar(), "example.com/a:1");
    verify_layers(&images[0], Limits::default(), |digest| sink.open(digest)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    write_directory(directory.path(), &oci());
    let opened = std::fs::File::open(directory.path()).unwrap();
    let mut sink = Memory::default();
    assert_eq!(read_layout(opened.as_fd(), &mut sink, &amd64()).unwrap(), images);
    assert_eq!(sink.0.len(), 6);
}

fn write_directory(at: &std::path::Path, files: &Files) {
    std::fs::create_dir_all(at.join("blobs/sha256")).unwrap();
    for (name, node) in files {
        match node {
            Node::File(content) => std::fs::write(at.join(name), content).unwrap(),
            Node::Symlink(to) => std::os::unix::fs::symlink(to, at.join(name)).unwrap(),
            Node::Hardlink(to) => std::fs::hard_link(at.join(to), at.join(name)).unwrap(),
        }
    }
}

#[test]
fn chooses_the_platform() {
    let with = |platforms: &[(&str, &str)]| {
        let mut files = Files::new();
        let image = put_image(&mut files);
        let entries = platforms.iter().map(|(os, architecture)| {
            let mut entry = image.clone();
            let (os, architecture) = ((*os).to_owned(), (*architecture).to_owned());
            if (os.as_str(), architecture.as_str()) != ("linux", "amd64") {
                entry.digest = Digest::of(b"not in this archive");
            }
            entry.platform = Some(Platform { os, architecture, ..Platform::default() });
            entry
        });
        let index = Index::new(media::OCI_INDEX, entries.collect()).to_json().unwrap();
        let index = put_described(&mut files, media::OCI_INDEX, &index);
        finish(&mut files, vec![index]);
        files
    };
    let files = with(&[("linux", "arm64"), ("linux", "amd64"), ("unknown", "unknown")]);
    assert_eq!(load(&tar_of(&files)).unwrap().0.len(), 1);
    let line = refusal(&with(&[("linux", "arm64"), ("windows", "amd64")]));
    assert!(line.contains("no image for linux/amd64: it has linux/arm64, windows/amd64"), "{line}");
}

/// Row U16.
#[test]
fn refuses_links_escapes_and_gaps() {
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
    let change = |mut files: Files, name: &str, node: Option<Node>| {
        assert!(files.remove(name).is_some() || node.is_some());
        if let Some(node) = node {
            files.insert(name.to_owned(), node);
        }
        files
    };
    let list = |text: &str| Some(Node::File(text.as_bytes().to_vec()));
    let link = || Some(Node::Symlink("/etc/passwd"));
    let mut twice = tar_of(&docker());
    twice.truncate(twice.len() - 1024);
    twice.extend_from_slice(&tar_of(&docker()));
    let long = " ".repeat(1 + MAX_LIST_LEN as usize);
    let outside = r#"[{"Config":"../x","RepoTags":null,"Layers":[]}]"#;
    let absolute = r#"[{"Config":"/etc/passwd","RepoTags":null,"Layers":[]}]"#;
    let no_config = r#"[{"Config":"x.json","RepoTags":null,"Layers":[]}]"#;
    let config_name = docker().into_keys().find(|name| name.ends_with(".json")).unwrap();
    #[rustfmt::skip]
    let cases: Vec<(Files, &str)> = vec![
        (change(docker(), MANIFEST_JSON, link()), "\"manifest.json\" as something else than a regular file"),
        (change(oci(), INDEX_JSON, link()), "\"index.json\" as something else"),
        (change(oci(), OCI_LAYOUT, link()), "\"oci-layout\" as something else"),
        (change(oci(), &blob(b"one"), link()), "as something else than a regular file"),
        (change(docker(), &config_name, link()), "as something else than a regular file"),
        (change(docker(), "b/layer.tar", link()), "lacks \"etc/passwd\""),
        (change(docker(), "b/layer.tar", Some(Node::Symlink("../../../../a/x"))), "lacks \"a/x\""),
        (change(docker(), "b/layer.tar", Some(Node::Hardlink("/etc/passwd"))), "lacks \"/etc/passwd\""),
        (change(docker(), "../evil", Some(Node::File(vec![]))), "\"../evil\" whose name is not allowed"),
        (change(docker(), "a/layer.tar", None), "lacks \"a/layer.tar\""),
        (change(oci(), &blob(b"one"), None), "lacks \"blobs/sha256/"),
        (change(oci(), &blob(b"one"), list("forged")), "it is damaged or forged"),
        (change(docker(), &config_name, list("{}")), "it is damaged or forged"),
        (change(docker(), MANIFEST_JSON, list(outside)), "`..`"),
        (change(docker(), MANIFEST_JSON, list(absolute)), "path is absolute"),
        (change(docker(), MANIFEST_JSON, list(no_config)), "lacks \"x.json\""),
        (change(docker(), MANIFEST_JSON, list("[]")), "lists no image"),
        (change(docker(), MANIFEST_JSON, list("{}")), "manifest.json in the image archive is not valid"),
        (change(docker(), MANIFEST_JSON, list(&long)), "at most 4194304 are read"),
        (change(docker(), MANIFEST_JSON, None), "no image found"),
        (change(oci(), OCI_LAYOUT, None), "lacks \"oci-layout\""),
        (change(oci(), OCI_LAYOUT, list(r#"{"imageLayoutVersion":"2"}"#)), "version \"2\""),
        (change(oci(), INDEX_JSON, list("{}")), "no schemaVersion"),
    ];
    for (files, expected) in cases {
        let line = refusal(&files);
        assert!(line.contains(expected), "{expected}: {line}");
    }
    let error = load(&twice).unwrap_err();
    assert!(matches!(error, ArchiveError::Duplicate { .. }), "{error}");
    let limits = ArchiveLimits { max_members: 3, ..ArchiveLimits::default() };
    let error = read_archive(&tar_of(&docker())[..], &mut Memory::default(), &amd64(), &limits);
    assert!(matches!(error, Err(ArchiveError::TooManyMembers { max: 3 })));
}

#[test]
fn layouts_refuse_links_and_gaps() {
    let read = |files: &Files, spoil: &dyn Fn(&std::path::Path)| {
        let directory = tempfile::tempdir().unwrap();
        write_directory(directory.path(), files);
        spoil(directory.path());
        let opened = std::fs::File::open(directory.path()).unwrap();
        read_layout(opened.as_fd(), &mut Memory::default(), &amd64()).map_err(|e| line(&e))
    };
    let blob = format!("blobs/sha256/{}", Digest::of(b"one").hex());
    for name in [INDEX_JSON, OCI_LAYOUT, "blobs/sha256", "blobs", &blob] {
        let error = read(&oci(), &|at| {
            std::fs::rename(at.join(name), at.join("real")).unwrap();
            std::os::unix::fs::symlink(at.join("real"), at.join(name)).unwrap();
        });
        assert!(
            error.as_ref().unwrap_err().contains("something else than a regular file"),
            "{name}: {error:?}"
        );
        let error = read(&oci(), &|at| std::fs::rename(at.join(name), at.join("real")).unwrap());
        assert!(error.as_ref().unwrap_err().contains("lacks"), "{name}: {error:?}");
    }
    let error = read(&oci(), &|at| std::fs::write(at.join(&blob), "longer than it was").unwrap());
    assert!(error.unwrap_err().contains("has 18 bytes: at most 3"));
    let error = read(&oci(), &|at| std::fs::write(at.join(&blob), "eno").unwrap());
    assert!(error.unwrap_err().contains("damaged or forged"));
}

/// Row U14.
#[test]
fn diff_ids_and_layer_counts() {
    let make = |diff_ids: &[&[u8]], size_off: u64| {
        let mut files = Files::new();
        let config = put_described(&mut files, media::OCI_CONFIG, &config_of(diff_ids));
        let mut layer = put_described(&mut files, media::OCI_LAYER_GZIP, &gzip(b"one").unwrap());
        layer.size += size_off;
        let manifest = Manifest::new(media::OCI_MANIFEST, config, vec![layer]).to_json().unwrap();
        let manifest = put_described(&mut files, media::OCI_MANIFEST, &manifest);
        finish(&mut files, vec![manifest]);
        files
    };
    for diff_ids in [&[][..], &[&b"one"[..], b"two"]] {
        let line = refusal(&make(diff_ids, 0));
        assert!(line.contains("its manifest 1"), "{line}");
    }
    let line = refusal(&make(&[b"one"], 1));
    assert!(line.contains("its descriptor says"), "{line}");
    let (images, mut sink) = load(&tar_of(&make(&[b"two"], 0))).unwrap();
    let error = verify_layers(&images[0], Limits::default(), |digest| sink.open(digest));
    let line = error.unwrap_err().to_string();
    assert!(line.contains("the image's config says") && line.contains("forged"), "{line}");
}

#[test]
fn indexes_in_indexes_are_bounded() {
    let nest = |depth: usize| {
        let mut files = Files::new();
        let mut inner = put_image(&mut files);
        for _ in 0..depth {
            let index = Index::new(media::OCI_INDEX, vec![inner]).to_json().unwrap();
            inner = put_described(&mut files, media::OCI_INDEX, &index);
        }
        finish(&mut files, vec![inner]);
        files
    };
    assert_eq!(load(&tar_of(&nest(3))).unwrap().0.len(), 1);
    assert!(refusal(&nest(20)).contains("nested more than 4 deep"));
}

#[test]
fn what_is_written_is_read_again() {
    let mut files = Files::new();
    let manifest = put_image(&mut files);
    let blob = |files: &Files, digest: &Digest| match files
        .get(&format!("blobs/sha256/{}", digest.hex()))
    {
        Some(Node::File(bytes)) => Ok(io::Cursor::new(bytes.clone())),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let bytes = blob(&files, &manifest.digest).unwrap().into_inner();
    let names = ["app:1", "localhost:5000/x/app:2"].map(|name| name.parse().unwrap());
    let save = |references: &[Reference]| SaveImage {
        references: references.to_vec(),
        manifest: bytes.clone(),
        media_type: media::OCI_MANIFEST.to_owned(),
    };
    for format in [ArchiveFormat::Docker, ArchiveFormat::Oci] {
        let write = || write_archive(format, &[save(&names)], Vec::new(), |d| blob(&files, d));
        let tar = write().unwrap();
        assert_eq!(tar, write().unwrap());
        let (images, _) = load(&tar).unwrap();
        assert_eq!(images.len(), 1);
        assert_eq!(images[0].references, names);
        assert_eq!(images[0].manifest.as_ref().unwrap().digest, manifest.digest);
        let unnamed = write_archive(format, &[save(&[])], Vec::new(), |d| blob(&files, d)).unwrap();
        assert_eq!(load(&unnamed).unwrap().0[0].references, []);
    }
    // Docker's list alone gives the same image.
    let tar =
        write_archive(ArchiveFormat::Docker, &[save(&names)], Vec::new(), |d| blob(&files, d));
    let mut sink = Memory::default();
    let mut only_docker = ::tar::Builder::new(Vec::new());
    for entry in ::tar::Archive::new(&tar.unwrap()[..]).entries().unwrap() {
        let entry = entry.unwrap();
        if !entry.path_bytes().starts_with(b"index.json") {
            only_docker.append(&entry.header().clone(), entry).unwrap();
        }
    }
    let only_docker = only_docker.into_inner().unwrap();
    let limits = ArchiveLimits::default();
    let images = read_archive(&only_docker[..], &mut sink, &amd64(), &limits).unwrap();
    assert_eq!((images[0].references.as_slice(), images[0].layers.len()), (&names[..], 2));
    verify_layers(&images[0], Limits::default(), |digest| sink.open(digest)).unwrap();

    let pinned = names[0].with_digest(manifest.digest);
    let error =
        write_archive(ArchiveFormat::Oci, &[save(&[pinned])], Vec::new(), |d| blob(&files, d));
    assert!(error.unwrap_err().to_string().contains("use a name with a tag"));
    let error = write_archive(ArchiveFormat::Oci, &[], Vec::new(), |d| blob(&files, d));
    assert!(matches!(error, Err(ArchiveError::Empty)));
    let damaged = write_archive(ArchiveFormat::Oci, &[save(&[])], Vec::new(), |_| Ok(&b"x"[..]));
    assert!(line(&damaged.unwrap_err()).contains("changed or is damaged"));
}

/// Deterministic damage to whole archives: an error or an image, never a panic.
#[test]
fn damage_never_panics() {
    let (mut refused, mut state) = (0, 7_u64);
    for bytes in [tar_of(&docker()), tar_of(&oci())] {
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            let at = (state >> 33) as usize % damaged.len();
            damaged[at] = (state >> 20) as u8;
            refused += usize::from(load(&damaged).is_err());
            refused += usize::from(load(&bytes[..at]).is_err());
        }
    }
    assert!(refused > 400, "{refused}");
}
