//! Pushing: blobs that the registry lacks, taken over from a repository beside or sent, then the
//! manifest that names them (distribution specification, pushing).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use minidock_image::descriptor::Descriptor;
use minidock_image::digest::Digest;
use reqwest::header::LOCATION;
use reqwest::{Method, Url};

use crate::client::Repository;
use crate::http::{Answer, Request, target};
use crate::session::{Session, refusal};
use crate::{RegistryError, Result, host};

/// Bytes that are read of a file at once.
const PIECE: usize = 128 << 10;

/// Where a blob's bytes come from.
#[derive(Clone)]
pub struct BlobSource {
    /// The file, as long as the blob.
    pub file: Arc<File>,
    /// Is told how many bytes of it were handed on; a second attempt begins at 0.
    pub progress: Arc<dyn Fn(u64) + Send + Sync>,
}

impl std::fmt::Debug for BlobSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobSource").field("file", &self.file).finish_non_exhaustive()
    }
}

/// How a blob came into the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mounted {
    /// Taken over from another repository of the registry.
    FromBeside,
    /// Sent.
    Sent,
}

impl Repository<'_> {
    /// Whether the repository has a blob.
    pub fn has_blob(&self, blob: &Descriptor) -> Result<bool> {
        self.client.wait(async || {
            let session = self.session().await?;
            let url = session.endpoint.url(&format!("{}/blobs/{}", self.path, blob.digest))?;
            let request = Request::new(Method::HEAD, url, self.what(&blob.digest.to_string()));
            match session.retrying(async || session.ask(&request).await).await {
                Ok(answer) => match answer.header("content-length").map(str::parse::<u64>) {
                    // Another length would be damage: then it is sent anew.
                    Some(Ok(length)) => Ok(length == blob.size),
                    _ => Ok(true),
                },
                Err(RegistryError::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    /// Brings a blob into the repository: out of the repository `from` of the same registry where
    /// that works, else from the source.
    pub fn push_blob(
        &self,
        blob: &Descriptor,
        from: Option<&str>,
        source: &BlobSource,
    ) -> Result<Mounted> {
        self.client.wait(async || {
            let session = self.session().await?;
            let mut from = from;
            session
                .retrying(async || {
                    // A mount that was tried is not tried again.
                    match self.begin(&session, blob, from.take()).await? {
                        None => Ok(Mounted::FromBeside),
                        Some(place) => {
                            self.send(&session, blob, place, source).await?;
                            Ok(Mounted::Sent)
                        }
                    }
                })
                .await
        })
    }

    /// Takes a blob over from the repository `from` of the same registry; `false` if that cannot
    /// be done.
    pub fn mount_blob(&self, blob: &Descriptor, from: &str) -> Result<bool> {
        self.client.wait(async || {
            let session = self.session().await?;
            let begun =
                session.retrying(async || self.begin(&session, blob, Some(from)).await).await?;
            Ok(begun.is_none())
        })
    }

    /// Puts a manifest under a tag or its digest. Everything that it names must be there.
    pub fn put_manifest(&self, key: &str, bytes: &[u8], media_type: &str) -> Result<()> {
        self.client.wait(async || {
            let session = self.session().await?;
            let url = session.endpoint.url(&format!("{}/manifests/{key}", self.path))?;
            let request =
                Request::new(Method::PUT, url, self.what(key)).content_type(media_type)?;
            let body = || reqwest::Body::from(bytes.to_vec());
            let answer =
                session.retrying(async || self.put(&session, &request, body, &|| 0).await).await?;
            let digest = Digest::of(bytes);
            match answer.header("docker-content-digest").map(str::parse::<Digest>) {
                Some(Ok(found)) if found != digest && found.algorithm() == digest.algorithm() => {
                    Err(RegistryError::Digest {
                        what: self.what(key),
                        expected: Box::new(digest),
                        found: Box::new(found),
                    })
                }
                _ => Ok(()),
            }
        })
    }

    /// Where the blob is to be sent; `None` if it was taken over.
    async fn begin(
        &self,
        session: &Session,
        blob: &Descriptor,
        from: Option<&str>,
    ) -> Result<Option<Url>> {
        let mut url = session.endpoint.url(&format!("{}/blobs/uploads/", self.path))?;
        if let Some(from) = from {
            url.query_pairs_mut()
                .append_pair("mount", &blob.digest.to_string())
                .append_pair("from", from);
        }
        let what = self.what(&blob.digest.to_string());
        let request = Request::new(Method::POST, url.clone(), what);
        let answer = session.ask(&request).await?;
        match (answer.status(), from) {
            (201, Some(_)) => Ok(None),
            (202, _) if answer.header(LOCATION.as_str()).is_some() => {
                target(&url, &answer.response).map(Some)
            }
            (status, _) => Err(RegistryError::Protocol {
                registry: self.registry.clone(),
                problem: format!("it answers {status}, or no place, to the start of an upload"),
            }),
        }
    }

    async fn send(
        &self,
        session: &Session,
        blob: &Descriptor,
        mut place: Url,
        source: &BlobSource,
    ) -> Result<()> {
        place.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        let what = self.what(&blob.digest.to_string());
        let request =
            Request::new(Method::PUT, place, what).content_type("application/octet-stream")?;
        let sent = Arc::new(AtomicU64::new(0));
        let body = || {
            sent.store(0, Ordering::Relaxed);
            reqwest::Body::wrap(FileBody {
                source: source.clone(),
                at: 0,
                len: blob.size,
                sent: sent.clone(),
            })
        };
        self.put(session, &request, body, &|| sent.load(Ordering::Relaxed)).await.map(drop)
    }

    /// Sends a body; `sent` tells how far it got, so that a slow line is not taken for a dead one.
    async fn put(
        &self,
        session: &Session,
        request: &Request,
        body: impl Fn() -> reqwest::Body,
        sent: &(dyn Fn() -> u64 + Sync),
    ) -> Result<Answer> {
        let is_own = host::same_origin(&request.url, &session.endpoint.base);
        let at = match is_own {
            true => session.endpoint.clone(),
            false => session.shared.foreign(&request.url).await?,
        };
        let send = async || {
            let secret = session.pass().filter(|_| is_own).map(|pass| pass.header);
            session.shared.send_body(&at, request, body(), secret, sent).await
        };
        let mut answer = send().await?;
        // A token may have become too old while much was sent.
        if answer.status() == 401 && is_own && session.get_in(&answer).await? {
            answer = send().await?;
        }
        match answer.status() {
            200..=299 => Ok(answer),
            _ => Err(refusal(&self.registry, answer, session.logged_in()).await),
        }
    }
}

/// A file as the body of a request.
struct FileBody {
    source: BlobSource,
    at: u64,
    len: u64,
    sent: Arc<AtomicU64>,
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.at == self.len {
            return Poll::Ready(None);
        }
        let left = usize::try_from(self.len - self.at).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; left];
        match self.source.file.read_at(&mut piece, self.at) {
            Ok(0) => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            Ok(read) => {
                piece.truncate(read);
                self.at += read as u64;
                self.sent.store(self.at, Ordering::Relaxed);
                (self.source.progress)(self.at);
                Poll::Ready(Some(Ok(Frame::data(piece.into()))))
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.len
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len - self.at)
    }
}
