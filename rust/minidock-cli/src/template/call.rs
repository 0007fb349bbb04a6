//! The functions of templates: Go's own, and those that docker adds.

use std::cmp::Ordering;

use serde_json::Value;

use super::show::{show, truth};
use super::{Result, TemplateError};

/// Calls a function.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value> {
    let wrong = |what: &str| TemplateError::Call { name: name.to_owned(), what: what.to_owned() };
    match (name, arguments) {
        ("json", [value]) => Ok(value.to_string().into()),
        ("len", [value]) => length(value).map(Value::from).ok_or_else(|| wrong("it has no length")),
        ("not", [value]) => Ok((!truth(value)).into()),
        ("upper", [value]) => Ok(show(value).to_uppercase().into()),
        ("lower", [value]) => Ok(show(value).to_lowercase().into()),
        ("title", [value]) => Ok(title(&show(value)).into()),
        ("print", values) => Ok(print(values).into()),
        ("println", values) => {
            let words: Vec<_> = values.iter().map(show).collect();
            Ok(format!("{}\n", words.join(" ")).into())
        }
        ("printf", [Value::String(format), values @ ..]) => printf(format, values).map(Value::from),
        ("join", [Value::Array(items), Value::String(separator)]) => {
            Ok(items.iter().map(show).collect::<Vec<_>>().join(separator).into())
        }
        ("join", [Value::Null, Value::String(_)]) => Ok("".into()),
        ("split", [Value::String(text), Value::String(separator)]) => {
            Ok(text.split(separator.as_str()).map(Value::from).collect::<Vec<_>>().into())
        }
        ("pad", [text, before, after]) => pad(text, before, after, &wrong),
        ("truncate", [text, length]) => {
            let length = count(length).ok_or_else(|| wrong("the length is not a number"))?;
            Ok(show(text).chars().take(length).collect::<String>().into())
        }
        ("index", [value, keys @ ..]) => {
            keys.iter().try_fold(value.clone(), |value, key| index(value, key, &wrong))
        }
        ("eq" | "ne", [one, other]) => {
            let equal = compare(one, other).ok_or_else(|| wrong("the two cannot be compared"))?;
            Ok(((equal == Ordering::Equal) == (name == "eq")).into())
        }
        ("eq", [one, others @ ..]) if others.len() > 1 => {
            Ok(others.iter().any(|other| compare(one, other) == Some(Ordering::Equal)).into())
        }
        ("lt" | "le" | "gt" | "ge", [one, other]) => {
            let order = compare(one, other).ok_or_else(|| wrong("the two cannot be compared"))?;
            Ok(match name {
                "lt" => order.is_lt(),
                "le" => order.is_le(),
                "gt" => order.is_gt(),
                _ => order.is_ge(),
            }
            .into())
        }
        (
            "json" | "len" | "not" | "upper" | "lower" | "title" | "printf" | "join" | "split"
            | "pad" | "truncate" | "index" | "eq" | "ne" | "lt" | "le" | "gt" | "ge",
            _,
        ) => Err(wrong("it cannot take these arguments")),
        _ => Err(TemplateError::Function { name: name.to_owned() }),
    }
}

/// The title of a column that is made by a function: that of the field in it.
pub(super) fn title_of(name: &str, arguments: &[Value]) -> Option<Value> {
    match (name, arguments) {
        ("json" | "upper" | "lower" | "title", [Value::String(title)])
        | ("truncate" | "split" | "join", [Value::String(title), _])
        | ("pad", [Value::String(title), _, _]) => Some(Value::String(title.clone())),
        _ => None,
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(items) => Some(items.len()),
        Value::Object(map) => Some(map.len()),
        Value::Null => Some(0),
        _ => None,
    }
}

/// Widths and lengths above this are refused rather than filled.
const WIDEST: usize = 4096;

fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= WIDEST)
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        match start {
            true => out.extend(c.to_uppercase()),
            false => out.push(c),
        }
        start = c.is_whitespace();
    }
    out
}

