//! Layers out of streams: unpacked by the runtime while the bytes are counted and hashed here.
//!
//! A layer whose bytes are not what was promised never gets a place in the store.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use minidock_image::compression::{Compression, Decoder, Limits};
use minidock_image::digest::{Algorithm, Digest, DigestReader};
use minidock_proto::Outgoing;
use minidock_proto::request::{Answer, Layer, Unpack, Verb};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};

use super::failure::{of_compression, of_stream};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Joined;
use crate::store::files::{create_new, set_mode};
use crate::store::{LayerIngest, LayerMeta, Lease, LocalId};

const CHUNK_LEN: usize = 128 * 1024;
/// A block of a tar.
const BLOCK_LEN: u64 = 512;

/// A layer that is complete and verified, but has no place yet: dropping it drops the layer.
#[derive(Debug)]
pub(crate) struct Unpacked<'lease> {
    ingest: LayerIngest<'lease>,
    meta: LayerMeta,
    /// Digest of the uncompressed tar.
    pub(crate) diff_id: Digest,
    /// Entries whose owner this mapping cannot represent.
    pub(crate) flattened: u64,
    /// How the stream was compressed.
    pub(crate) compression: Compression,
    /// The tar has its end mark, a block of zeros: one that was cut off between two members has
    /// none. Who knows the diff-id beforehand need not ask.
    pub(crate) has_end: bool,
}

impl Unpacked<'_> {
    /// Gives the layer its place.
    pub(crate) fn commit(self) -> Result<LocalId> {
        self.ingest.commit(&self.meta)
    }
}

impl Engine {
    /// Unpacks a layer's tar, compressed or not. With an `expected` diff-id any other content is
    /// refused. An error of the reader ends it, and nothing is stored.
    pub(crate) fn unpack_layer<'lease>(
        &self,
        lease: &'lease Lease,
        joined: &Joined,
        packed: impl Read + Send,
        expected: Option<&Digest>,
    ) -> Result<Unpacked<'lease>> {
        let ingest = lease.begin_layer()?;
        let root = ingest.tree_path(&self.mapping_name()?)?;
        rustix::fs::mkdir(&root, rustix::fs::Mode::from_raw_mode(0o755))
            .map_err(|error| Error::at("make", &root, error))?;
        set_mode(&root, 0o755)?;
        let (fed, layer) = self.stream(joined, packed, expected, &root, &ingest.index_path())?;
        if let Some(expected) = expected
            && *expected != fed.diff_id
        {
            return Err(lied(&fed.diff_id, expected));
        }
        let meta = LayerMeta {
            diff_id: Some(fed.diff_id),
            size: layer.size,
            entries: layer.entries,
            tar_size: Some(fed.size),
        };
        Ok(Unpacked {
            ingest,
            meta,
            diff_id: fed.diff_id,
            flattened: layer.flattened,
            compression: fed.compression,
            has_end: fed.zeros >= BLOCK_LEN,
        })
    }

    /// Unpacks a layer that is known into `root`, an empty directory; its index is there.
    pub(crate) fn unpack_again(
        &self,
        lease: &Lease,
        joined: &Joined,
        packed: impl Read + Send,
        expected: &Digest,
        root: &Path,
    ) -> Result<()> {
        let index = lease.dir().join("index-again");
        let (fed, _) = self.stream(joined, packed, Some(expected), root, &index)?;
        match fed.diff_id == *expected {
            true => Ok(()),
            false => Err(lied(&fed.diff_id, expected)),
        }
    }

    /// A thread feeds while the runtime unpacks.
    fn stream(
        &self,
        joined: &Joined,
        packed: impl Read + Send,
        expected: Option<&Digest>,
        root: &Path,
        index: &Path,
    ) -> Result<(Fed, Layer)> {
        // A socket and no pipe: a host that did not ignore SIGPIPE must not die of a runtime that
        // stops reading.
        let (ours, theirs) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .map_err(|error| Error::io("cannot make a socket pair", error))?;
        let tree = File::open(root).map_err(|error| Error::at("open", root, error))?;
        let index = create_new(index)?;
        let algorithm = expected.map_or(Algorithm::Sha256, Digest::algorithm);
        let doing = reading(expected);
        std::thread::scope(|scope| {
            let feeder = scope.spawn(|| feed(packed, ours, algorithm, &doing));
            // Its end of the socket is closed on return, which ends a feeder that still writes.
            let unpacked = self.run_unpack(joined, theirs, tree, index);
            let fed = feeder.join().unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Runtime, "the reader of a layer panicked"))
            });
            // A stream that failed looks cut off to the runtime: the cause comes first.
            match (fed?, unpacked?) {
                (Some(fed), layer) => Ok((fed, layer)),
                (None, _) => Err(Error::new(
                    ErrorKind::Runtime,
                    "minidock-runtime stopped reading a layer before its end",
                )),
            }
        })
    }

    fn run_unpack(&self, joined: &Joined, tar: OwnedFd, tree: File, index: File) -> Result<Layer> {
        let mut fds = Outgoing::default();
        let tar = fds.push(tar.as_fd());
        let tree = fds.push(tree.as_fd());
        let index = Some(fds.push(index.as_fd()));
        let mapping = self.mapping().clone();
        let verb = |join| Verb::Unpack(Unpack { join, mapping, tar, tree, index });
        match self.run_verb(joined, fds, verb)? {
            Answer::Layer(layer) => Ok(layer),
            _ => Err(Error::new(
                ErrorKind::Runtime,
                "minidock-runtime answered to unpacking a layer with something else",
            )),
        }
    }
}

