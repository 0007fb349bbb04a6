//! `save`: images into an archive.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use minidock::Engine;
use minidock::image::ArchiveFormat;

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output;

/// Save images to an archive
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock save -o web.tar web:1.0
  minidock save --format oci-archive web | ssh other minidock load")]
pub(crate) struct Save {
    /// The file; standard output without
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The kind of archive
    #[arg(long, value_enum, default_value = "docker-archive")]
    format: Format,
    /// Images, by name or id
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    DockerArchive,
    OciArchive,
}

impl Save {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        if self.output.is_none() && output::is_terminal() {
            return Err(Failure::refused(
                "an archive is not written to a terminal",
                "name a file with -o, or redirect standard output",
            ));
        }
        let engine = global.engine()?;
        match &self.output {
            None => self.write(&engine, output::DataWriter)?,
            Some(path) => write_whole(path, |file| self.write(&engine, file))?,
        }
        Ok(0)
    }

    fn write(&self, engine: &Engine, out: impl Write) -> Result<()> {
        let format = match self.format {
            Format::DockerArchive => ArchiveFormat::Docker,
            Format::OciArchive => ArchiveFormat::Oci,
        };
        let mut out = Watched { out, broken: false };
        let saved = engine.save_images(&self.images, format, &mut out);
        match saved {
            Err(_) if out.broken => Err(Failure::BrokenPipe),
            saved => Ok(saved?),
        }
    }
}

/// Writes a file that appears whole or not at all; a device or a pipe is written as it is.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(File) -> Result<()>) -> Result<()> {
    if is_special(path) {
        let file = File::options().write(true).open(path).map_err(|e| cannot("open", path, e))?;
        return write(file);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    let partial = path.with_file_name(name);
    let file = File::options()
        .write(true)
        .create_new(true)
        .open(&partial)
        .map_err(|error| cannot("make", &partial, error))?;
    let written = write(file)
        .and_then(|()| fs::rename(&partial, path).map_err(|error| cannot("write", path, error)));
    if written.is_err() {
        // The first failure counts; a file that cannot be removed changes nothing about it.
        drop(fs::remove_file(&partial));
    }
    written
}

fn cannot(verb: &str, path: &Path, error: io::Error) -> Failure {
    Failure::io(format!("cannot {verb} {}", path.display()), error)
}

/// A device or a pipe is written, never replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// Remembers that the reader went away, which the engine's error may not tell.
struct Watched<W> {
    out: W,
    broken: bool,
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.out.write(data);
        self.broken |= written.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
