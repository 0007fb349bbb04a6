//! The Rust crate as a face, inside of the test's own process.

use std::fs::File;
use std::io::{Read, Write};
use std::thread;

use minidock::build::{BuildOptions, ContextSource};
use minidock::container::{
    Attach, ClientStreams, ContainerOptions, ExecOptions, LogOptions, NetworkMode, RemoveOptions,
    StartOptions, Stream, parse,
};
use minidock::image::{ArchiveFormat, ImageFilter, ImportOptions, LoadOptions, Reference};
use minidock::store::ContainerId;
use minidock::{Bytes, Engine, EngineOptions, Error, Result, signal};
use minidock_tests::{Minidock, stage};

use crate::request::{Answer, Failed, Request, Shown, Values};
use crate::world::Face;

pub(crate) fn open(minidock: &Minidock) -> Box<dyn Face> {
    let options = EngineOptions {
        root: Some(minidock.root()),
        runtime: Some(stage::runtime()),
        ..EngineOptions::default()
    };
    Box::new(Engine::open(&options).expect("a store"))
}

impl Face for Engine {
    fn answer(&mut self, request: &Request) -> Answer {
        let values = &request.values;
        let done = match request.verb {
            "import" | "load" | "save" | "images" | "tag" | "remove-image" | "inspect-image"
            | "history" | "build" => image(self, request.verb, values),
            _ => container(self, request.verb, values),
        };
        match done {
            Ok(values) => Answer::Done(values),
            Err(error) => Answer::Failed(failed(&error)),
        }
    }
}

fn failed(error: &Error) -> Failed {
    let kind = Shown::Kind(error.kind().face().name.to_owned());
    Failed { kind, message: error.one_line() }
}

fn image(engine: &Engine, verb: &str, values: &Values) -> Result<Values> {
    let done = Values::default();
    match verb {
        "import" => {
            let options = ImportOptions {
                reference: Some(reference(values.one("reference"))?),
                changes: owned(&values.all("change")),
                ..ImportOptions::default()
            };
            let id = engine.import_image(open_file(values)?, &options)?;
            Ok(done.with("id", id.to_string()))
        }
        "load" => {
            let loaded = engine.load_images(open_file(values)?, &LoadOptions::default())?;
            let names = loaded.iter().flat_map(|image| &image.references);
            Ok(names.fold(done, |done, name| done.with("name", name.familiar())))
        }
        "save" => {
            let path = values.one("file");
            let file = File::create(path).map_err(|e| Error::io("cannot create the archive", e))?;
            engine.save_images(&values.all("image"), ArchiveFormat::Docker, file)?;
            Ok(done)
        }
        "images" => {
            let images = engine.list_images(&ImageFilter::default())?;
            let rows = images.iter().flat_map(|image| image.rows());
            let mut names: Vec<_> =
                rows.map(|row| format!("{}:{}", row.repository, row.tag)).collect();
            names.sort_unstable();
            Ok(names.into_iter().fold(done, |done, name| done.with("name", name)))
        }
        "tag" => {
            engine.tag_image(values.one("image"), &reference(values.one("reference"))?)?;
            Ok(done)
        }
        "remove-image" => {
            engine.remove_image(values.one("image"), values.has("force"))?;
            Ok(done)
        }
        "inspect-image" => {
            Ok(done.with("json", engine.inspect_image(values.one("image"))?.to_string()))
        }
        "history" => {
            let rows = engine.image_history(values.one("image"))?;
            Ok(rows.into_iter().fold(done, |done, row| done.with("step", row.created_by)))
        }
        _ => {
            let mut options = BuildOptions::new(ContextSource::parse(values.one("context"))?);
            for tag in values.all("tag") {
                options.tags.push(reference(tag)?);
            }
            for arg in values.all("arg") {
                let (name, value) = arg.split_once('=').expect("NAME=VALUE");
                options.build_args.insert(name.to_owned(), value.to_owned());
            }
            options.target = values.text("target").map(str::to_owned);
            options.no_cache = values.has("no-cache");
            options.network = NetworkMode::None;
            let built = engine.build(&options, &|event| drop(event))?;
            Ok(done.with("id", built.id.to_string()))
        }
    }
}

