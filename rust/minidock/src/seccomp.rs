//! Seccomp filters of containers, compiled once for each set of capabilities.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use minidock_proto::process::Program;
use minidock_sys::seccomp::{self, Arch, CapSet, KernelVersion, Profile};

use crate::container::SeccompOption;
use crate::error::{Error, ErrorKind, Result};

/// A profile may be this long.
const LONGEST_PROFILE: usize = 4 << 20;

/// The filter for a container with these capabilities; `None` for no filter.
pub(crate) fn program(option: &SeccompOption, capabilities: u64) -> Result<Option<Program>> {
    match option {
        SeccompOption::Unconfined => Ok(None),
        SeccompOption::Default => default_program(capabilities).map(Some),
        SeccompOption::Profile(text) => {
            if text.len() > LONGEST_PROFILE {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "the seccomp profile is over 4 MiB",
                ));
            }
            let profile = Profile::from_json(text.as_bytes()).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, "the seccomp profile is not valid")
                    .with_source(error)
            })?;
            compile(&profile, capabilities).map(Some)
        }
    }
}

fn default_program(capabilities: u64) -> Result<Program> {
    static COMPILED: OnceLock<Mutex<HashMap<u64, Program>>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(Mutex::default);
    let lock = || compiled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = lock().get(&capabilities) {
        return Ok(program.clone());
    }
    let program = compile(&Profile::default_profile(), capabilities)?;
    lock().insert(capabilities, program.clone());
    Ok(program)
}

fn compile(profile: &Profile, capabilities: u64) -> Result<Program> {
    let unsupported = |what: &str| Error::new(ErrorKind::HostUnsupported, what);
    let arch = Arch::native()
        .ok_or_else(|| unsupported("there is no seccomp table for this processor"))?;
    let kernel = KernelVersion::running()
        .ok_or_else(|| unsupported("the kernel's version cannot be read"))?;
    seccomp::compile(profile, CapSet::from_bits(capabilities), arch, kernel)
        .map(|program| Program(program.to_bytes()))
        .map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the seccomp profile cannot be compiled")
                .with_source(error)
        })
}
