//! A minidock with an image, and with log-ins and settings of its own: nothing of the account
//! that runs the test is read or written.

use std::ffi::OsStr;
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;

use minidock_tests::{Busybox, Call, Output};

/// A store with the image `busybox`.
pub(crate) struct Scene(Busybox);

impl Scene {
    pub(crate) fn new() -> Self {
        Self(Busybox::new())
    }

    /// A call with this scene's places.
    pub(crate) fn call<I, S>(&self, arguments: I) -> Call
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut call = self.0.call(arguments);
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            call = call.without(name).without(&name.to_uppercase());
        }
        call.without("REGISTRY_AUTH_FILE")
            .without("MINIDOCK_REGISTRIES")
            .without("SSL_CERT_FILE")
            .without("SSL_CERT_DIR")
            .env("HOME", self.dir().join("home"))
            .env("DOCKER_CONFIG", self.dir().join("docker"))
            .env("XDG_CONFIG_HOME", self.dir().join("config"))
            .env("XDG_RUNTIME_DIR", self.dir().join("run"))
    }

    pub(crate) fn run<I, S>(&self, arguments: I) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.call(arguments).run()
    }

    /// Runs it and expects success; gives standard output.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> String {
        self.run(line.split(' ')).succeeds().stdout.clone()
    }

    /// Runs it and expects failure; gives the lines of standard error.
    #[track_caller]
    pub(crate) fn fails(&self, line: &str) -> String {
        let output = self.run(line.split(' '));
        assert!(output.code.is_some_and(|code| code != 0), "{}", output.told());
        assert!(!output.stderr.contains("panicked"), "{}", output.told());
        output.stderr
    }

    /// What runs in a container without network.
    #[track_caller]
    pub(crate) fn echo(&self, image: &str) -> String {
        self.ok(&format!("run --rm -q --network none {image} echo here"))
    }

    /// Writes `registries.toml`.
    pub(crate) fn settings(&self, text: &str) {
        self.write("config/minidock/registries.toml", text);
    }

    /// docker's `config.json`.
    pub(crate) fn docker_config(&self) -> PathBuf {
        self.dir().join("docker/config.json")
    }

    /// Digests of all that `images` lists for a repository.
    pub(crate) fn digests(&self, repository: &str) -> Vec<String> {
        let listed = self.ok(&format!("images --digests --format {{{{.Digest}}}} {repository}"));
        listed.lines().map(str::to_owned).collect()
    }

    /// No image but `busybox` is there, no damage, and nothing half-made but partial blobs.
    #[track_caller]
    pub(crate) fn is_as_before(&self) {
        assert_eq!(self.ok("images --format {{.Repository}}"), "busybox\n");
        self.is_sound();
    }

    #[track_caller]
    pub(crate) fn is_sound(&self) {
        // What a container leaves may still be on its way out.
        let checked = self.run(["system", "check"]);
        let said = &checked.succeeds().stdout;
        let sound = ["all is well", "nothing is damaged"].iter().any(|text| said.contains(text));
        assert!(sound, "{}", checked.told());
        let ingest = fs::read_dir(self.root().join("ingest")).unwrap();
        assert_eq!(ingest.count(), 0, "leases are left");
    }
}

impl Deref for Scene {
    type Target = Busybox;

    fn deref(&self) -> &Busybox {
        &self.0
    }
}
