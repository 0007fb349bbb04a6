//! Being let in: what a challenge asks for becomes an `Authorization` header, with a log-in where
//! there is one, without where not.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::challenge::Challenge;
use crate::client::{Pass, Shared};
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::http::{Request, value};
use crate::realm::{self, Realm};
use crate::{RegistryError, Result, host};

/// Longest answer of a token server that is read.
const MAX_TOKEN_LEN: u64 = 64 << 10;
/// How we call ourselves to a token server.
const CLIENT_ID: &str = "minidock";

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl Shared {
    /// Answers a challenge.
    pub(crate) async fn pass_for(
        &self,
        endpoint: &Arc<Endpoint>,
        challenge: &Challenge,
        credentials: Option<&Credentials>,
        scopes: &[String],
    ) -> Result<Option<Pass>> {
        if credentials.is_some() && !endpoint.takes_secrets() {
            return Err(RegistryError::Plaintext { registry: endpoint.name.clone() });
        }
        match challenge {
            Challenge::Basic => match credentials {
                None => Ok(None),
                Some(Credentials::Password { username, password }) => {
                    let header = secret(&basic(username, password))?;
                    Ok(Some(Pass { header, logged_in: true }))
                }
                Some(Credentials::IdentityToken { .. }) => Err(RegistryError::Protocol {
                    registry: endpoint.name.clone(),
                    problem: "it wants a password, the log-in here holds a token".to_owned(),
                }),
            },
            Challenge::Bearer { realm, service } => {
                let realm = realm::judge(endpoint, realm)?;
                if credentials.is_some() && !realm.is_trusted {
                    return Err(realm::distrusted(endpoint, &realm));
                }
                let token =
                    self.token(endpoint, realm, service.as_deref(), credentials, scopes).await?;
                let header = secret(&format!("Bearer {token}"))?;
                Ok(Some(Pass { header, logged_in: credentials.is_some() }))
            }
        }
    }

    /// Asks a token server (the distribution project's token and OAuth 2 specifications).
    async fn token(
        &self,
        endpoint: &Endpoint,
        realm: Realm,
        service: Option<&str>,
        credentials: Option<&Credentials>,
        scopes: &[String],
    ) -> Result<String> {
        let at = self.foreign(&realm.url).await?;
        let what = format!("a token from {}", host::shown(&realm.url));
        let (request, form) = match credentials {
            Some(Credentials::IdentityToken { token }) => {
                let form = refresh_form(token, service, scopes);
                let request = Request::new(Method::POST, realm.url.clone(), what.as_str())
                    .content_type("application/x-www-form-urlencoded")?;
                (request, Some(form))
            }
            other => {
                let url = token_url(&realm.url, service, other, scopes);
                let mut request = Request::new(Method::GET, url, what.as_str());
                if let Some(Credentials::Password { username, password }) = other {
                    request.headers.insert(AUTHORIZATION, secret(&basic(username, password))?);
                }
                (request, None)
            }
        };
        let logged_in = credentials.is_some();
        let answer = self.small(&at, request, form, &endpoint.name, logged_in).await?;
        let read: Token = serde_json::from_slice(&answer).map_err(|_| {
            let problem = "its token server's answer is no token".to_owned();
            RegistryError::Protocol { registry: endpoint.name.clone(), problem }
        })?;
        let token = if read.token.is_empty() { read.access_token } else { read.token };
        let good = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        match good {
            true => Ok(token),
            false => Err(RegistryError::Protocol {
                registry: endpoint.name.clone(),
                problem: "its token server gives an empty or odd token".to_owned(),
            }),
        }
    }

    /// One request to a token server. A redirect is not followed: who asked for the password was
    /// judged, where it is sent on to was not.
    async fn small(
        &self,
        at: &Endpoint,
        request: Request,
        form: Option<String>,
        registry: &str,
        logged_in: bool,
    ) -> Result<Vec<u8>> {
        let body = form.map_or_else(reqwest::Body::default, reqwest::Body::from);
        let answer = self.send_body(at, &request, body, None, &|| 0).await?;
        match answer.status() {
            200 => answer.body(MAX_TOKEN_LEN).await,
            400 | 401 | 403 => Err(RegistryError::Unauthorized {
                registry: registry.to_owned(),
                what: "the log-in".to_owned(),
                said: answer.complaint().await,
                logged_in,
            }),
            _ => Err(crate::session::refusal(registry, answer, logged_in).await),
        }
    }
}

/// A header that is not shown by Debug.
fn secret(text: &str) -> Result<HeaderValue> {
    let mut header = value(text)?;
    header.set_sensitive(true);
    Ok(header)
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn token_url(
    realm: &Url,
    service: Option<&str>,
    credentials: Option<&Credentials>,
    scopes: &[String],
) -> Url {
    let mut url = realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", scope);
        }
        if let Some(Credentials::Password { username, .. }) = credentials {
            query.append_pair("account", username);
        }
        query.append_pair("client_id", CLIENT_ID);
    }
    url
}

fn refresh_form(token: &str, service: Option<&str>, scopes: &[String]) -> String {
    // A URL's query is the form's encoding; the host is never seen.
    let Ok(mut url) = Url::parse("http://form/") else {
        return String::new();
    };
    url.query_pairs_mut()
        .append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", token)
        .append_pair("client_id", CLIENT_ID)
        .append_pair("service", service.unwrap_or_default())
        .append_pair("scope", &scopes.join(" "));
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_injected() {
        let realm = Url::parse("https://a.example.org/token?x=1").unwrap();
        let scopes = ["repository:a/b:pull".to_owned(), "repository:c:pull".to_owned()];
        let me = Credentials::Password { username: "m&e".into(), password: "p".into() };
        let url = token_url(&realm, Some("s&scope=evil"), Some(&me), &scopes);
        assert_eq!(
            url.as_str(),
            "https://a.example.org/token?x=1&service=s%26scope%3Devil\
             &scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull\
             &account=m%26e&client_id=minidock"
        );
        assert!(refresh_form("t&x=y", None, &scopes).contains("refresh_token=t%26x%3Dy&"));
        assert_eq!(basic("me", "p:w"), "Basic bWU6cDp3");
        assert!(format!("{:?}", secret("x").unwrap()).contains("Sensitive"));
        assert!(secret("a\r\nb").is_err());
    }
}
