//! Asking a registry until it answers: being let in where it refuses, waiting and asking again
//! where it cannot, its refusals in our words.

use std::sync::Arc;

use reqwest::header::WWW_AUTHENTICATE;

use crate::challenge;
use crate::client::{Pass, Repository, Shared};
use crate::endpoint::Endpoint;
use crate::http::{Answer, Request};
use crate::retry::{Backoff, LONGEST_WAIT, retry_after};
use crate::{RegistryError, Result};

/// Who asks for what.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) path: String,
    pub(crate) scopes: Vec<String>,
}

impl Repository<'_> {
    /// A session with the endpoint that answers for this repository.
    pub(crate) async fn session(&self) -> Result<Session> {
        Ok(self.session_at(self.endpoint().await?))
    }

    pub(crate) fn session_at(&self, endpoint: Arc<Endpoint>) -> Session {
        Session {
            shared: self.client.shared.clone(),
            endpoint,
            path: self.path.clone(),
            scopes: self.scopes.clone(),
        }
    }
}

impl Session {
    /// What let us in last time.
    pub(crate) fn pass(&self) -> Option<Pass> {
        self.shared.pass(&self.endpoint.name, &self.scopes.join(" "))
    }

    pub(crate) fn logged_in(&self) -> bool {
        self.pass().is_some_and(|pass| pass.logged_in)
    }

    /// Asks once, with what lets us in; gets that first where it is missing or too old.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Answer> {
        let pass = self.pass();
        let header = pass.as_ref().map(|pass| &pass.header);
        let answer = self.shared.ask(&self.endpoint, request, header).await?;
        if answer.status() != 401 || !answer.is_own {
            return self.judged(answer).await;
        }
        if !self.get_in(&answer).await? {
            return self.judged(answer).await;
        }
        let header = self.pass().map(|pass| pass.header);
        let answer = self.shared.ask(&self.endpoint, request, header.as_ref()).await?;
        self.judged(answer).await
    }

    /// Does what an answer of 401 asks for; `false` if there is nothing that could be done.
    pub(crate) async fn get_in(&self, answer: &Answer) -> Result<bool> {
        let headers = answer.response.headers().get_all(WWW_AUTHENTICATE);
        let texts: Vec<&str> = headers.iter().filter_map(|header| header.to_str().ok()).collect();
        let Some(challenge) = challenge::parse(&texts) else {
            return Ok(false);
        };
        let credentials = self.shared.credentials(&self.endpoint.name, &self.path)?;
        let pass = self
            .shared
            .pass_for(&self.endpoint, &challenge, credentials.as_ref(), &self.scopes)
            .await?;
        match pass {
            None => Ok(false),
            Some(pass) => {
                self.shared.keep_pass(&self.endpoint.name, &self.scopes.join(" "), pass);
                Ok(true)
            }
        }
    }

    async fn judged(&self, answer: Answer) -> Result<Answer> {
        match answer.status() {
            200..=299 | 416 => Ok(answer),
            _ => Err(refusal(&self.endpoint.name, answer, self.logged_in()).await),
        }
    }

    /// Does something again while it fails in a way that may pass.
    pub(crate) async fn retrying<T>(&self, mut work: impl AsyncFnMut() -> Result<T>) -> Result<T> {
        let mut backoff = Backoff::new(self.shared.options.pause);
        loop {
            match work().await {
                Err(error) if error.is_passing() => self.pause(&mut backoff, error).await?,
                done => return done,
            }
        }
    }

    /// Waits before another attempt, or gives the error back.
    pub(crate) async fn pause(&self, backoff: &mut Backoff, error: RegistryError) -> Result<()> {
        if matches!(error, RegistryError::Connect { .. }) {
            // A host that is not there rarely appears: half the attempts.
            backoff.count();
        }
        let Some(pause) = backoff.pause() else {
            return Err(error);
        };
        let pause = match &error {
            RegistryError::RateLimited { wait: Some(wait), .. } => pause.max(*wait),
            _ => pause,
        };
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// An answer that is no success, as an error.
pub(crate) async fn refusal(registry: &str, answer: Answer, logged_in: bool) -> RegistryError {
    let (status, what, registry) = (answer.status(), answer.what().to_owned(), registry.to_owned());
    let wait = wait_of(&answer);
    let said = answer.complaint().await;
    let or = |default: &str| if said.is_empty() { default.to_owned() } else { said.clone() };
    match status {
        401 | 403 => RegistryError::Unauthorized {
            registry,
            what,
            said: or(if status == 401 { "unauthorized" } else { "forbidden" }),
            logged_in,
        },
        404 => RegistryError::NotFound { registry, what },
        429 => {
            RegistryError::RateLimited { registry, said: or("too many requests"), logged_in, wait }
        }
        _ => RegistryError::Status { registry, status, what, said },
    }
}

/// How long an answer of 429 wants us to wait. A limit of pulls, which the registry counts in
/// hours, is nothing to wait for (docker's pull rate limit headers).
fn wait_of(answer: &Answer) -> Option<std::time::Duration> {
    match retry_after(answer.header("retry-after")) {
        Some(wait) => (wait <= LONGEST_WAIT).then_some(wait),
        None => answer.header("ratelimit-limit").is_none().then_some(std::time::Duration::ZERO),
    }
}
