//! `cp`: files between this host and a container.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use minidock::build::CancelToken;
use minidock::container::{CopyOptions, CopyReport};
use minidock::store::ContainerId;
use minidock::{Bytes, Engine};
use rustix::process::Signal;

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::signals::{Receiver, Signals};
use crate::{human, output};

/// Copy files between a container and this host
#[derive(Debug, Args)]
#[command(
    override_usage = "\
minidock cp [OPTIONS] CONTAINER:PATH PATH|-
       minidock cp [OPTIONS] PATH|- CONTAINER:PATH",
    after_help = "\
Examples:
  minidock cp site.conf web:/etc/nginx/conf.d/
  minidock cp web:/var/log/nginx ./logs
  minidock cp web:/etc/. ./etc                 what is in it, without the directory itself
  minidock cp web:/srv - | tar t               a tar on standard output
  tar c . | minidock cp - web:/srv             a tar from standard input

The container may run or not. Paths in it begin at its root, and reach its volumes and binds, but
not /proc, /sys and /dev. A file gets the destination's name, or goes into it where that is a
directory; a destination that ends with a slash has to be one. What is copied in belongs to root,
or to the ids that a tar says; what is copied out belongs to you, is never setuid, and no device.
A PATH of this host with a colon is written with a slash: ./a:b."
)]
pub(crate) struct Cp {
    /// Keep user and group ids
    #[arg(short, long)]
    archive: bool,
    /// Copy what a symbolic link at SOURCE leads to
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Do not tell what was copied
    #[arg(short, long)]
    quiet: bool,
    /// CONTAINER:PATH, a path of this host, or - for a tar on standard input
    #[arg(value_name = "SOURCE", allow_hyphen_values = true)]
    source: OsString,
    /// CONTAINER:PATH, a path of this host, or - for a tar on standard output
    #[arg(value_name = "DESTINATION", allow_hyphen_values = true)]
    destination: OsString,
}

/// One side of a copy.
#[derive(Debug, PartialEq, Eq)]
enum Side<'a> {
    Container { name: &'a str, path: Bytes },
    Host(&'a OsStr),
    Stream,
}

impl Cp {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let options = CopyOptions {
            archive: self.archive,
            follow_link: self.follow_link,
            cancel: CancelToken::default(),
        };
        match (side(&self.source)?, side(&self.destination)?) {
            (Side::Container { .. }, Side::Container { .. }) => Err(Failure::usage(
                "files cannot be copied from container to container",
                "let one write a tar and the other read it: minidock cp A:/x - | minidock cp - B:/y",
            )),
            (Side::Container { name, path }, to) => {
                if matches!(to, Side::Stream) && output::is_terminal() {
                    return Err(Failure::refused(
                        "a tar is not written to a terminal",
                        "redirect standard output, or name a path",
                    ));
                }
                let (engine, id) = begin(global, name, &options.cancel)?;
                match to {
                    Side::Host(to) => {
                        let report =
                            engine.copy_from_container(&id, &path, Path::new(to), &options)?;
                        self.tell(&report, "you", &to.to_string_lossy());
                        Ok(0)
                    }
                    _ => write_tar(&engine, &id, path, &options),
                }
            }
            (from, Side::Container { name, path }) => {
                if matches!(from, Side::Stream) && io::stdin().is_terminal() {
                    return Err(Failure::refused(
                        "standard input is a terminal, not a tar",
                        "pipe one in, or name a path",
                    ));
                }
                let (engine, id) = begin(global, name, &options.cancel)?;
                let report = match from {
                    Side::Host(from) => {
                        engine.copy_to_container(&id, Path::new(from), &path, &options)?
                    }
                    _ => read_tar(&engine, &id, &path, &options)?,
                };
                let shown = self.destination.to_string_lossy();
                self.tell(&report, "the container's root", &shown);
                Ok(0)
            }
            _ => Err(Failure::usage(
                "neither side is a container",
                "write CONTAINER:PATH for the source or the destination",
            )),
        }
    }

    fn tell(&self, report: &CopyReport, owner: &str, to: &str) {
        for (count, what) in [
            (
                report.other_owner,
                format!("entries belong to {owner}: their own owner cannot be had"),
            ),
            (report.attributes, "extended attributes could not be kept".to_owned()),
            (report.skipped, "sockets and devices were left out".to_owned()),
        ] {
            if count > 0 {
                output::warn(format!("{count} {what}"));
            }
        }
        if !self.quiet {
            output::say(format!("Successfully copied {} to {to}", human::size(report.bytes)));
        }
    }
}

