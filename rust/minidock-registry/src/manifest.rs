//! Manifests: fetched whole, within a length, and compared with what was asked for.

use minidock_image::digest::Digest;
use minidock_image::manifest::MAX_MANIFEST_LEN;
use minidock_image::media;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use crate::client::Repository;
use crate::endpoint::Endpoint;
use crate::http::Request;
use crate::{RegistryError, Result};

/// A manifest or an index, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What the registry says they are.
    pub media_type: String,
    /// What they hash to.
    pub digest: Digest,
}

impl Repository<'_> {
    /// Fetches a manifest or an index by its tag or digest, from a mirror where one is set and
    /// has it.
    pub fn manifest(&self, key: &str) -> Result<Fetched> {
        self.client.wait(async || {
            let shared = &self.client.shared;
            for mirror in shared.settings.of(&self.registry).mirrors {
                // A mirror that fails for whatever reason is no failure: the registry is asked.
                let Ok(endpoint) = shared.endpoint(&mirror).await else { continue };
                if let Ok(found) = self.fetch(&endpoint, key).await {
                    self.choose(endpoint);
                    return Ok(found);
                }
            }
            let endpoint = shared.endpoint(&self.registry).await?;
            self.fetch(&endpoint, key).await
        })
    }

    /// Fetches a manifest that an index names, from where the index came.
    pub fn manifest_of(&self, digest: &Digest) -> Result<Fetched> {
        self.client.wait(async || {
            let endpoint = self.endpoint().await?;
            self.fetch(&endpoint, &digest.to_string()).await
        })
    }

    async fn fetch(&self, endpoint: &std::sync::Arc<Endpoint>, key: &str) -> Result<Fetched> {
        let session = self.session_at(endpoint.clone());
        let url = endpoint.url(&format!("{}/manifests/{key}", self.path))?;
        let request =
            Request::new(Method::GET, url, self.what(key)).accept(&media::ACCEPT.join(", "))?;
        session
            .retrying(async || {
                let answer = session.ask(&request).await?;
                let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
                let media_type = header(CONTENT_TYPE.as_str());
                let announced = header("docker-content-digest");
                let bytes = answer.body(MAX_MANIFEST_LEN).await?;
                self.compared(
                    key,
                    &announced,
                    Fetched { digest: Digest::of(&bytes), bytes, media_type },
                )
            })
            .await
    }

    /// The digest that was asked for counts, and a header must not contradict it.
    fn compared(&self, key: &str, announced: &str, mut fetched: Fetched) -> Result<Fetched> {
        for claim in [key, announced].iter().filter(|claim| claim.contains(':')) {
            let expected: Digest = claim.parse().map_err(|_| RegistryError::Protocol {
                registry: self.registry.clone(),
                problem: format!(
                    "it says that a manifest has the digest {:?}",
                    crate::error::said(claim)
                ),
            })?;
            if !expected.matches(&fetched.bytes) {
                let what = self.what(key);
                let (expected, found) = (Box::new(expected), Box::new(fetched.digest));
                return Err(RegistryError::Digest { what, expected, found });
            }
            if *claim == key {
                fetched.digest = expected;
            }
        }
        Ok(fetched)
    }
}
