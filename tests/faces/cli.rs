//! The command line as a face: one process for each request.

use minidock_tests::{Call, Minidock, Output, stage};

use crate::request::{Answer, Failed, Request, Shown, Values};
use crate::world::Face;

struct Cli {
    root: std::path::PathBuf,
}

pub(crate) fn open(minidock: &Minidock) -> Box<dyn Face> {
    Box::new(Cli { root: minidock.root() })
}

impl Face for Cli {
    fn answer(&mut self, request: &Request) -> Answer {
        let mut words = Words::default();
        words.fill(request);
        let call = Call::new(stage::minidock()).args(["--root"]).args([&self.root]);
        let stdin = request.values.bytes("stdin").unwrap_or_default();
        let output = call.args(&words.0).input(stdin).run();
        let of_program = matches!(request.verb, "run" | "exec");
        match failure(&output, of_program) {
            Some(failed) => Answer::Failed(failed),
            None => Answer::Done(answer(request, &output)),
        }
    }
}

/// Errors of minidock's own begin with its name; a program's words do not.
fn failure(output: &Output, of_program: bool) -> Option<Failed> {
    let status = output.code.expect("minidock was killed by a signal");
    let message = output.stderr.lines().find_map(|line| line.strip_prefix("minidock: "));
    let failed = match of_program {
        true => matches!(status, 125..=127) && message.is_some(),
        false => status != 0,
    };
    let message = message.unwrap_or(&output.stderr).to_owned();
    failed.then_some(Failed { kind: Shown::Status(status), message })
}

fn answer(request: &Request, output: &Output) -> Values {
    let lines = |name: &str| {
        let mut lines: Vec<&str> = output.stdout.lines().collect();
        lines.sort_unstable();
        lines.iter().fold(Values::default(), |values, line| values.with(name, *line))
    };
    match request.verb {
        "import" | "create" | "build" => Values::default().with("id", output.line()),
        "images" | "containers" => lines("name"),
        "load" => output.stdout.lines().fold(Values::default(), |values, line| {
            values.with("name", line.strip_prefix("Loaded image: ").expect("a name"))
        }),
        "history" => {
            output.stdout.lines().fold(Values::default(), |all, line| all.with("step", line))
        }
        "inspect" | "inspect-image" => {
            let list: Vec<serde_json::Value> = serde_json::from_str(&output.stdout).expect("JSON");
            Values::default().with("json", list[0].to_string())
        }
        "wait" => Values::default().with("status", output.line()),
        "run" | "exec" => streams(output).with("status", output.code.unwrap_or(-1).to_string()),
        "logs" => streams(output),
        _ => Values::default(),
    }
}

fn streams(output: &Output) -> Values {
    Values::default().with("stdout", output.stdout.as_str()).with("stderr", output.stderr.as_str())
}

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn push(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn flag(&mut self, flag: &str, values: Vec<&str>) {
        values.iter().for_each(|value| self.push(&[flag, value]));
    }

    fn fill(&mut self, request: &Request) {
        let values = &request.values;
        let container = || values.one("container");
        match request.verb {
            "import" => {
                self.push(&["import"]);
                self.flag("--change", values.all("change"));
                self.push(&[values.one("file"), values.one("reference")]);
            }
            "load" => self.push(&["load", "-q", "-i", values.one("file")]),
            "save" => {
                self.push(&["save", "-o", values.one("file")]);
                self.push(&values.all("image"));
            }
            "images" => self.push(&["images", "--format", "{{.Repository}}:{{.Tag}}"]),
            "tag" => self.push(&["tag", values.one("image"), values.one("reference")]),
            "remove-image" => {
                self.push(&["rmi"]);
                self.switch("-f", values.has("force"));
                self.push(&[values.one("image")]);
            }
            "inspect-image" => self.push(&["image", "inspect", values.one("image")]),
            "history" => {
                let format = "{{.CreatedBy}}";
                self.push(&["history", "--no-trunc", "--format", format, values.one("image")]);
            }
            "build" => self.build(values),
            "run" => {
                self.push(&["run"]);
                self.switch("--rm", values.has("remove"));
                self.switch("-i", values.has("stdin"));
                self.container(values);
            }
            "create" => {
                self.push(&["create"]);
                self.container(values);
            }
            "exec" => {
                self.push(&["exec"]);
                self.switch("-i", values.has("stdin"));
                self.process(values);
                self.push(&[container()]);
                self.push(&values.all("arg"));
            }
            "stop" => self.push(&["stop", "-t", values.one("seconds"), container()]),
            "kill" => self.push(&["kill", "-s", values.one("signal"), container()]),
            "restart" => self.push(&["restart", "-t", "0", container()]),
            "start" | "wait" | "logs" => self.push(&[request.verb, container()]),
            "inspect" => self.push(&["container", "inspect", container()]),
            "containers" => self.push(&["ps", "-a", "--format", "{{.Names}}"]),
            "remove" => {
                self.push(&["rm"]);
                self.switch("-f", values.has("force"));
                self.push(&[container()]);
            }
            verb => panic!("the command line does not know {verb}"),
        }
    }

    fn switch(&mut self, flag: &str, on: bool) {
        if on {
            self.push(&[flag]);
        }
    }

    fn build(&mut self, values: &Values) {
        self.push(&["build", "-q", "--network", "none"]);
        self.flag("-t", values.all("tag"));
        self.flag("--build-arg", values.all("arg"));
        self.flag("--target", values.all("target"));
        self.switch("--no-cache", values.has("no-cache"));
        self.push(&[values.one("context")]);
    }

    fn process(&mut self, values: &Values) {
        self.flag("-e", values.all("env"));
        self.flag("-w", values.all("workdir"));
        self.flag("-u", values.all("user"));
    }

    fn container(&mut self, values: &Values) {
        self.push(&["--network", "none"]);
        self.process(values);
        for flag in ["name", "entrypoint", "volume", "label"] {
            self.flag(&format!("--{flag}"), values.all(flag));
        }
        self.switch("--read-only", values.has("read-only"));
        self.push(&[values.one("image")]);
        self.push(&values.all("arg"));
    }
}
