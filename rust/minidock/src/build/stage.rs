//! A stage as far as it is built: settings, layers, arguments in force.

use jiff::Timestamp;
use minidock_dockerfile::{ArgVar, BuildArgs, Stages, is_proxy_arg};
use minidock_image::config::{History, ImageConfig};
use minidock_image::digest::Digest;
use minidock_proto::Bytes;

use super::plan::UsedImage;
use crate::image::{StageSettings, host_platform};
use crate::store::LocalId;

/// What shell forms are run with where the image says nothing (docker's default for Linux).
const SHELL: [&str; 2] = ["/bin/sh", "-c"];
/// PATH of an image that is built on nothing (docker's).
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A stage.
#[derive(Debug, Clone)]
pub(super) struct StageState {
    /// Its name, else its number.
    pub(super) label: String,
    /// Settings and history; diff-ids are those of the image at its bottom.
    pub(super) config: ImageConfig,
    /// Lowest first.
    pub(super) layers: Vec<LocalId>,
    /// What settings remember.
    pub(super) settings: StageSettings,
    /// Arguments in force, in the order of their declaration.
    pub(super) args: Vec<(String, String)>,
    /// The key of the last step that made a layer.
    pub(super) tip: Option<Digest>,
    /// Its layers are layers of the image that is asked for.
    pub(super) in_image: bool,
}

impl StageState {
    fn new(label: String, config: ImageConfig, layers: Vec<LocalId>) -> Self {
        Self {
            label,
            config,
            layers,
            settings: StageSettings::default(),
            args: Vec::new(),
            tip: None,
            in_image: false,
        }
    }

    /// On nothing.
    pub(super) fn scratch(label: String) -> Self {
        let host = host_platform();
        let mut config = ImageConfig {
            architecture: host.architecture,
            variant: host.variant,
            os: host.os,
            ..ImageConfig::default()
        };
        config.config.env = vec![PATH.to_owned()];
        config.config.working_dir = "/".to_owned();
        Self::new(label, config, Vec::new())
    }

    /// On an image; its triggers run now and are not handed on.
    pub(super) fn on_image(label: String, image: &UsedImage) -> Self {
        let mut config = image.config.clone();
        config.config.on_build.clear();
        Self::new(label, config, image.layers.clone())
    }

    /// On another stage.
    pub(super) fn on_stage(label: String, base: &Self) -> Self {
        let mut config = base.config.clone();
        config.config.on_build.clear();
        Self { tip: base.tip, ..Self::new(label, config, base.layers.clone()) }
    }

    /// A variable as an instruction sees it: ENV before ARG.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let env = self.config.config.env.iter().find_map(|entry| {
            let (known, value) = entry.split_once('=')?;
            (known == name).then(|| value.to_owned())
        });
        let arg = || self.args.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
        env.or_else(arg)
    }

    /// Puts arguments in force; gives each with the value it has from now on.
    pub(super) fn declare(
        &mut self,
        vars: &[ArgVar],
        stages: &Stages,
        args: &BuildArgs,
    ) -> Vec<(String, Option<String>)> {
        let mut declared = Vec::with_capacity(vars.len());
        for var in vars {
            let value = stages.arg_value(var, args);
            if let Some(value) = &value {
                self.args.retain(|(name, _)| *name != var.name);
                self.args.push((var.name.clone(), value.clone()));
            }
            declared.push((var.name.clone(), value));
        }
        declared
    }

    /// Arguments that a command sees: ENV hides those of its names.
    pub(super) fn args_in_use(&self) -> Vec<(String, String)> {
        let hidden = |name: &str| {
            let mut names = self.config.config.env.iter().filter_map(|e| e.split_once('='));
            names.any(|(known, _)| known == name)
        };
        self.args.iter().filter(|(name, _)| !hidden(name)).cloned().collect()
    }

    /// The environment that a command's result may depend on.
    pub(super) fn environment(&self) -> Vec<String> {
        // An entry without a name must not name anything of the host.
        let named = |entry: &&String| entry.find('=').is_some_and(|at| at > 0);
        let args = self.args_in_use().into_iter().map(|(name, value)| format!("{name}={value}"));
        self.config.config.env.iter().filter(named).cloned().chain(args).collect()
    }

    /// The whole environment of a command: with docker's proxy arguments, which stay out of keys
    /// and history.
    pub(super) fn environment_with_proxies(&self, args: &BuildArgs) -> Vec<Bytes> {
        let proxies = args.given.iter().filter(|(name, _)| is_proxy_arg(name));
        let proxies = proxies.filter(|(name, _)| self.variable(name).is_none());
        let proxies = proxies.map(|(name, value)| format!("{name}={value}"));
        self.environment().into_iter().chain(proxies).map(Bytes::from).collect()
    }

    /// The command of a shell form.
    pub(super) fn shell_command(&self, text: String) -> Vec<String> {
        let shell = &self.config.config.shell;
        let mut command = match shell.is_empty() {
            true => SHELL.map(str::to_owned).to_vec(),
            false => shell.clone(),
        };
        command.push(text);
        command
    }

    /// The working directory, absolute.
    pub(super) fn workdir(&self) -> String {
        absolute("/", &self.config.config.working_dir)
    }

    /// Notes a step that made a layer; `created` is the layer's time, in seconds since 1970. The
    /// same layers so give the same image, however long ago they were made.
    pub(super) fn add_layer(&mut self, layer: LocalId, created: i64, key: Digest, line: String) {
        self.layers.push(layer);
        self.tip = Some(key);
        if let Ok(time) = Timestamp::from_second(created) {
            self.config.created = Some(time.to_string());
        }
        self.note(line, false);
    }

    /// Notes a step in the history.
    pub(super) fn note(&mut self, line: String, empty_layer: bool) {
        let created = self.config.created.clone();
        let entry = History { created, created_by: line, empty_layer, ..History::default() };
        self.config.history.push(entry);
    }
}

