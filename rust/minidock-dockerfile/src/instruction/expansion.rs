//! Variables into instructions: which parts of each are expanded, as the Dockerfile reference lists
//! them. Owns that list; the grammar of `${…}` is in `expand`.

use std::collections::BTreeSet;

use super::parse::check_port;
use super::{Arg, ArgVar, CopySource, Expose, Instruction, Kind, Pair};
use crate::error::{ErrorKind, ParseError, quoted};
use crate::expand::{ExpandError, Expander};
use crate::heredoc::Heredoc;

/// An instruction with its variables put in, and the names that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The same instruction; `original` and `source` stay as written.
    pub instruction: Instruction,
    /// Names that had a value: the arguments in use of a cache key.
    pub used: BTreeSet<String>,
    /// Names that had none and became empty: worth a warning.
    pub unset: BTreeSet<String>,
}

impl Instruction {
    /// Puts variables in. `env` answers from the ENV and ARG in force before this instruction.
    ///
    /// Expanded are FROM, COPY and ADD (paths, owners, modes, checksum, exclusions, unquoted
    /// heredocs), ENV, LABEL, ARG, WORKDIR, USER, EXPOSE, VOLUME, STOPSIGNAL and the options of
    /// RUN's mounts. The commands of RUN, CMD, ENTRYPOINT, HEALTHCHECK and SHELL stay as they are
    /// (a shell expands them when they run), and so do ONBUILD and MAINTAINER.
    pub fn expand(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Expanded, ParseError> {
        let mut expansion = Expansion { expander: Expander::new(env, self.escape) };
        let kind = expansion.kind(&self.kind).map_err(|kind| self.error(kind))?;
        let (used, unset) = expansion.expander.into_names();
        Ok(Expanded { instruction: Instruction { kind, ..self.clone() }, used, unset })
    }
}

impl Instruction {
    /// Puts variables into one piece of this instruction's text.
    pub(crate) fn expand_text(
        &self,
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, ParseError> {
        let mut expander = Expander::new(env, self.escape);
        expander.word(text).map_err(|reason| self.error(failed(text, reason)))
    }
}

struct Expansion<'a> {
    expander: Expander<'a>,
}

fn failed(text: &str, reason: ExpandError) -> ErrorKind {
    ErrorKind::Expansion { text: quoted(text), reason }
}

impl Expansion<'_> {
    fn kind(&mut self, kind: &Kind) -> Result<Kind, ErrorKind> {
        Ok(match kind {
            Kind::From(from) => {
                let mut from = from.clone();
                from.image = self.word(&from.image)?;
                from.platform = self.option(&from.platform)?;
                Kind::From(from)
            }
            Kind::Copy(copy) => {
                let mut copy = copy.clone();
                copy.chown = self.option(&copy.chown)?;
                copy.chmod = self.option(&copy.chmod)?;
                copy.exclude = self.list(&copy.exclude)?;
                copy.sources = self.sources(&copy.sources)?;
                copy.dest = self.word(&copy.dest)?;
                Kind::Copy(copy)
            }
            Kind::Add(add) => {
                let mut add = add.clone();
                add.chown = self.option(&add.chown)?;
                add.chmod = self.option(&add.chmod)?;
                add.checksum = self.option(&add.checksum)?;
                add.exclude = self.list(&add.exclude)?;
                add.sources = self.sources(&add.sources)?;
                add.dest = self.word(&add.dest)?;
                Kind::Add(add)
            }
            Kind::Run(run) => {
                let mut run = run.clone();
                for mount in &mut run.mounts {
                    *mount = mount.map(&mut |value| self.word(value))?;
                }
                Kind::Run(run)
            }
            Kind::Env(pairs) => Kind::Env(self.pairs("ENV", pairs)?),
            Kind::Label(pairs) => Kind::Label(self.pairs("LABEL", pairs)?),
            Kind::Arg(arg) => Kind::Arg(self.arg(arg)?),
            Kind::Workdir(path) => Kind::Workdir(self.word(path)?),
            Kind::User(user) => Kind::User(self.word(user)?),
            Kind::StopSignal(signal) => Kind::StopSignal(self.word(signal)?),
            Kind::Volume(paths) => Kind::Volume(self.list(paths)?),
            Kind::Expose(expose) => Kind::Expose(self.expose(expose)?),
            Kind::Cmd(_)
            | Kind::Entrypoint(_)
            | Kind::Shell(_)
            | Kind::Healthcheck(_)
            | Kind::Onbuild(_)
            | Kind::Maintainer(_) => kind.clone(),
        })
    }

    fn word(&mut self, text: &str) -> Result<String, ErrorKind> {
        self.expander.word(text).map_err(|reason| failed(text, reason))
    }

    fn option(&mut self, text: &Option<String>) -> Result<Option<String>, ErrorKind> {
        text.as_deref().map(|text| self.word(text)).transpose()
    }

    fn list(&mut self, list: &[String]) -> Result<Vec<String>, ErrorKind> {
        list.iter().map(|text| self.word(text)).collect()
    }

    fn pairs(&mut self, instruction: &'static str, pairs: &[Pair]) -> Result<Vec<Pair>, ErrorKind> {
        let mut out = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let name = self.word(&pair.name)?;
            if name.is_empty() {
                return Err(ErrorKind::BlankName { instruction, text: quoted(&pair.name) });
            }
            out.push(Pair { name, value: self.word(&pair.value)? });
        }
        Ok(out)
    }

    fn arg(&mut self, arg: &Arg) -> Result<Arg, ErrorKind> {
        let mut vars = Vec::with_capacity(arg.vars.len());
        for var in &arg.vars {
            let name = self.word(&var.name)?;
            if name.is_empty() {
                return Err(ErrorKind::BlankName { instruction: "ARG", text: quoted(&var.name) });
            }
            vars.push(ArgVar { name, default: self.option(&var.default)? });
        }
        Ok(Arg { vars })
    }

    fn expose(&mut self, expose: &Expose) -> Result<Expose, ErrorKind> {
        let mut ports = Vec::new();
        for text in &expose.ports {
            let words = self.expander.words(text).map_err(|reason| failed(text, reason))?;
            for port in &words {
                // The message names the value, the excerpt marks what was written.
                check_port(port)?;
            }
            ports.extend(words);
        }
        Ok(Expose { ports })
    }

    fn sources(&mut self, sources: &[CopySource]) -> Result<Vec<CopySource>, ErrorKind> {
        let mut out = Vec::with_capacity(sources.len());
        for source in sources {
            out.push(match source {
                CopySource::Path(path) => CopySource::Path(self.word(path)?),
                CopySource::Heredoc(heredoc) => CopySource::Heredoc(self.heredoc(heredoc)?),
            });
        }
        Ok(out)
    }

    fn heredoc(&mut self, heredoc: &Heredoc) -> Result<Heredoc, ErrorKind> {
        if !heredoc.expand {
            return Ok(heredoc.clone());
        }
        // Tabs go before variables come: a tab in a value is no indentation.
        let body = heredoc.body();
        let content =
            self.expander.heredoc(&body).map_err(|reason| failed(&heredoc.name, reason))?;
        // Done: expanding it again would take escapes off twice.
        Ok(Heredoc { content, expand: false, strip_tabs: false, ..heredoc.clone() })
    }
}
