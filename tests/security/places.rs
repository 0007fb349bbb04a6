//! The places where a program of a container can run. What holds in one must hold in all.

use crate::world::World;

/// What one program printed in each place.
pub(crate) struct Everywhere {
    pub(crate) init: String,
    pub(crate) exec: String,
    pub(crate) run: String,
}

impl Everywhere {
    /// Runs `/probe WORDS` as the first process of a container, by exec, and by RUN.
    pub(crate) fn probe(world: &World, flags: &[&str], image: &str, words: &[&str]) -> Self {
        let words: Vec<&str> = std::iter::once("/probe").chain(words.iter().copied()).collect();
        let mut call = vec!["run", "--rm"];
        call.extend(flags);
        call.push(image);
        call.extend(&words);
        let init = world.run(call);
        let exec = world.start("exec", flags, image).exec(&words);
        Self {
            init: init.succeeds().stdout.clone(),
            exec: exec.succeeds().stdout.clone(),
            run: run(world, image, &words),
        }
    }

    /// Each with its name.
    pub(crate) fn each(&self) -> [(&'static str, &str); 3] {
        [("init", &self.init), ("exec", &self.exec), ("RUN", &self.run)]
    }
}

/// What RUN prints is in the image's /tmp/out.
fn run(world: &World, image: &str, words: &[&str]) -> String {
    let mut line = vec![words[0], "-o", "/tmp/out"];
    line.extend(&words[1..]);
    let dockerfile = format!("FROM {image}\nRUN {line:?}\n");
    let context = world.context("run", &dockerfile);
    world.call(["build", "--no-cache", "-q", "-t", "run"]).args([context]).run().succeeds();
    world.run(["run", "--rm", "run", "cat", "/tmp/out"]).succeeds().stdout.clone()
}

/// The values of `name=value` lines with this name.
pub(crate) fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

/// The only value of this name.
#[track_caller]
pub(crate) fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let found = values(text, name);
    assert_eq!(found.len(), 1, "{name} in {text}");
    found[0]
}