/// Go's Sprint: a space between operands when neither is a text.
fn print(values: &[Value]) -> String {
    let mut out = String::new();
    for (place, value) in values.iter().enumerate() {
        if place > 0 && !value.is_string() && !values[place - 1].is_string() {
            out.push(' ');
        }
        out.push_str(&show(value));
    }
    out
}

fn pad(
    text: &Value,
    before: &Value,
    after: &Value,
    wrong: &dyn Fn(&str) -> TemplateError,
) -> Result<Value> {
    let spaces = |value| count(value).map(|n| " ".repeat(n));
    match (spaces(before), spaces(after)) {
        _ if show(text).is_empty() => Ok("".into()),
        (Some(before), Some(after)) => Ok(format!("{before}{}{after}", show(text)).into()),
        _ => Err(wrong("the numbers of spaces are not numbers")),
    }
}

fn index(value: Value, key: &Value, wrong: &dyn Fn(&str) -> TemplateError) -> Result<Value> {
    match (value, key) {
        (Value::Object(mut map), Value::String(key)) => Ok(map.remove(key).unwrap_or_default()),
        (Value::Array(mut items), Value::Number(place)) => {
            let place = place.as_u64().and_then(|n| usize::try_from(n).ok());
            match place.filter(|place| *place < items.len()) {
                Some(place) => Ok(items.swap_remove(place)),
                None => Err(wrong(&format!("{key} is outside of a list of {}", items.len()))),
            }
        }
        (Value::Null, _) => Ok(Value::Null),
        _ => Err(wrong("a map is indexed by a text, a list by a number")),
    }
}

fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        // Nothing is different from everything else.
        (Value::Null, _) | (_, Value::Null) => Some(Ordering::Less),
        _ => None,
    }
}

/// The verbs `%s %v %d %q %t %x %f %%` with width, `-`, `0` and precision.
fn printf(format: &str, values: &[Value]) -> Result<String> {
    let wrong = |what: String| TemplateError::Call { name: "printf".to_owned(), what };
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '+')) {
            spec.push(c);
        }
        let verb = chars.next().ok_or_else(|| wrong("% has no verb".to_owned()))?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values.next().ok_or_else(|| wrong(format!("%{verb} has no value")))?;
        let (width, precision) = spec.split_once('.').unwrap_or((&spec, ""));
        let text = verbed(verb, value, precision)
            .ok_or_else(|| wrong(format!("%{spec}{verb} cannot show {:?}", show(value))))?;
        out.push_str(
            &widened(text, width)
                .ok_or_else(|| wrong(format!("%{spec}{verb} is not supported")))?,
        );
    }
    match values.next() {
        None => Ok(out),
        Some(value) => Err(wrong(format!("{:?} has no verb", show(value)))),
    }
}

fn verbed(verb: char, value: &Value, precision: &str) -> Option<String> {
    let digits = precision.parse::<usize>().ok().filter(|n| *n <= WIDEST);
    match verb {
        's' | 'v' => {
            let text = show(value);
            Some(match digits {
                Some(digits) => text.chars().take(digits).collect(),
                None => text,
            })
        }
        'q' => Some(format!("{:?}", show(value))),
        'd' => value.as_i64().map(|n| n.to_string()),
        'x' => value.as_i64().map(|n| format!("{n:x}")),
        't' => value.as_bool().map(|b| b.to_string()),
        'f' => value.as_f64().map(|n| format!("{n:.*}", digits.unwrap_or(6))),
        _ => None,
    }
}

fn widened(text: String, width: &str) -> Option<String> {
    let left = width.starts_with('-');
    let zeros = width.starts_with('0');
    let width = match width.trim_start_matches('-') {
        "" => 0,
        digits => digits.parse::<usize>().ok().filter(|n| *n <= WIDEST)?,
    };
    let missing = width.saturating_sub(text.chars().count());
    let fill = if zeros && !left { "0" } else { " " }.repeat(missing);
    Some(if left { text + &fill } else { fill + &text })
}
