//! A store with the image `busybox`, and an engine of this process over it.

use std::ops::Deref;

use minidock::sandbox::{SandboxLimits, SandboxOptions};
use minidock::{Engine, EngineOptions};
use minidock_tests::{Busybox, Leaks, stage};

pub(crate) struct World {
    pub(crate) engine: Engine,
    busybox: Busybox,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Busybox::new())
    }

    pub(crate) fn watched(watch: &Leaks) -> Self {
        Self::of(Busybox::watched(watch))
    }

    fn of(busybox: Busybox) -> Self {
        let options = EngineOptions {
            root: Some(busybox.root()),
            runtime: Some(stage::runtime()),
            ..EngineOptions::default()
        };
        Self { engine: Engine::open(&options).unwrap(), busybox }
    }
}

impl Deref for World {
    type Target = Busybox;

    fn deref(&self) -> &Busybox {
        &self.busybox
    }
}

/// A sandbox of busybox.
pub(crate) fn options() -> SandboxOptions {
    SandboxOptions::new("busybox")
}

/// A sandbox of busybox with these limits.
pub(crate) fn limited(limits: SandboxLimits) -> SandboxOptions {
    SandboxOptions { limits, ..options() }
}

/// Output as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
