//! The subset of Go's text/template that `--format` takes, over JSON.
//!
//! Pure: text and values in, text out. What Go has and this has not is refused by name.
//! <https://pkg.go.dev/text/template>

mod call;
mod eval;
mod lex;
mod parse;
mod show;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// `{{` without its `}}`, a text without its closing quote.
    #[error("--format: {what} is not closed")]
    Unclosed {
        /// What was opened.
        what: String,
    },
    /// Something stands where it cannot.
    #[error("--format: {what}")]
    Syntax {
        /// What, and why.
        what: String,
    },
    /// A function or keyword that is not there.
    #[error("--format: there is no function {name:?}")]
    Function {
        /// Its name.
        name: String,
    },
    /// A field that the object has not.
    #[error("--format: there is no field {name:?}; there are {known}")]
    Field {
        /// Its name.
        name: String,
        /// What the object has.
        known: String,
    },
    /// A variable that was never set.
    #[error("--format: the variable {name:?} is not set")]
    Variable {
        /// Its name.
        name: String,
    },
    /// A function was called with what it cannot take.
    #[error("--format: {name}: {what}")]
    Call {
        /// The function.
        name: String,
        /// Why not.
        what: String,
    },
}

type Result<T> = std::result::Result<T, TemplateError>;

/// What a template is filled with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    /// The fields.
    pub(crate) value: Value,
    /// The labels for `{{.Label "key"}}`; a listing's own `.Labels` is one text.
    pub(crate) labels: Map<String, Value>,
}

impl From<Value> for Row {
    fn from(value: Value) -> Self {
        Self { value, labels: Map::new() }
    }
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    nodes: Vec<parse::Node>,
}

impl Template {
    /// Parses a template as it is written.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self { nodes: parse::parse(lex::lex(text)?)? })
    }

    /// Parses the template of a listing, where `\t` and `\n` in the text mean tab and line end.
    pub(crate) fn parse_listing(text: &str) -> Result<Self> {
        Self::parse(&text.replace("\\t", "\t").replace("\\n", "\n"))
    }

    /// Fills it.
    pub(crate) fn render(&self, row: &Row) -> Result<String> {
        eval::render(&self.nodes, row)
    }

    /// Fills it with the titles of columns: `{{.Label "key"}}` is titled by its key.
    pub(crate) fn render_titles(&self, titles: &Row) -> Result<String> {
        eval::render_titles(&self.nodes, titles)
    }
}