fn container(engine: &Engine, verb: &str, values: &Values) -> Result<Values> {
    let done = Values::default();
    let find = || engine.find_container(values.one("container"));
    match verb {
        "run" => run(engine, values),
        "create" => {
            let record = engine.create_container(&options(values)?)?;
            Ok(done.with("id", record.id.as_str()))
        }
        "start" => {
            engine.start_container(&find()?, StartOptions::default())?.detach()?;
            Ok(done)
        }
        "restart" => engine.restart_container(&find()?, Some(0)).map(|()| done),
        "wait" => {
            let exit = engine.wait_container(&find()?)?;
            Ok(done.with("status", exit.code.to_string()))
        }
        "exec" => exec(engine, &find()?, values),
        "logs" => {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            for line in engine.container_logs(&find()?, LogOptions::default())? {
                let line = line?;
                match line.stream {
                    Stream::Stdout => stdout.extend(line.bytes),
                    Stream::Stderr => stderr.extend(line.bytes),
                }
            }
            Ok(done.with("stdout", stdout).with("stderr", stderr))
        }
        "stop" => {
            let seconds = values.one("seconds").parse().expect("a number");
            engine.stop_container(&find()?, Some(seconds)).map(|()| done)
        }
        "kill" => {
            let signal = signal::parse(values.one("signal"))?;
            engine.kill_container(&find()?, signal).map(|()| done)
        }
        "inspect" => {
            let json = engine.inspect_container(values.one("container"))?;
            Ok(done.with("json", json.to_string()))
        }
        "containers" => {
            let mut names: Vec<String> = engine
                .containers()?
                .into_iter()
                .map(|container| container.record.name.to_string())
                .collect();
            names.sort_unstable();
            Ok(names.into_iter().fold(done, |done, name| done.with("name", name)))
        }
        "remove" => {
            let options = RemoveOptions { force: values.has("force"), volumes: false };
            engine.remove_container(&find()?, options).map(|()| done)
        }
        verb => panic!("the crate does not know {verb}"),
    }
}

fn options(values: &Values) -> Result<ContainerOptions> {
    let mut options = ContainerOptions::new(values.one("image"));
    options.command = bytes(values.all("arg"));
    options.entrypoint = values.text("entrypoint").map(|text| bytes(vec![text]));
    options.name = values.text("name").map(str::parse).transpose()?;
    options.env = bytes(values.all("env"));
    options.workdir = values.text("workdir").map(Bytes::from);
    options.user = values.text("user").map(str::to_owned);
    options.read_only = values.has("read-only");
    options.network = NetworkMode::None;
    options.auto_remove = values.has("remove");
    options.stdin_open = values.has("stdin");
    for volume in values.all("volume") {
        options.mounts.push(parse::volume(volume)?);
    }
    for label in values.all("label") {
        let (name, value) = parse::label(label)?;
        options.labels.insert(name, value);
    }
    Ok(options)
}

fn run(engine: &Engine, values: &Values) -> Result<Values> {
    let created = engine.prepare_container(&options(values)?)?;
    let attach = Attach { stdin: values.has("stdin"), ..Attach::OUTPUT };
    let start = StartOptions { attach, owned: true, ..StartOptions::default() };
    let mut running = engine.start_created(created, start)?;
    let done = carry(std::mem::take(&mut running.streams), values);
    let exit = running.wait()?;
    Ok(done.with("status", exit.code.to_string()))
}

fn exec(engine: &Engine, id: &ContainerId, values: &Values) -> Result<Values> {
    let options = ExecOptions {
        args: bytes(values.all("arg")),
        env: bytes(values.all("env")),
        workdir: values.text("workdir").map(Bytes::from),
        user: values.text("user").map(str::to_owned),
        attach: Attach { stdin: values.has("stdin"), ..Attach::OUTPUT },
        owned: true,
        ..ExecOptions::default()
    };
    let mut executing = engine.exec_container(id, &options)?;
    let done = carry(std::mem::take(&mut executing.streams), values);
    let exit = executing.wait()?;
    Ok(done.with("status", exit.code.to_string()))
}

/// All three streams at once, since any of them may fill first.
fn carry(streams: ClientStreams, values: &Values) -> Values {
    let input = values.bytes("stdin").unwrap_or_default().to_vec();
    thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(mut stdin) = streams.stdin {
                // A program need not read all of its input.
                let _closed_early = stdin.write_all(&input);
            }
        });
        let stderr = scope.spawn(|| read(streams.stderr));
        let stdout = read(streams.stdout);
        Values::default().with("stdout", stdout).with("stderr", stderr.join().expect("a reader"))
    })
}

fn read(stream: Option<File>) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.expect("a stream").read_to_end(&mut bytes).expect("output");
    bytes
}

fn reference(text: &str) -> Result<Reference> {
    text.parse().map_err(Error::from)
}

fn open_file(values: &Values) -> Result<File> {
    File::open(values.one("file")).map_err(|error| Error::io("cannot open the archive", error))
}

fn bytes(texts: Vec<&str>) -> Vec<Bytes> {
    texts.into_iter().map(Bytes::from).collect()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
