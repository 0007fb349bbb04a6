//! `import`: makes an image of a tar of a root file system.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use clap::Args;
use minidock::Reference;
use minidock::image::ImportOptions;

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output::{self, ByteProgress};

/// Make an image of a tar of a root file system
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock import debian.tar.gz debian:bookworm
  debootstrap --variant=minbase bookworm root && tar c -C root . | minidock import - debian
  minidock import -c 'CMD [\"/bin/sh\"]' rootfs.tar tiny")]
pub(crate) struct Import {
    /// Apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, …
    #[arg(short, long, value_name = "INSTRUCTION")]
    change: Vec<String>,
    /// A note for the image's history
    #[arg(short, long)]
    message: Option<String>,
    /// The tar, plain or compressed with gzip or zstd; - for standard input
    #[arg(value_name = "FILE|-")]
    file: String,
    /// A name for the image
    #[arg(value_name = "REPOSITORY[:TAG]")]
    reference: Option<String>,
}

impl Import {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        if self.file.contains("://") {
            return Err(Failure::refused(
                format!("{} is a URL, which cannot be imported", self.file),
                "pipe it in: curl -L URL | minidock import - NAME",
            ));
        }
        let options = ImportOptions {
            reference: self.reference.as_deref().map(reference).transpose()?,
            changes: self.change,
            message: self.message,
            ..ImportOptions::default()
        };
        let engine = global.engine()?;
        let (input, length) = match self.file.as_str() {
            "-" => standard_input("import", "name a file, or pipe a tar in")?,
            file => open(Path::new(file))?,
        };
        let id =
            engine.import_image(ByteProgress::new(input, "importing", length, false), &options)?;
        output::line(id.to_string()).map(|()| 0)
    }
}

/// A stream and its length, where it has one.
type Input = (Box<dyn Read + Send>, Option<u64>);

/// A file to be read.
pub(crate) fn open(path: &Path) -> Result<Input> {
    let failed = |error| Failure::io(format!("cannot read {}", path.display()), error);
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    Ok((Box::new(file), meta.is_file().then_some(meta.len())))
}

/// Standard input, which must not be a terminal.
pub(crate) fn standard_input(command: &str, hint: &str) -> Result<Input> {
    if io::stdin().is_terminal() {
        return Err(Failure::refused(format!("{command}: standard input is a terminal"), hint));
    }
    Ok((Box::new(io::stdin()), None))
}

/// A name for an image.
pub(crate) fn reference(text: &str) -> Result<Reference> {
    text.parse::<Reference>().map_err(|error| {
        Failure::usage(error.to_string(), "write [HOST[:PORT]/]NAME[:TAG], as web:1.0")
    })
}
