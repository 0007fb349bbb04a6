//! A face behind a pipe: a program in that face's language, which stays for a whole scenario and
//! so uses one client for all of its requests. One request a line, one answer a line; values are
//! percent-encoded (RFC 3986, section 2.1), so that any bytes pass.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use minidock::ErrorKind;

use crate::request::{Answer, Failed, Request, Shown, Values};
use crate::world::Face;

pub(crate) struct Driver {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Driver {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, requests, answers }
    }
}

impl Face for Driver {
    fn answer(&mut self, request: &Request) -> Answer {
        let mut line = request.verb.to_owned();
        for (name, value) in request.values.pairs() {
            write!(line, "\t{name}={}", encoded(value)).expect("memory");
        }
        let requests = self.requests.as_mut().expect("a pipe");
        writeln!(requests, "{line}").expect("the driver reads");
        line.clear();
        self.answers.read_line(&mut line).expect("an answer");
        parse(line.trim_end_matches('\n'))
    }
}

impl Drop for Driver {
    /// The end of its input is the end of the driver.
    fn drop(&mut self) {
        self.requests = None;
        let status = self.child.wait().expect("the driver's end");
        if !std::thread::panicking() {
            assert!(status.success(), "the driver ended with {status}");
        }
    }
}

fn parse(line: &str) -> Answer {
    let mut parts = line.split('\t');
    let word = parts.next().unwrap_or_default();
    let mut values = Values::default();
    for part in parts {
        let (name, value) = part.split_once('=').expect("name=value");
        values.add(name, decoded(value));
    }
    match word {
        "done" => Answer::Done(values),
        "failed" => {
            let kind = kind(&values).unwrap_or_else(|| panic!("no kind of error: {line}"));
            Answer::Failed(Failed {
                kind: Shown::Kind(kind),
                message: values.one("message").into(),
            })
        }
        _ => panic!("the driver said {line:?}"),
    }
}

/// The kind by its name or code, or by the class that stands for it.
fn kind(values: &Values) -> Option<String> {
    if let Some(kind) = values.text("kind") {
        return Some(kind.to_owned());
    }
    let classes = values.all("class");
    let kinds = || ErrorKind::ALL.iter().map(|kind| kind.face());
    let found = classes.iter().find_map(|class| kinds().find(|face| face.python == *class));
    found.map(|face| face.name.to_owned())
}

fn encoded(value: &[u8]) -> String {
    value.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' | b'~' => {
                text.push(char::from(*byte));
            }
            _ => write!(text, "%{byte:02X}").expect("memory"),
        }
        text
    })
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || {
            let digit = rest.next().expect("two digits");
            char::from(digit).to_digit(16).expect("a digit") as u8
        };
        bytes.push(if byte == b'%' { digit() << 4 | digit() } else { byte });
    }
    bytes
}