/// What fails when the stream does.
fn reading(expected: Option<&Digest>) -> String {
    match expected {
        None => "cannot read the tar".to_owned(),
        Some(diff_id) => format!("cannot read the layer with diff-id {diff_id}"),
    }
}

/// What went through.
#[derive(Debug, PartialEq, Eq)]
struct Fed {
    diff_id: Digest,
    size: u64,
    compression: Compression,
    /// How many zeros it ends with.
    zeros: u64,
}

/// Sends the uncompressed stream; `None` when the other side stopped reading.
fn feed(
    packed: impl Read,
    socket: OwnedFd,
    algorithm: Algorithm,
    doing: &str,
) -> Result<Option<Fed>> {
    let decoder =
        Decoder::new(packed, Limits::default()).map_err(|error| of_compression(doing, error))?;
    let compression = decoder.compression();
    let mut reader = DigestReader::with_algorithm(decoder, algorithm);
    let mut chunk = vec![0; CHUNK_LEN];
    let mut zeros = 0;
    loop {
        let length = match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(of_stream(doing, error)),
        };
        zeros = trailing_zeros(zeros, &chunk[..length]);
        if !send_all(&socket, &chunk[..length])? {
            return Ok(None);
        }
    }
    let (diff_id, size) = reader.finish();
    Ok(Some(Fed { diff_id, size, compression, zeros }))
}

/// Zeros at the end of a stream that had `before` of them before this chunk.
fn trailing_zeros(before: u64, chunk: &[u8]) -> u64 {
    match chunk.iter().rev().position(|byte| *byte != 0) {
        Some(zeros) => zeros as u64,
        None => before + chunk.len() as u64,
    }
}

fn send_all(socket: &OwnedFd, mut bytes: &[u8]) -> Result<bool> {
    while !bytes.is_empty() {
        match rustix::net::send(socket, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::INTR) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => return Ok(false),
            Err(error) => return Err(Error::io("cannot send a layer to minidock-runtime", error)),
        }
    }
    Ok(true)
}

/// Reads a layer's blob to its end and compares, without unpacking: for layers that the store has.
pub(crate) fn verify_diff_id(packed: impl Read, expected: &Digest) -> Result<Compression> {
    let doing = reading(Some(expected));
    let decoder =
        Decoder::new(packed, Limits::default()).map_err(|error| of_compression(&doing, error))?;
    let compression = decoder.compression();
    let mut reader = DigestReader::with_algorithm(decoder, expected.algorithm());
    io::copy(&mut reader, &mut io::sink()).map_err(|error| of_stream(&doing, error))?;
    match reader.finish().0 {
        found if found == *expected => Ok(compression),
        found => Err(lied(&found, expected)),
    }
}

fn lied(found: &Digest, expected: &Digest) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("a layer unpacks to {found}, the image's config says {expected}: it is damaged or forged"),
    )
    .with_hint("nothing was stored; get the image again from where it was made")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .unwrap()
    }

    #[test]
    fn what_is_fed_is_hashed_uncompressed() {
        let text = vec![7; 500_000];
        let packed = minidock_image::compression::gzip(&text).unwrap();
        let (ours, theirs) = pair();
        let received = std::thread::scope(|scope| {
            let feeder = scope.spawn(|| feed(packed.as_slice(), ours, Algorithm::Sha256, "x"));
            let mut received = Vec::new();
            File::from(theirs).read_to_end(&mut received).unwrap();
            let fed = feeder.join().unwrap().unwrap().unwrap();
            let (diff_id, compression) = (Digest::of(&text), Compression::Gzip);
            assert_eq!(fed, Fed { diff_id, size: 500_000, compression, zeros: 0 });
            received
        });
        assert!(received == text);
        assert!(verify_diff_id(packed.as_slice(), &Digest::of(&text)).is_ok());
        let cut = verify_diff_id(&packed[..packed.len() - 9], &Digest::of(&text)).unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::InvalidInput);
        let other = verify_diff_id(packed.as_slice(), &Digest::of(b"x")).unwrap_err();
        assert!(other.to_string().contains("damaged or forged"), "{other}");
    }

    #[test]
    fn zeros_at_the_end() {
        assert_eq!(trailing_zeros(3, &[0, 0]), 5);
        assert_eq!(trailing_zeros(3, &[0, 1, 0]), 1);
        assert_eq!(trailing_zeros(3, &[1]), 0);
        assert_eq!(trailing_zeros(3, &[]), 3);
    }

    #[test]
    fn a_reader_that_is_gone_is_no_signal_and_no_hang() {
        let (ours, theirs) = pair();
        drop(theirs);
        assert_eq!(feed(io::repeat(1), ours, Algorithm::Sha256, "x").unwrap(), None);
    }
}
