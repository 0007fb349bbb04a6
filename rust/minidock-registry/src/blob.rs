//! Blobs: streamed, and taken up again where a transfer broke off.

use std::io;

use minidock_image::descriptor::Descriptor;
use minidock_image::digest::Digest;
use reqwest::Method;

use crate::client::Repository;
use crate::http::{Answer, Request};
use crate::retry::Backoff;
use crate::session::Session;
use crate::{RegistryError, Result};

/// Takes a blob's bytes, in order. It compares them with the digest itself, at their end.
pub trait BlobTarget: Send {
    /// Bytes that it has, from the blob's start: where the transfer goes on.
    fn len(&self) -> u64;

    /// Whether it has nothing yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything: the transfer begins at the start.
    fn restart(&mut self) -> io::Result<()>;

    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A small blob in memory.
#[derive(Debug, Default)]
struct Memory(Vec<u8>);

impl BlobTarget for Memory {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn restart(&mut self) -> io::Result<()> {
        self.0.clear();
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl Repository<'_> {
    /// Streams a blob. No more than its size is taken; what it hashes to is for the target.
    pub fn blob(&self, blob: &Descriptor, target: &mut dyn BlobTarget) -> Result<()> {
        self.client.wait(async || self.stream(blob, target).await)
    }

    /// Reads a small blob and compares it with its digest.
    pub fn small_blob(&self, blob: &Descriptor, max: u64) -> Result<Vec<u8>> {
        let what = self.what(&blob.digest.to_string());
        if blob.size > max {
            return Err(RegistryError::TooLong { what, max });
        }
        let mut memory = Memory::default();
        self.blob(blob, &mut memory)?;
        match blob.digest.matches(&memory.0) {
            true => Ok(memory.0),
            false => Err(RegistryError::Digest {
                what,
                expected: Box::new(blob.digest),
                found: Box::new(Digest::of(&memory.0)),
            }),
        }
    }

    async fn stream(&self, blob: &Descriptor, target: &mut dyn BlobTarget) -> Result<()> {
        let session = self.session().await?;
        let mut backoff = Backoff::new(session.shared.options.pause);
        let mut whole = false;
        while target.len() < blob.size {
            if whole && !target.is_empty() {
                restart(target)?;
            }
            let before = target.len();
            match self.attempt(&session, blob, target).await {
                Ok(Attempt::Done) => return Ok(()),
                Ok(Attempt::NoRanges) => whole = true,
                Err(error) if error.is_passing() => {
                    if target.len() > before && !whole {
                        backoff.progressed();
                    }
                    session.pause(&mut backoff, error).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn attempt(
        &self,
        session: &Session,
        blob: &Descriptor,
        target: &mut dyn BlobTarget,
    ) -> Result<Attempt> {
        let what = self.what(&blob.digest.to_string());
        let url = session.endpoint.url(&format!("{}/blobs/{}", self.path, blob.digest))?;
        let start = target.len();
        let request = Request::new(Method::GET, url, what.as_str()).starting_at(start)?;
        let mut answer = session.ask(&request).await?;
        answer.require_identity()?;
        match answer.status() {
            206 if start > 0 && begins_at(&answer, start, blob.size) => {}
            // A part that nobody asked for, or another one than that.
            206 | 416 if start > 0 => return Ok(Attempt::NoRanges),
            200 if start > 0 => restart(target)?,
            200 => {}
            status => {
                return Err(RegistryError::Protocol {
                    registry: self.registry.clone(),
                    problem: format!("it answers {status} for {what}"),
                });
            }
        }
        let left = blob.size - target.len();
        if let Some(length) = answer.response.content_length()
            && length != left
        {
            let problem = format!("{what} should have {left} bytes, it wants to send {length}");
            return Err(RegistryError::Protocol { registry: self.registry.clone(), problem });
        }
        while let Some(piece) = answer.piece().await? {
            if piece.len() as u64 > blob.size - target.len() {
                return Err(RegistryError::TooLong { what, max: blob.size });
            }
            target
                .take(&piece)
                .map_err(|source| RegistryError::Local { doing: "store a blob", source })?;
        }
        match target.len() {
            len if len == blob.size => Ok(Attempt::Done),
            found => Err(RegistryError::Short { what, found, expected: blob.size }),
        }
    }
}

enum Attempt {
    Done,
    /// The registry cannot give a part: the next attempt asks for all of it.
    NoRanges,
}

fn restart(target: &mut dyn BlobTarget) -> Result<()> {
    target.restart().map_err(|source| RegistryError::Local { doing: "begin a blob anew", source })
}

/// Whether a part is the one that was asked for: `bytes 5-9/10` (RFC 9110, 14.4).
fn begins_at(answer: &Answer, start: u64, size: u64) -> bool {
    answer.header("content-range").is_some_and(|range| is_range(range, start, size))
}

fn is_range(range: &str, start: u64, size: u64) -> bool {
    let parsed = range.strip_prefix("bytes ").and_then(|rest| {
        let (span, total) = rest.split_once('/')?;
        let (first, last) = span.split_once('-')?;
        Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total))
    });
    parsed.is_some_and(|(first, last, total)| {
        first == start
            && last.checked_add(1) == Some(size)
            && (total == "*" || total.parse() == Ok(size))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, good) in [
            ("bytes 5-9/10", true),
            ("bytes 5-9/*", true),
            ("bytes 4-9/10", false),
            ("bytes 5-8/10", false),
            ("bytes 5-9/11", false),
            ("bytes 5-18446744073709551615/10", false),
            ("5-9/10", false),
            ("bytes */10", false),
            ("", false),
        ] {
            assert_eq!(is_range(range, 5, 10), good, "{range}");
        }
    }
}
