//! The words in which a scenario speaks to a face: a verb and named values, answered by named
//! values or by an error. Values are bytes; a name may come several times.
//!
//! | verb | values | answer |
//! |---|---|---|
//! | `import` | `file`, `reference`, `change`… | `id` |
//! | `load` | `file` | `name`… |
//! | `save` | `file`, `image`… | |
//! | `images` | | `name`…, sorted |
//! | `tag` | `image`, `reference` | |
//! | `remove-image` | `image`, `force`? | |
//! | `inspect-image` | `image` | `json` |
//! | `history` | `image` | `step`… |
//! | `build` | `context`, `tag`…, `arg`…, `target`?, `no-cache`? | `id` |
//! | `run` | as `create`, `stdin`?, `remove`? | `status`, `stdout`, `stderr` |
//! | `create` | `image`, `arg`…, `name`?, `entrypoint`?, `env`…, `workdir`?, `user`?, `volume`…, `label`…, `read-only`? | `id` |
//! | `start`, `restart` | `container` | |
//! | `wait` | `container` | `status` |
//! | `exec` | `container`, `arg`…, `env`…, `workdir`?, `user`?, `stdin`? | `status`, `stdout`, `stderr` |
//! | `logs` | `container` | `stdout`, `stderr` |
//! | `stop` | `container`, `seconds` | |
//! | `kill` | `container`, `signal` | |
//! | `inspect` | `container` | `json` |
//! | `containers` | | `name`…, sorted |
//! | `remove` | `container`, `force`? | |
//!
//! Every container has no network.

/// What is asked of a face.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) verb: &'static str,
    pub(crate) values: Values,
}

/// What a face answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Values),
    Failed(Failed),
}

/// An error as a face shows it.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The kind's name (`NOT_FOUND`), or on the command line, which shows none, the exit status.
    pub(crate) kind: Shown,
    pub(crate) message: String,
}

/// How a face shows the kind of an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Kind(String),
    Status(i32),
}

/// Named values, in order.
#[derive(Debug, Default)]
pub(crate) struct Values(Vec<(String, Vec<u8>)>);

impl Values {
    pub(crate) fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds a value to those that are there.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.add(name, value);
        self
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.all_bytes(name).next()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.bytes(name).is_some()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.bytes(name).map(|bytes| std::str::from_utf8(bytes).expect("text"))
    }

    /// A value that must be there.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.text(name).unwrap_or_else(|| panic!("no {name} among {self:?}"))
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.all_bytes(name).map(|bytes| std::str::from_utf8(bytes).expect("text")).collect()
    }

    fn all_bytes<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let name = name.to_owned();
        self.0.iter().filter(move |(each, _)| *each == name).map(|(_, value)| value.as_slice())
    }
}
