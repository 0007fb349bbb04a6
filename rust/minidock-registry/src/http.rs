//! One request and its answer: redirects within their rules, lengths and waits within their
//! limits, failures told apart.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue,
    LOCATION, RANGE,
};
use reqwest::{Method, Response, Url};

use crate::client::Shared;
use crate::endpoint::Endpoint;
use crate::error::said;
use crate::{RegistryError, Result, host};

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 10;
/// Longest error text that is read.
const MAX_ERROR_LEN: u64 = 64 << 10;
/// Longest that a small answer may take as a whole, however steadily it drips.
const SMALL_LIMIT: Duration = Duration::from_secs(120);

/// A request without a body; those with one are made where they are needed.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// What is asked for, in words.
    pub(crate) what: String,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url, what: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Self { method, url, headers, what: what.into() }
    }

    pub(crate) fn accept(mut self, types: &str) -> Result<Self> {
        self.headers.insert(ACCEPT, value(types)?);
        Ok(self)
    }

    pub(crate) fn starting_at(mut self, start: u64) -> Result<Self> {
        if start > 0 {
            self.headers.insert(RANGE, value(&format!("bytes={start}-"))?);
        }
        Ok(self)
    }

    pub(crate) fn content_type(mut self, media_type: &str) -> Result<Self> {
        self.headers.insert(CONTENT_TYPE, value(media_type)?);
        Ok(self)
    }
}

pub(crate) fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|error| RegistryError::Setup { what: "a request", problem: error.to_string() })
}

/// An answer that has begun.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// Whether it is the registry's own, and no other host's that it sent us to.
    pub(crate) is_own: bool,
    what: String,
    idle: Duration,
}

impl Shared {
    /// Sends a request and follows redirects. `secret` is for the endpoint's own origin alone.
    pub(crate) async fn ask(
        &self,
        endpoint: &Arc<Endpoint>,
        request: &Request,
        secret: Option<&HeaderValue>,
    ) -> Result<Answer> {
        let (mut url, mut at) = (request.url.clone(), endpoint.clone());
        let mut is_own = host::same_origin(&url, &endpoint.base);
        for _ in 0..=MAX_REDIRECTS {
            let mut headers = request.headers.clone();
            if is_own && let Some(secret) = secret {
                headers.insert(AUTHORIZATION, secret.clone());
            }
            let sent = at.http.request(request.method.clone(), url.clone()).headers(headers).send();
            let response = self.within(&request.what, async {
                sent.await.map_err(|error| failed(&host::shown(&url), &error))
            });
            let response = response.await?;
            let follows = matches!(request.method, Method::GET | Method::HEAD);
            if !follows || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                let (what, idle) = (request.what.clone(), self.options.idle);
                return Ok(Answer { response, is_own, what, idle });
            }
            let next = target(&url, &response)?;
            if !host::same_origin(&url, &next) {
                // Never again, also where a stranger sends us back to.
                is_own = false;
                at = self.foreign(&next).await?;
            }
            url = next;
        }
        Err(RegistryError::Redirect {
            from: host::shown(&endpoint.base),
            to: host::shown(&url),
            reason: "it is the eleventh redirect",
        })
    }

    /// Sends a request with a body, and waits as long as some of it goes.
    pub(crate) async fn send_body(
        &self,
        at: &Endpoint,
        request: &Request,
        body: reqwest::Body,
        secret: Option<HeaderValue>,
        sent: &(dyn Fn() -> u64 + Sync),
    ) -> Result<Answer> {
        let mut headers = request.headers.clone();
        if let Some(secret) = secret {
            headers.insert(AUTHORIZATION, secret);
        }
        let (what, idle) = (request.what.clone(), self.options.idle);
        let call = at.http.request(request.method.clone(), request.url.clone());
        let mut answer = std::pin::pin!(call.headers(headers).body(body).send());
        let mut before = 0;
        loop {
            match tokio::time::timeout(idle, answer.as_mut()).await {
                Ok(Ok(response)) => return Ok(Answer { response, is_own: true, what, idle }),
                Ok(Err(error)) => return Err(failed(&host::shown(&request.url), &error)),
                Err(_) if sent() != before => before = sent(),
                Err(_) => return Err(RegistryError::Stalled { what, waited: idle }),
            }
        }
    }

    /// The client for a host that we were sent to.
    pub(crate) async fn foreign(&self, url: &Url) -> Result<Arc<Endpoint>> {
        self.endpoint(&host::shown(url)).await
    }

    async fn within<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let idle = self.options.idle;
        match tokio::time::timeout(idle, work).await {
            Ok(done) => done,
            Err(_) => Err(RegistryError::Stalled { what: what.to_owned(), waited: idle }),
        }
    }
}

/// Where an answer sends us, if it may be followed.
pub(crate) fn target(from: &Url, response: &Response) -> Result<Url> {
    judge_target(from, response.headers().get(LOCATION).and_then(|value| value.to_str().ok()))
}

