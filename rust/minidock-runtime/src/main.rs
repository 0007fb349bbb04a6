//! `minidock-runtime`: enters namespaces so that the engine never has to.
//!
//! The engine spawns it with a request on the socket at standard input (see `minidock_proto`).
//! It is single-threaded, static, and the only program that calls libcontainer. It starts in one
//! of two ways: freshly spawned ([`spawned`]), or as the supervisor of a container, executed from
//! a read-only mount that the container cannot write through ([`supervisor`]).
//! Nothing is taken from arguments or environment.

mod accounts;
mod connect;
mod executable;
mod failure;
mod hold;
mod join;
mod launch;
mod net;
mod netns;
mod payload;
mod probe;
mod rootfs;
mod run;
mod spawned;
mod spec;
mod supervisor;
mod terminal;
mod tree;

use std::process::ExitCode;

use minidock_sys::process::SingleThreaded;
use rustix::fs::FileType;

fn main() -> ExitCode {
    let Ok(single) = SingleThreaded::prove() else {
        return ExitCode::from(70);
    };
    match rustix::fs::fstat(rustix::stdio::stdin()).map(|s| FileType::from_raw_mode(s.st_mode)) {
        Ok(FileType::Socket) => spawned::main(single),
        Ok(FileType::RegularFile) if executable::is_supervisor() => supervisor::main(single),
        _ => {
            let text = concat!(
                "minidock-runtime ",
                env!("CARGO_PKG_VERSION"),
                ": started by minidock itself; to run a container use `minidock run`\n"
            );
            // Nobody to tell when standard error is closed.
            rustix::io::write(rustix::stdio::stderr(), text.as_bytes()).ok();
            ExitCode::from(2)
        }
    }
}
