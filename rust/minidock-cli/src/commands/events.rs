//! `events`: what happens in this store, as it happens.

use clap::Args;
use minidock::events::{Event, EventOptions, Subject};

use crate::cli::Global;
use crate::failure::Result;
use crate::filters::Filters;
use crate::template::{Row, Template};
use crate::{human, moment, output};

/// Show what happens to containers, images and volumes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock events
  minidock events --since 10m --until 0s --filter event=die
  minidock events --filter container=web --format '{{json .}}'")]
pub(crate) struct Events {
    /// Also what happened from this time on: 10m, 2026-01-02T03:04:05, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only until this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what fits: container, event, image, label, scope, type, volume
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// json or TEMPLATE
    #[arg(long)]
    format: Option<String>,
}

const KEYS: &[&str] = &["container", "event", "image", "label", "scope", "type", "volume"];

impl Events {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let filters = Filters::parse(&self.filter, KEYS)?;
        let template = match self.format.as_deref() {
            None | Some("" | "json") => None,
            Some(text) => Some(Template::parse_listing(text)?),
        };
        let json = self.format.as_deref() == Some("json");
        let options = EventOptions {
            since: self.since.as_deref().map(|t| moment::parse("--since", t)).transpose()?,
            until: self.until.as_deref().map(|t| moment::parse("--until", t)).transpose()?,
            ..EventOptions::default()
        };
        let engine = global.engine()?;
        for event in engine.events(options)? {
            let event = event?;
            if !fits(&filters, &event) {
                continue;
            }
            match &template {
                Some(template) => {
                    output::line(template.render(&Row::from(engine.event_json(&event)))?)?;
                }
                None if json => output::line(engine.event_json(&event).to_string())?,
                None => output::line(plain(&event))?,
            }
        }
        Ok(0)
    }
}

fn word(subject: Subject) -> &'static str {
    match subject {
        Subject::Container => "container",
        Subject::Image => "image",
        Subject::Volume => "volume",
    }
}

/// Docker's line: time, type, action, id, attributes by name.
fn plain(event: &Event) -> String {
    let attributes: Vec<_> =
        event.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let time = human::rfc3339(event.time);
    let (kind, action) = (word(event.subject), &event.action);
    let line = format!("{time} {kind} {action} {} ({})", event.id, attributes.join(", "));
    // An event is one line, whatever is in a label.
    output::printable(&line)
}

fn fits(filters: &Filters, event: &Event) -> bool {
    let attribute = |name: &str| event.attributes.get(name).cloned();
    let named = |subject: Subject, wanted: &str| {
        event.subject == subject
            && (event.id == wanted
                || (wanted.len() >= 4 && event.id.starts_with(wanted))
                || attribute("name").as_deref() == Some(wanted))
    };
    // `exec_start: sh` is the event exec_start.
    let action = event.action.split(':').next().unwrap_or_default();
    filters.any("event", |wanted| wanted == action || wanted == event.action)
        && filters.any("type", |wanted| wanted == word(event.subject))
        && filters.any("scope", |wanted| wanted == "local")
        && filters.any("container", |wanted| named(Subject::Container, wanted))
        && filters.any("volume", |wanted| named(Subject::Volume, wanted))
        && filters.any("image", |wanted| match event.subject {
            Subject::Container => attribute("image").as_deref() == Some(wanted),
            _ => named(Subject::Image, wanted),
        })
        && filters.labels(attribute)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn filters_and_lines() {
        let attributes = [("image", "tiny"), ("name", "web"), ("stage", "a\nb")];
        let attributes: BTreeMap<_, _> =
            attributes.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect();
        let event = Event {
            time: 0,
            subject: Subject::Container,
            action: "exec_start: sh -c x".to_owned(),
            id: "abcdef".to_owned(),
            attributes,
        };
        let fit = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            fits(&Filters::parse(&texts, KEYS).unwrap(), &event)
        };
        for texts in [
            &["event=exec_start"][..],
            &["container=web"],
            &["container=abcd", "type=container"],
            &["image=tiny", "scope=local"],
            &["label=stage"],
            &["event=die", "event=exec_start"],
        ] {
            assert!(fit(texts), "{texts:?}");
        }
        for texts in
            [&["event=die"][..], &["container=db"], &["type=image"], &["volume=web"], &["label=x"]]
        {
            assert!(!fit(texts), "{texts:?}");
        }
        let line = plain(&event);
        assert!(line.ends_with("abcdef (image=tiny, name=web, stage=a\\nb)"), "{line}");
    }
}