fn begin(global: &Global, name: &str, cancel: &CancelToken) -> Result<(Engine, ContainerId)> {
    let signals = Signals::catch()?;
    signals.hand_to(Arc::new(Canceller(cancel.clone())));
    let engine = global.engine()?;
    let id = engine.find_container(name)?;
    Ok((engine, id))
}

fn write_tar(engine: &Engine, id: &ContainerId, path: Bytes, options: &CopyOptions) -> Result<u8> {
    let followed = match options.follow_link && !path.0.ends_with(b"/") {
        true => engine.stat_container_path(id, &path)?.target,
        false => None,
    };
    let mut tar = engine.get_archive(id, &followed.unwrap_or(path), &options.cancel)?;
    carry_out(&mut tar).map(|()| 0)
}

/// Writes a stream to standard output; a reader that goes away is no failure.
pub(crate) fn carry_out(tar: &mut impl io::Read) -> Result<()> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match tar.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => output::bytes(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(match error.downcast::<minidock::Error>() {
                    Ok(own) => own.into(),
                    Err(error) => Failure::io("cannot read the container's files", error),
                });
            }
        }
    }
}

fn read_tar(
    engine: &Engine,
    id: &ContainerId,
    path: &Bytes,
    options: &CopyOptions,
) -> Result<CopyReport> {
    let path = engine.require_container_directory(id, path)?;
    let copied = engine.put_archive(id, &path, io::stdin(), &options.cancel)?;
    Ok(CopyReport {
        entries: copied.entries,
        bytes: copied.bytes,
        other_owner: copied.flattened,
        attributes: copied.attributes,
        skipped: 0,
    })
}

/// What a word means, as docker reads it: `x:y` is a container's unless it begins like a path.
fn side(word: &OsStr) -> Result<Side<'_>> {
    let bytes = word.as_bytes();
    if bytes == b"-" {
        return Ok(Side::Stream);
    }
    let colon = bytes.iter().position(|byte| *byte == b':');
    let Some(colon) = colon.filter(|_| !matches!(bytes[0], b'/' | b'.')) else {
        return Ok(Side::Host(word));
    };
    let unnamed = || {
        Failure::usage(
            format!("{} names no container", word.to_string_lossy()),
            "write CONTAINER:PATH, or ./PATH for a file of this host",
        )
    };
    let name = std::str::from_utf8(&bytes[..colon]).ok().filter(|name| !name.is_empty());
    let path = Bytes(bytes[colon + 1..].to_vec());
    Ok(Side::Container { name: name.ok_or_else(unnamed)?, path })
}

/// The first signal ends the copy in order, a further one at once.
pub(crate) struct Canceller(pub(crate) CancelToken);

impl Receiver for Canceller {
    fn resized(&self) {}

    fn signalled(&self, number: i32) -> bool {
        if number == Signal::CONT.as_raw() {
            return true;
        }
        let first = !self.0.is_cancelled();
        self.0.cancel();
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides() {
        let inside = |name, path: &str| Side::Container { name, path: path.into() };
        for (word, wanted) in [
            ("-", Side::Stream),
            ("web:/x", inside("web", "/x")),
            ("web:x:y", inside("web", "x:y")),
            ("web:", inside("web", "")),
            ("a/b:c", inside("a/b", "c")),
            ("x", Side::Host(OsStr::new("x"))),
            ("/a:b", Side::Host(OsStr::new("/a:b"))),
            ("./a:b", Side::Host(OsStr::new("./a:b"))),
            ("", Side::Host(OsStr::new(""))),
        ] {
            assert_eq!(side(OsStr::new(word)).unwrap(), wanted, "{word}");
        }
        assert!(side(OsStr::new(":/x")).is_err());
    }
}
