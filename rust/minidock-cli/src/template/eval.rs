//! Fills the tree of a template with values.

use serde_json::{Map, Value};

use super::call;
use super::parse::{Base, Node, Operand, Pipeline};
use super::show::{show, truth};
use super::{Result, Row, TemplateError};

/// Fields whose content is a map: a key that is missing there is `<no value>`, elsewhere a
/// field that is missing is the user's slip.
const MAPS: &[&str] = &[
    "Labels",
    "Ports",
    "Networks",
    "Volumes",
    "ExposedPorts",
    "Options",
    "Sysctls",
    "PortBindings",
    "Annotations",
    "Tmpfs",
];

pub(super) fn render(nodes: &[Node], row: &Row) -> Result<String> {
    let mut scope = Scope::new(row, false);
    let mut out = String::new();
    scope.nodes(nodes, &row.value, &mut out)?;
    Ok(out)
}

pub(super) fn render_titles(nodes: &[Node], row: &Row) -> Result<String> {
    let mut scope = Scope::new(row, true);
    let mut out = String::new();
    scope.nodes(nodes, &row.value, &mut out)?;
    Ok(out)
}

struct Scope<'a> {
    row: &'a Row,
    titles: bool,
    variables: Vec<(String, Value)>,
}

impl<'a> Scope<'a> {
    fn new(row: &'a Row, titles: bool) -> Self {
        Self { row, titles, variables: vec![(String::new(), row.value.clone())] }
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Value, out: &mut String) -> Result<()> {
        nodes.iter().try_for_each(|node| self.node(node, dot, out))
    }

    fn node(&mut self, node: &Node, dot: &Value, out: &mut String) -> Result<()> {
        let visible = self.variables.len();
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Output(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                match pipeline.sets.as_slice() {
                    [] => out.push_str(&show(&value)),
                    names => {
                        // A variable that is set at this level stays for what follows.
                        self.set(names, value);
                        return Ok(());
                    }
                }
            }
            Node::If { condition, then, otherwise } => {
                let value = self.pipeline(condition, dot)?;
                let branch = if truth(&value) { then } else { otherwise };
                self.set(&condition.sets, value);
                self.nodes(branch, dot, out)?;
            }
            Node::With { value, then, otherwise } => {
                let inner = self.pipeline(value, dot)?;
                self.set(&value.sets, inner.clone());
                match truth(&inner) {
                    true => self.nodes(then, &inner, out)?,
                    false => self.nodes(otherwise, dot, out)?,
                }
            }
            Node::Range { values, each, otherwise } => {
                let items = items(self.pipeline(values, dot)?)?;
                if items.is_empty() {
                    self.nodes(otherwise, dot, out)?;
                }
                for (key, item) in items {
                    match values.sets.as_slice() {
                        [] => {}
                        [one] => self.variables.push((one.clone(), item.clone())),
                        [index, one, ..] => {
                            self.variables.push((index.clone(), key));
                            self.variables.push((one.clone(), item.clone()));
                        }
                    }
                    self.nodes(each, &item, out)?;
                    self.variables.truncate(visible);
                }
            }
        }
        self.variables.truncate(visible);
        Ok(())
    }

    fn set(&mut self, names: &[String], value: Value) {
        for name in names {
            match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
                Some((_, old)) => *old = value.clone(),
                None => self.variables.push((name.clone(), value.clone())),
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, dot, last)?);
        }
        Ok(last.unwrap_or_default())
    }

    fn command(&mut self, words: &[Operand], dot: &Value, last: Option<Value>) -> Result<Value> {
        let Some((head, rest)) = words.split_first() else { return Ok(Value::Null) };
        if let Base::Function(name) = &head.base {
            let value = self.function(name, rest, dot, last)?;
            return self.fields(value, &head.fields);
        }
        if let (Base::Dot, [method]) = (&head.base, head.fields.as_slice())
            && method == "Label"
        {
            return self.label(rest, dot, last);
        }
        match rest.is_empty() && last.is_none() {
            true => self.operand(head, dot),
            false => {
                let what = "only a function takes arguments".to_owned();
                Err(TemplateError::Syntax { what })
            }
        }
    }

    fn function(
        &mut self,
        name: &str,
        rest: &[Operand],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value> {
        // These two look at no more than they need, as Go's do.
        if matches!(name, "and" | "or") {
            let mut value = Value::Null;
            for operand in rest {
                value = self.operand(operand, dot)?;
                if truth(&value) == (name == "or") {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let mut arguments = Vec::with_capacity(rest.len() + 1);
        for operand in rest {
            arguments.push(self.operand(operand, dot)?);
        }
        arguments.extend(last);
        if self.titles
            && let Some(title) = call::title_of(name, &arguments)
        {
            return Ok(title);
        }
        call::call(name, &arguments)
    }

    fn label(&mut self, rest: &[Operand], dot: &Value, last: Option<Value>) -> Result<Value> {
        let key = match (rest, last) {
            ([operand], None) => self.operand(operand, dot)?,
            ([], Some(last)) => last,
            _ => Value::Null,
        };
        let Value::String(key) = key else {
            let what = "it takes the key of a label, as {{.Label \"key\"}}".to_owned();
            return Err(TemplateError::Call { name: "Label".to_owned(), what });
        };
        match self.titles {
            true => Ok(Value::String(key)),
            false => Ok(self.row.labels.get(&key).cloned().unwrap_or_else(|| "".into())),
        }
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value> {
        let base = match &operand.base {
            Base::Dot => dot.clone(),
            Base::Literal(value) => value.clone(),
            Base::Nested(pipeline) => self.pipeline(pipeline, dot)?,
            Base::Function(name) => self.function(name, &[], dot, None)?,
            Base::Variable(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                match found {
                    Some((_, value)) => value.clone(),
                    None => return Err(TemplateError::Variable { name: format!("${name}") }),
                }
            }
        };
        self.fields(base, &operand.fields)
    }

    fn fields(&self, mut value: Value, fields: &[String]) -> Result<Value> {
        let mut parent = "";
        for field in fields {
            value = take(value, field, MAPS.contains(&parent))?;
            parent = field;
        }
        Ok(value)
    }
}

fn take(value: Value, field: &str, is_map: bool) -> Result<Value> {
    match value {
        Value::Object(mut map) => match map.remove(field) {
            Some(value) => Ok(value),
            None if is_map => Ok(Value::Null),
            None => Err(TemplateError::Field { name: field.to_owned(), known: names(&map) }),
        },
        // A field of nothing is nothing: State.Health of a container without a check.
        Value::Null => Ok(Value::Null),
        other => {
            let what = format!("{:?} has no field {field:?}", show(&other));
            Err(TemplateError::Syntax { what })
        }
    }
}

fn names(map: &Map<String, Value>) -> String {
    match map.is_empty() {
        true => "none".to_owned(),
        false => map.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// What `{{range}}` goes over: keys and values.
fn items(value: Value) -> Result<Vec<(Value, Value)>> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => {
            Ok(items.into_iter().enumerate().map(|(i, item)| (Value::from(i), item)).collect())
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(entries.into_iter().map(|(key, item)| (Value::from(key), item)).collect())
        }
        other => {
            let what = format!("{{{{range}}}} cannot go over {:?}", show(&other));
            Err(TemplateError::Syntax { what })
        }
    }
}
