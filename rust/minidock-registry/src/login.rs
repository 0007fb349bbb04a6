//! Trying a log-in.

use reqwest::Method;

use crate::client::Client;
use crate::http::Request;
use crate::session::{Session, refusal};
use crate::{RegistryError, Result};

impl Client {
    /// Whether the registry takes the client's credentials; one that lets everybody in takes any.
    pub fn try_login(&self, registry: &str) -> Result<()> {
        self.wait(async || {
            let endpoint = self.shared.endpoint(registry).await?;
            let session = Session {
                shared: self.shared.clone(),
                endpoint,
                path: String::new(),
                scopes: Vec::new(),
            };
            let url = session.endpoint.url("")?;
            let request = Request::new(Method::GET, url, "the log-in");
            session.retrying(async || self.attempt(&session, &request).await).await
        })
    }

    async fn attempt(&self, session: &Session, request: &Request) -> Result<()> {
        let answer = self.shared.ask(&session.endpoint, request, None).await?;
        match answer.status() {
            200..=299 => return Ok(()),
            401 => {}
            _ => return Err(refusal(&session.endpoint.name, answer, false).await),
        }
        if !session.get_in(&answer).await? {
            return Err(RegistryError::Protocol {
                registry: session.endpoint.name.clone(),
                problem: "it wants a log-in and does not say which kind".to_owned(),
            });
        }
        let header = session.pass().map(|pass| pass.header);
        let answer = self.shared.ask(&session.endpoint, request, header.as_ref()).await?;
        match answer.status() {
            200..=299 => Ok(()),
            _ => Err(refusal(&session.endpoint.name, answer, true).await),
        }
    }
}
