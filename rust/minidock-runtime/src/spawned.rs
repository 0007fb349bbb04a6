//! The first stage: cleans what was inherited, reads the request, calls its verb.

use std::process::ExitCode;

use minidock_proto::request::{Answer, Failure, FailureKind, Request, Verb};
use minidock_proto::{Channel, Descriptors, SPAWN_VERSION};
use minidock_sys::process::{self, SingleThreaded};
use minidock_sys::{keyring, signal};
use rustix::fs::Mode;

use crate::failure::{Context, Result, failure, protocol};
use crate::{hold, join, netns, probe, rootfs, run, tree};

/// What every verb gets.
pub(crate) struct Spawned {
    pub(crate) single: SingleThreaded,
    pub(crate) channel: Channel,
    pub(crate) fds: Descriptors,
}

/// Serves the request on standard input.
pub(crate) fn main(single: SingleThreaded) -> ExitCode {
    let channel = match clean(single) {
        Ok(channel) => channel,
        Err(failure) => {
            tell(failure);
            return ExitCode::from(70);
        }
    };
    let answer = match serve(single, &channel) {
        Ok(answer) => answer,
        Err(failure) => Some(Answer::Failed(failure)),
    };
    let Some(answer) = answer else { return ExitCode::SUCCESS };
    match channel.send(&answer, &[]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(71),
    }
}

/// Answers over standard input itself, before there is a channel.
fn tell(failure: Failure) {
    // Without a usable descriptor there is nobody to tell.
    if let Ok(channel) = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3) {
        Channel::from(channel).send(&Answer::Failed(failure), &[]).ok();
    }
}

/// Drops all that the host process handed down without meaning to.
fn clean(single: SingleThreaded) -> Result<Channel> {
    let what = |step: &'static str| move || format!("start: {step}");
    // Everything from 3 on is unknown and goes; the copy of the channel then becomes 3.
    process::close_from(3).context(what("close descriptors"))?;
    let channel = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)
        .context(what("keep the channel"))?;
    process::clear_environment(single).context(what("clear the environment"))?;
    signal::reset_dispositions(single);
    signal::set_mask(single, &[]).context(what("unblock signals"))?;
    rustix::process::set_parent_process_death_signal(None).context(what("outlive the caller"))?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    rustix::process::chdir("/").context(what("enter /"))?;
    keyring::join_session(c"_minidock").context(what("leave the caller's session keyring"))?;
    standard_streams_to_null().context(what("close the standard streams"))?;
    Ok(Channel::from(channel))
}

/// Points 0, 1 and 2 at /dev/null, so that nothing of the host's terminal comes along.
pub(crate) fn standard_streams_to_null() -> std::io::Result<()> {
    use rustix::fs::OFlags;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

fn serve(single: SingleThreaded, channel: &Channel) -> Result<Option<Answer>> {
    let Some((request, fds)) = channel.receive::<Request>().map_err(protocol)? else {
        return Ok(None);
    };
    if request.version != SPAWN_VERSION {
        return Err(failure(
            FailureKind::System,
            format!(
                "this minidock-runtime speaks version {SPAWN_VERSION}, the engine version {}: \
                 they come from different installations",
                request.version
            ),
        ));
    }
    let channel = channel_copy(channel)?;
    let spawned = Spawned { single, channel, fds: Descriptors::from(fds) };
    match request.verb {
        Verb::Hold(hold) => hold::serve(hold, spawned),
        Verb::Supervise(supervise) => run::serve(supervise, spawned),
        Verb::Network(network) => netns::serve(network, spawned),
        Verb::Probe(probe) => probe::serve(probe, spawned).map(Some),
        Verb::Remove(remove) => {
            join::enter(single, spawned.fds, remove.join)?;
            tree::remove(&remove.paths)?;
            Ok(Some(Answer::Done))
        }
        Verb::Archive(archive) => rootfs::archive::serve(*archive, spawned).map(|()| None),
        Verb::Diff(diff) => rootfs::archive::diff(diff, spawned).map(Some),
        Verb::Unpack(unpack) => rootfs::verbs::unpack(unpack, spawned).map(Some),
        Verb::Scan(scan) => rootfs::verbs::scan(scan, spawned).map(Some),
        Verb::Copy(copy) => rootfs::verbs::copy(copy, spawned).map(Some),
        Verb::Export(export) => rootfs::verbs::export(export, spawned).map(Some),
        Verb::Read(read) => rootfs::verbs::read(read, spawned).map(Some),
    }
}

fn channel_copy(channel: &Channel) -> Result<Channel> {
    rustix::io::fcntl_dupfd_cloexec(channel, 3)
        .context(|| "copy the channel".to_owned())
        .map(Channel::from)
}
