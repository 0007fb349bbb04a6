//! libseccomp as the oracle: its names and numbers, and its verdicts on equivalent rules, must be
//! ours. Needs libseccomp's headers and library (libseccomp-dev); without them it does not link,
//! which is a failure and not a skip.
//!
//! Calls that libseccomp spreads over several entry points (socketcall, ipc on i386) are left to
//! the golden tables.

#[path = "seccomp/interpreter.rs"]
mod interpreter;
#[path = "seccomp/libseccomp.rs"]
mod libseccomp;

use minidock_sys::seccomp::{Arch, table};

#[test]
fn names_and_numbers_agree() {
    let mut wrong = Vec::new();
    for arch in Arch::ALL {
        for number in table::numbers(arch) {
            let ours = table::name(arch, number);
            let theirs = libseccomp::name(arch, number);
            if let Some(theirs) = theirs
                && Some(theirs.as_str()) != ours
            {
                wrong.push(format!("{arch} {number}: {ours:?} {theirs}"));
            }
        }
        for number in (0..600).chain(0xf_0000..0xf_0010) {
            if let Some(theirs) = libseccomp::name(arch, number)
                && table::name(arch, number).is_none()
            {
                wrong.push(format!("{arch} {number}: none {theirs}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
