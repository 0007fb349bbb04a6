//! `cargo xtask demo`: a Flask application in a Debian container, from an empty store to an
//! answered request and back. Every command is shown as typed, with its real output, and what it
//! did is checked; the first surprise ends the demo. It runs as an ordinary user.

mod busybox;
mod flask;
mod http;
mod terminal;

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::Path;

use crate::account::{self, Account};
use crate::error::{Error, file};
use crate::{artifacts, screen, setup, stage, strays};
use terminal::Terminal;

const PORT: u16 = 5000;

/// Sets up, builds, and shows the steps.
pub(crate) fn demo() -> Result<(), Error> {
    require_free_port()?;
    setup::setup(setup::Purpose::Demo)?;
    let base = setup::debian_base()?;
    let staged = artifacts::build(true)?;
    let account = Account::tester()?;
    let home = staged.temporary(&account)?;
    strays::adopt()?;

    let context = home.join("my-flask-app");
    flask::write_context(&context)?;
    busybox::write_context(&home.join("busybox"))?;
    give(&home, &account)?;
    let terminal = Terminal::new(&account, &staged, &home, &context);
    let shown = steps(&terminal, &base, &context);
    // What a failed step left running must not outlive the demo.
    let left = strays::end_all();
    stage::remove(&home)?;
    shown?;
    if let Some(stray) = left.first() {
        return Err(problem("minidock rm web", &format!("left behind: {}", stray.shown())));
    }
    screen::say("demo: every step did what it should");
    Ok(())
}

fn steps(terminal: &Terminal<'_>, base: &Path, context: &Path) -> Result<(), Error> {
    screen::heading(&format!("demo, as {}", terminal.user()));
    terminal.run("minidock --version")?.has("minidock")?;

    screen::heading("the smallest image: one static program");
    terminal.run("cat ../busybox/Dockerfile")?.has("FROM scratch")?;
    terminal.run("minidock build -t busybox ../busybox")?;
    terminal.run("minidock run --rm busybox uname -s")?.has("Linux")?;

    screen::heading("a Debian base image from a root filesystem");
    terminal.run(&format!("minidock import {} debian:bookworm", base.display()))?.has("sha256:")?;
    terminal.run("minidock run --rm debian:bookworm cat /etc/os-release")?.has("bookworm")?;

    screen::heading("build");
    terminal.run("cat Dockerfile")?.has("ENTRYPOINT")?;
    terminal.run(&flask::build_command())?;
    terminal.run("minidock images")?.has("my-flask-app")?.has("debian")?;
    terminal.run("minidock history my-flask-app")?.has("ENTRYPOINT")?.has("apt-get")?;

    screen::heading("run");
    terminal.run("minidock run -d -p 5000:5000 --name web my-flask-app")?;
    get(terminal, flask::GREETING)?;
    terminal.run("minidock ps")?.has("web")?.has("5000->5000/tcp")?;
    terminal.run("minidock logs web")?.has("GET / HTTP/1.1")?;
    terminal.run("minidock exec web python3 -V")?.has("Python 3.")?;
    terminal.run("minidock stop web")?.has("web")?;
    terminal.run("minidock rm web")?.has("web")?;

    screen::heading("build again: everything comes from the cache");
    let again = terminal.run(&flask::build_command())?;
    again.has("every step was cached")?.cached(flask::STEPS_WITH_LAYERS)?;

    screen::heading("build after a change of app.py: the upper layers are reused");
    terminal.run("sed -i s/Hello/Goodbye/ app.py")?;
    let changed = terminal.run(&flask::build_command())?;
    changed.cached(flask::STEPS_BEFORE_COPY)?.cached_less_than(&again)?;
    terminal.run("minidock run -d -p 5000:5000 --name web my-flask-app")?;
    get(terminal, flask::CHANGED_GREETING)?;
    terminal.run("minidock rm -f web")?.has("web")?;

    screen::heading("remove");
    terminal.run("minidock rmi my-flask-app debian:bookworm busybox")?.has("my-flask-app")?;
    // What lost its name to the second build.
    terminal.run("minidock image prune -f")?.has("Deleted")?;
    terminal.run("minidock images")?.lacks("my-flask-app")?.lacks("<none>")?;
    if !context.join("app.py").is_file() {
        return Err(problem("minidock build", "the build context was changed"));
    }
    Ok(())
}

/// The request comes from the host, outside of any namespace.
fn get(terminal: &Terminal<'_>, expected: &str) -> Result<(), Error> {
    let step = format!("GET http://127.0.0.1:{PORT}/");
    screen::say(&format!("# from the host: {step}"));
    match http::get(PORT) {
        Ok(body) => {
            screen::say(body.trim_end());
            if body.contains(expected) {
                return Ok(());
            }
            Err(problem(&step, &format!("the answer does not say \"{expected}\"")))
        }
        Err(error) => {
            // The log tells why; its own failure would only hide the first one.
            drop(terminal.run("minidock logs web"));
            Err(problem(&step, &format!("no answer: {error}")))
        }
    }
}

fn require_free_port() -> Result<(), Error> {
    match TcpListener::bind(("0.0.0.0", PORT)) {
        Ok(_listener) => Ok(()),
        Err(source) => Err(Error::Host {
            what: format!("port {PORT} of this host cannot be used: {source}"),
            mend: "end the program that listens there (`ss -ltnp` names it)".to_owned(),
        }),
    }
}

fn problem(step: &str, problem: &str) -> Error {
    Error::Demo { step: step.to_owned(), problem: problem.to_owned() }
}

/// Makes a tree the property of the user that works with it.
fn give(dir: &Path, account: &Account) -> Result<(), Error> {
    if account.uid == account::caller() {
        return Ok(());
    }
    for name in stage::entries(dir)? {
        let path = dir.join(name);
        if path.is_dir() {
            give(&path, account)?;
        } else {
            own(&path, account)?;
        }
    }
    own(dir, account)
}

fn own(path: &Path, account: &Account) -> Result<(), Error> {
    chown(path, Some(account.uid), Some(account.gid)).map_err(file("give away", path))
}

/// Writes one file of the demo.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(file("write", path))
}
