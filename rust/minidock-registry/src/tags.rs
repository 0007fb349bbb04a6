//! The tags of a repository, page by page.

use reqwest::{Method, Url};
use serde::Deserialize;

use crate::client::Repository;
use crate::http::Request;
use crate::{RegistryError, Result, host};

/// Longest page that is read.
const MAX_PAGE_LEN: u64 = 4 << 20;
/// Most pages, and most tags, that are read.
const MAX_PAGES: usize = 200;
const MAX_TAGS: usize = 100_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Repository<'_> {
    /// All tags (distribution specification, listing tags).
    pub fn tags(&self) -> Result<Vec<String>> {
        self.client.wait(async || {
            let session = self.session().await?;
            let mut url = session.endpoint.url(&format!("{}/tags/list", self.path))?;
            let mut tags = Vec::new();
            for _ in 0..MAX_PAGES {
                let what = format!("tags of {}", self.path);
                let request = Request::new(Method::GET, url.clone(), what);
                let (body, next) = session
                    .retrying(async || {
                        let answer = session.ask(&request).await?;
                        let next = answer.header("link").and_then(|link| next(&url, link));
                        Ok((answer.body(MAX_PAGE_LEN).await?, next))
                    })
                    .await?;
                let page: Page = serde_json::from_slice(&body)
                    .map_err(|_| self.odd("its list of tags is not valid JSON"))?;
                tags.extend(page.tags.unwrap_or_default());
                match next {
                    Some(next) if tags.len() <= MAX_TAGS => url = next,
                    Some(_) => break,
                    None => return Ok(tags),
                }
            }
            Err(self.odd("its list of tags does not end"))
        })
    }

    fn odd(&self, problem: &str) -> RegistryError {
        RegistryError::Protocol { registry: self.registry.clone(), problem: problem.to_owned() }
    }
}

/// The next page of a `Link` header (RFC 8288), if it is at the same place.
fn next(url: &Url, link: &str) -> Option<Url> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
    let next = url.join(target).ok().filter(|_| is_next)?;
    host::same_origin(url, &next).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        let url = Url::parse("https://r.example.org/v2/a/tags/list").unwrap();
        let next = |link| next(&url, link).map(|url| url.to_string());
        assert_eq!(
            next("</v2/a/tags/list?last=b&n=5>; rel=\"next\"").as_deref(),
            Some("https://r.example.org/v2/a/tags/list?last=b&n=5")
        );
        for link in ["<https://evil.example.org/>; rel=\"next\"", "</x>; rel=\"prev\"", "x", ""] {
            assert_eq!(next(link), None, "{link}");
        }
    }
}
