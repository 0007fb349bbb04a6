//! The application and its Dockerfile, as a user would write them.

use std::env;
use std::path::Path;

use super::write;
use crate::account::PROXIES;
use crate::error::Error;
use crate::stage;

/// What the application answers.
pub(super) const GREETING: &str = "Hello from minidock";
/// What it answers after the change.
pub(super) const CHANGED_GREETING: &str = "Goodbye from minidock";
/// `apt-get`, `COPY` and `pip3` make layers.
pub(super) const STEPS_WITH_LAYERS: usize = 3;
/// Of those, `apt-get` stands before `COPY`.
pub(super) const STEPS_BEFORE_COPY: usize = 1;

/// Where pip looks, if the host has a setting for it.
pub(super) const PACKAGE_INDEX: &str = "PIP_INDEX_URL";

const APP: &str = r#"from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello():
    return "Hello from minidock\n"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
"#;

/// Writes the build context.
pub(super) fn write_context(dir: &Path) -> Result<(), Error> {
    stage::make(dir, 0o755)?;
    write(&dir.join("app.py"), APP)?;
    write(&dir.join("requirements.txt"), "flask\n")?;
    write(&dir.join("Dockerfile"), &dockerfile())
}

fn dockerfile() -> String {
    // Docker knows the proxies as arguments by itself, the package index has to be declared.
    let index = if env::var_os(PACKAGE_INDEX).is_some() { "ARG PIP_INDEX_URL\n" } else { "" };
    format!(
        "FROM debian:bookworm\n\
         RUN apt-get update && apt-get install -y python3 python3-pip\n\
         WORKDIR /app\n\
         COPY . /app\n\
         {index}\
         RUN pip3 install --break-system-packages -r requirements.txt\n\
         EXPOSE 5000\n\
         ENTRYPOINT [\"python3\",\"app.py\"]\n"
    )
}

/// The build as typed. A variable of the host is handed over by name, so that its value (which
/// may hold a password) is not shown.
pub(super) fn build_command() -> String {
    let set = PROXIES.iter().chain([&PACKAGE_INDEX]).filter(|name| env::var_os(name).is_some());
    let arguments: String = set.map(|name| format!("--build-arg {name} ")).collect();
    format!("minidock build {arguments}-t my-flask-app .")
}