fn judge_target(from: &Url, location: Option<&str>) -> Result<Url> {
    let next = location.and_then(|location| from.join(location).ok());
    let refused = |to: &str, reason| RegistryError::Redirect {
        from: host::shown(from),
        to: said(to),
        reason,
    };
    let Some(next) = next else {
        return Err(refused(location.unwrap_or_default(), "it is no address"));
    };
    match (from.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => {
            return Err(refused(&host::shown(&next), "it leads from HTTPS to plain HTTP"));
        }
        _ => return Err(refused(next.scheme(), "it is neither HTTPS nor HTTP")),
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Err(refused(&host::shown(&next), "it holds a password"));
    }
    Ok(next)
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// What was asked for, in words.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<bytes::Bytes>> {
        match tokio::time::timeout(self.idle, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(RegistryError::Transfer {
                what: self.what.clone(),
                source: Box::new(cause(&error)),
            }),
            Err(_) => Err(RegistryError::Stalled { what: self.what.clone(), waited: self.idle }),
        }
    }

    /// The whole body, if it is not longer than `max`.
    pub(crate) async fn body(self, max: u64) -> Result<Vec<u8>> {
        let what = self.what.clone();
        match tokio::time::timeout(SMALL_LIMIT, self.read(max)).await {
            Ok(read) => read,
            Err(_) => Err(RegistryError::Stalled { what, waited: SMALL_LIMIT }),
        }
    }

    async fn read(mut self, max: u64) -> Result<Vec<u8>> {
        let too_long = || RegistryError::TooLong { what: self.what.clone(), max };
        if self.response.content_length().is_some_and(|length| length > max) {
            return Err(too_long());
        }
        self.require_identity()?;
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            if (body.len() + piece.len()) as u64 > max {
                return Err(RegistryError::TooLong { what: self.what.clone(), max });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// We ask for bytes as they are; whoever packs them anyway changes what is hashed.
    pub(crate) fn require_identity(&self) -> Result<()> {
        match self.header(CONTENT_ENCODING.as_str()) {
            None | Some("identity" | "") => Ok(()),
            Some(other) => Err(RegistryError::Protocol {
                registry: self.response.url().host_str().unwrap_or_default().to_owned(),
                problem: format!("it sends {} packed as {}", self.what, said(other)),
            }),
        }
    }

    /// What an answer that is no success says (distribution specification, error codes).
    pub(crate) async fn complaint(self) -> String {
        let Ok(body) = self.read_some().await else {
            return String::new();
        };
        let text = String::from_utf8_lossy(&body);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let first = &json["errors"][0];
        let message = [&first["message"], &first["code"], &json["details"], &json["error"]]
            .into_iter()
            .find_map(|value| value.as_str().filter(|text| !text.is_empty()));
        match message {
            Some(message) => said(message),
            None if text.trim_start().starts_with('<') => String::new(),
            None => said(&text),
        }
    }

    async fn read_some(mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
            if body.len() as u64 > MAX_ERROR_LEN {
                break;
            }
        }
        Ok(body)
    }
}

/// The innermost reason of a failure; those around it repeat it, and may name the whole URL.
#[derive(Debug)]
pub(crate) struct Cause(String);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

pub(crate) fn cause(error: &reqwest::Error) -> Cause {
    let mut deepest: &dyn StdError = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    Cause(said(&deepest.to_string()))
}

/// A request that got no answer.
pub(crate) fn failed(host: &str, error: &reqwest::Error) -> RegistryError {
    let (host, source) = (host.to_owned(), Box::new(cause(error)));
    match is_tls(error) {
        true => RegistryError::Tls { host, source },
        false if error.is_connect() => RegistryError::Connect { host, source },
        false => RegistryError::Transfer { what: format!("a request to {host}"), source },
    }
}

/// Whether rustls is among the causes; what is within an [`std::io::Error`] is none of its causes.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || inner.is_some_and(|inner| is_tls(inner))
        || error.source().is_some_and(is_tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row G4.
    #[test]
    fn targets() {
        for (from, location, to) in [
            ("https://r.example.org/v2/", Some("/x"), Some("https://r.example.org/x")),
            (
                "https://r.example.org/v2/",
                Some("https://cdn.example.com/"),
                Some("https://cdn.example.com/"),
            ),
            ("http://localhost:5000/", Some("http://localhost:1/"), Some("http://localhost:1/")),
            ("http://localhost:5000/", Some("https://example.org/"), Some("https://example.org/")),
            ("https://r.example.org/", Some("http://r.example.org/"), None),
            ("https://r.example.org/", Some("http://localhost/"), None),
            ("https://r.example.org/", Some("file:///etc/passwd"), None),
            ("https://r.example.org/", Some("https://a:b@example.org/"), None),
            ("https://r.example.org/", Some("https://["), None),
            ("https://r.example.org/", None, None),
        ] {
            let found = judge_target(&Url::parse(from).unwrap(), location).ok();
            assert_eq!(found.map(|url| url.to_string()).as_deref(), to, "{from} {location:?}");
        }
    }
}
