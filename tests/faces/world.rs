//! What a scenario has: a store of its own with the image `base`, a directory, and a face.

use std::fs;
use std::path::{Path, PathBuf};

use minidock_tests::{Minidock, base};

use crate::request::{Answer, Failed, Request, Shown, Values};

/// A way to use minidock.
pub(crate) trait Face {
    fn answer(&mut self, request: &Request) -> Answer;
}

/// Opens a face over a store.
pub(crate) type Open = fn(&Minidock) -> Box<dyn Face>;

pub(crate) struct World {
    // Dropped first: it may hold the store open.
    face: Box<dyn Face>,
    minidock: Minidock,
}

/// A request being put together.
pub(crate) struct Ask<'a> {
    world: &'a mut World,
    request: Request,
}

impl World {
    pub(crate) fn new(open: Open) -> Self {
        let minidock = Minidock::new();
        let mut world = Self { face: open(&minidock), minidock };
        let tar = world.file("base.tar");
        base::busybox_tar(Path::new(&tar)).unwrap();
        world
            .ask("import")
            .with("file", &tar)
            .with("reference", "base")
            .with("change", "CMD [\"sh\"]")
            .done();
        world
    }

    /// A path in the scenario's directory.
    pub(crate) fn file(&self, name: &str) -> String {
        self.minidock.dir().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file below the scenario's directory, with the directories above it.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.minidock.dir().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn ask(&mut self, verb: &'static str) -> Ask<'_> {
        Ask { world: self, request: Request { verb, values: Values::default() } }
    }

    /// Runs a shell script in a container of `base` that is removed.
    pub(crate) fn sh(&mut self, script: &str) -> Ask<'_> {
        self.ask("run").with("image", "base").with("remove", "").args(&["sh", "-c", script])
    }

    pub(crate) fn images(&mut self) -> Vec<String> {
        self.ask("images").done().all("name").into_iter().map(str::to_owned).collect()
    }

    pub(crate) fn containers(&mut self) -> Vec<String> {
        self.ask("containers").done().all("name").into_iter().map(str::to_owned).collect()
    }
}

impl Drop for World {
    /// A failed scenario leaves no container to the next one.
    fn drop(&mut self) {
        for name in self.minidock.run(["ps", "-aq"]).stdout.lines() {
            let _gone_already = self.minidock.run(["rm", "-f", name]);
        }
    }
}

impl Ask<'_> {
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request.values.add(name, value.as_ref());
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        args.iter().for_each(|arg| self.request.values.add("arg", *arg));
        self
    }

    /// It succeeds.
    pub(crate) fn done(self) -> Values {
        match self.world.face.answer(&self.request) {
            Answer::Done(values) => values,
            Answer::Failed(failed) => panic!("{:?}: {failed:?}", self.request),
        }
    }

    /// It succeeds, and the program ends with this status and these words on stdout.
    pub(crate) fn prints(self, status: i32, stdout: &str) -> Values {
        let shown = format!("{:?}", self.request);
        let values = self.done();
        assert_eq!(
            (values.one("status"), values.one("stdout")),
            (&*status.to_string(), stdout),
            "{shown}"
        );
        values
    }

    /// It fails with this kind, and a message that contains these words.
    pub(crate) fn fails(self, kind: &str, words: &str) -> Failed {
        let failed = match self.world.face.answer(&self.request) {
            Answer::Done(values) => panic!("{:?} succeeded: {values:?}", self.request),
            Answer::Failed(failed) => failed,
        };
        let of_program = matches!(self.request.verb, "run" | "exec");
        match &failed.kind {
            Shown::Kind(shown) => assert_eq!(shown, kind, "{:?}: {failed:?}", self.request),
            Shown::Status(shown) => {
                let expected = statuses(kind, of_program);
                assert!(expected.contains(shown), "{:?}: {failed:?}", self.request);
            }
        }
        assert!(failed.message.contains(words), "{words:?} is not in {failed:?}");
        failed
    }
}

/// The exit statuses that stand for a kind (README.md, "Exit statuses"): what the command line
/// itself refuses is a matter of its usage.
fn statuses(kind: &str, of_program: bool) -> &'static [i32] {
    match (of_program, kind) {
        (true, "COMMAND_NOT_FOUND") => &[127],
        (true, "COMMAND_NOT_EXECUTABLE") => &[126],
        (true, _) => &[125],
        (false, "INVALID_INPUT") => &[1, 2],
        (false, _) => &[1],
    }
}
