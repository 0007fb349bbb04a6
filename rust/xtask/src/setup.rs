//! `cargo xtask setup`: what the other verbs need of a bare Debian host. As root it installs what
//! is missing and nothing else; as a user it changes nothing and says what root would have to do.

mod debian;
mod devices;
mod packages;
mod users;

use std::path::PathBuf;

use crate::account;
use crate::error::Error;
use crate::screen;
use crate::stage::Stage;

/// What the host is made ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// The demo: fewer packages.
    Demo,
    /// Every suite.
    Test,
}

/// Makes the host ready, or says what is missing.
pub(crate) fn setup(purpose: Purpose) -> Result<(), Error> {
    screen::heading("set-up");
    packages::install(purpose)?;
    if account::caller_is_root() {
        users::make()?;
        devices::open()?;
    } else {
        users::tell()?;
        devices::tell();
    }
    let base = debian_base()?;
    screen::say(&format!("debian base: {}", base.display()));
    Ok(())
}

/// The cached tar of a Debian root filesystem, made once.
pub(crate) fn debian_base() -> Result<PathBuf, Error> {
    debian::base(&Stage::open()?)
}
