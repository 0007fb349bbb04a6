//! `cargo xtask host`: what this host can do, each capability really tried as the user that runs
//! the suites. It changes nothing. The suites need most of it, and refuse to start without.

mod probes;

use std::time::Duration;

use crate::account::Account;
use crate::error::Error;
use crate::screen;
use crate::stream::stream;
use probes::{Need, PROBES, Probe};

const LIMIT: Duration = Duration::from_secs(30);

struct Outcome {
    probe: &'static Probe,
    works: bool,
    detail: String,
}

/// Prints every capability.
pub(crate) fn show() -> Result<(), Error> {
    let user = Account::prober()?;
    print(&user, &probe_all(&user)?);
    if user.name == "nobody" {
        screen::say("before set-up: it installs programs and makes a user with subordinate ids");
    }
    Ok(())
}

/// Prints every capability and fails by name if one is lacking that the suites need.
pub(crate) fn require(user: &Account) -> Result<(), Error> {
    let outcomes = probe_all(user)?;
    print(user, &outcomes);
    let lacking = outcomes.iter().filter(|each| !each.works && each.probe.need == Need::Required);
    let names: Vec<&str> = lacking.map(|each| each.probe.name).collect();
    if names.is_empty() { Ok(()) } else { Err(Error::Incapable { names: names.join(", ") }) }
}

fn print(user: &Account, outcomes: &[Outcome]) {
    screen::heading(&format!("host, as {} (uid {})", user.name, user.uid));
    for each in outcomes {
        let word = match (each.works, each.probe.need) {
            (true, _) => "yes",
            (false, Need::Required) => "NO",
            (false, Need::Shown) => "no",
        };
        screen::say(&format!("{:<24} {word:<4} {}", each.probe.name, each.detail));
    }
}

fn probe_all(user: &Account) -> Result<Vec<Outcome>, Error> {
    PROBES.iter().map(|probe| one(user, probe)).collect()
}

fn one(user: &Account, probe: &'static Probe) -> Result<Outcome, Error> {
    let mut command = user.command("sh");
    command.args(["-euc", probe.script]);
    match stream(command, LIMIT, false) {
        Ok(done) => {
            let detail = done.text.trim().lines().last().unwrap_or_default().to_owned();
            Ok(Outcome { probe, works: done.code == Some(0), detail })
        }
        Err(Error::TimedOut { seconds, .. }) => {
            Ok(Outcome { probe, works: false, detail: format!("no answer in {seconds} s") })
        }
        Err(error) => Err(error),
    }
}