/// A path counted from a directory, without `.`, `..` and doubled slashes.
pub(super) fn absolute(from: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{from}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use minidock_dockerfile::{Dockerfile, Kind};

    use super::*;

    #[test]
    fn paths() {
        for (from, path, want) in [
            ("/", "", "/"),
            ("/a", "b", "/a/b"),
            ("/a", "./", "/a"),
            ("/a", "/b//c/.", "/b/c"),
            ("/a", "../../../etc", "/etc"),
        ] {
            assert_eq!(absolute(from, path), want);
        }
    }

    fn declare(stage: &mut StageState, text: &str, given: &[(&str, &str)]) {
        let text = format!("ARG G=global\nFROM scratch\n{text}\n");
        let file = Dockerfile::parse(text.as_bytes()).unwrap();
        let given = given.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let args = BuildArgs { given, ..BuildArgs::default() };
        let stages = file.stages(&args).unwrap();
        for instruction in file.instructions_of(&stages.list[0]) {
            if let Kind::Arg(arg) = &instruction.kind {
                stage.declare(&arg.vars, &stages, &args);
            }
        }
    }

    #[test]
    fn arguments_and_environment() {
        let mut stage = StageState::scratch("0".into());
        declare(&mut stage, "ARG A=1 B G\nARG PATH=/x\nARG C=3", &[("C", "4")]);
        assert_eq!(stage.variable("A").as_deref(), Some("1"));
        assert_eq!(stage.variable("B"), None);
        assert_eq!(stage.variable("C").as_deref(), Some("4"));
        assert_eq!(stage.variable("G").as_deref(), Some("global"));
        // ENV wins over ARG.
        assert_eq!(stage.variable("PATH").as_deref(), PATH.strip_prefix("PATH="));
        assert_eq!(stage.environment(), [PATH, "A=1", "G=global", "C=4"]);
    }

    #[test]
    fn proxies_are_in_the_command_alone() {
        let stage = StageState::scratch("0".into());
        let given = [("HTTP_PROXY", "http://u:p@h"), ("OTHER", "x")];
        let given = given.map(|(n, v)| (n.to_owned(), v.to_owned())).into_iter().collect();
        let args = BuildArgs { given, ..BuildArgs::default() };
        let all = stage.environment_with_proxies(&args);
        assert_eq!(all, [Bytes::from(PATH), Bytes::from("HTTP_PROXY=http://u:p@h")]);
        assert_eq!(stage.environment(), [PATH]);
    }

    #[test]
    fn times_come_from_layers() {
        let mut stage = StageState::scratch("0".into());
        stage.note("ENV A=1".into(), true);
        stage.add_layer(LocalId::random().unwrap(), 1_700_000_000, Digest::of(b""), "RUN x".into());
        stage.note("CMD x".into(), true);
        let times: Vec<_> = stage.config.history.iter().map(|h| h.created.as_deref()).collect();
        let time = Some("2023-11-14T22:13:20Z");
        assert_eq!(times, [None, time, time]);
    }
}
