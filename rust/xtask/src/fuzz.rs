//! `cargo xtask fuzz`: builds the fuzz targets of `tests/fuzz` with libFuzzer's instrumentation and
//! runs each for a bounded time, as the user of the suites, from the corpus that the tree keeps:
//! for each target seeds made by hand, and an archive of inputs that were found. Only `--grow`
//! writes into the tree.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::account::Account;
use crate::call::Call;
use crate::error::Error;
use crate::stage::{self, Stage};
use crate::stream::{Streamed, stream};
use crate::workspace::{Workspace, cargo, host_triple};
use crate::{screen, setup};

/// The package of the targets.
pub(crate) const PACKAGE: &str = "minidock-fuzz";
/// What each target runs in the suite.
pub(crate) const SUITE_SECONDS: u32 = 60;
/// One input may not take longer, whatever it holds; generous, since the build asserts a lot and
/// the machine may be busy.
const SECONDS_PER_INPUT: u32 = 25;
const MEGABYTES: u32 = 1024;
/// What follows the target's name in the name of the archive of found inputs.
const FOUND: &str = "tar.gz";
/// What is given to a target beyond its time for reading the corpus and ending.
const GRACE: Duration = Duration::from_secs(180);

/// SanitizerCoverage as libFuzzer reads it (LLVM, "SanitizerCoverage"): the stable compiler has the
/// pass, and no sanitizer is needed where all code is safe.
const INSTRUMENTATION: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// How one target went.
pub(crate) struct Report {
    /// `fuzz reference`.
    pub(crate) name: String,
    /// Inputs tried, or what went wrong.
    pub(crate) result: Result<u64, String>,
    /// Wall-clock time.
    pub(crate) took: Duration,
}

/// The verb: every target whose name contains `filter`, each for `seconds`.
pub(crate) fn fuzz(filter: Option<&str>, seconds: u32, grow: bool) -> Result<(), Error> {
    setup::setup(setup::Purpose::Test)?;
    let reports = run(&Stage::open()?, filter, seconds, grow)?;
    if reports.is_empty() {
        return Err(Error::NothingMatched { filter: filter.unwrap_or_default().to_owned() });
    }
    let failed = reports.iter().filter(|report| report.result.is_err()).count();
    if failed == 0 { Ok(()) } else { Err(Error::TestsFailed) }
}

/// Builds and runs the targets, as many at once as there are processors.
pub(crate) fn run(
    stage: &Stage,
    filter: Option<&str>,
    seconds: u32,
    grow: bool,
) -> Result<Vec<Report>, Error> {
    screen::heading("fuzz targets");
    let workspace = Workspace::read()?;
    let account = Account::tester()?;
    let mut names = workspace.binaries(PACKAGE);
    names.retain(|name| filter.is_none_or(|filter| name.contains(filter)));
    let built = build(&workspace)?;
    let kept = workspace.root.join("tests/fuzz/corpus");
    let corpus = stage.mirror(&kept, "fuzz-corpus")?;
    let temporary = stage.temporary(&account)?;
    let mut targets = Vec::new();
    for name in names {
        let program = stage.path("tests").join(&name);
        stage.install(&built.join(&name), &program)?;
        let short = name.trim_start_matches("fuzz_").to_owned();
        let target = Target { program, seeds: corpus.join(&short), name: short };
        target.unpack()?;
        targets.push(target);
    }
    let reports = all(&targets, &account, &temporary, seconds)?;
    if grow {
        targets.iter().try_for_each(|target| target.grow(&account, &temporary, &kept))?;
    }
    stage::remove(&temporary)?;
    Ok(reports)
}

fn build(workspace: &Workspace) -> Result<PathBuf, Error> {
    let triple = host_triple()?;
    let target = workspace.target.join("fuzz");
    let flags = serde_json::Value::from(INSTRUMENTATION);
    cargo()
        .args(["build", "--quiet", "--package", PACKAGE, "--profile", "fuzz"])
        .args(["--target", &triple, "--config", &format!("target.{triple}.rustflags={flags}")])
        .arg("--target-dir")
        .arg(&target)
        // Flags in the environment would replace the ones given here.
        .without("RUSTFLAGS")
        .without("CARGO_ENCODED_RUSTFLAGS")
        .run()?;
    Ok(target.join(triple).join("fuzz"))
}

struct Target {
    name: String,
    program: PathBuf,
    seeds: PathBuf,
}

/// Each processor takes the next target until none is left.
fn all(
    targets: &[Target],
    account: &Account,
    temporary: &Path,
    seconds: u32,
) -> Result<Vec<Report>, Error> {
    let waiting = Mutex::new(targets.iter());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    let workers = thread::available_parallelism().map_or(1, usize::from).min(targets.len());
    let work = || {
        let mut reports = Vec::new();
        while let Some(target) = next() {
            let report = target.run(account, temporary, seconds)?;
            report.show();
            reports.push(report);
        }
        Ok(reports)
    };
    let done: Vec<Result<Vec<Report>, Error>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut reports = Vec::new();
    for each in done {
        reports.extend(each?);
    }
    reports.sort_by(|one, other| one.name.cmp(&other.name));
    if reports.len() == targets.len() { Ok(reports) } else { Err(Error::TestsFailed) }
}

impl Target {
    fn found(&self, temporary: &Path) -> PathBuf {
        temporary.join(format!("found-{}", self.name))
    }

    /// Always the same seed: a run differs from the last by speed alone.
    fn run(&self, account: &Account, temporary: &Path, seconds: u32) -> Result<Report, Error> {
        let script = "mkdir -p \"$1\" && shift && exec \"$@\"";
        let mut command = account.command("sh");
        let found = self.found(temporary);
        command.args(["-c", script, "sh"]).arg(&found).arg(&self.program);
        command.arg("-seed=1").arg("-print_final_stats=1").arg("-verbosity=1");
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-timeout={SECONDS_PER_INPUT}"));
        command.arg(format!("-rss_limit_mb={MEGABYTES}"));
        let mut prefix = OsString::from("-artifact_prefix=");
        prefix.push(found.join("failed-"));
        command.arg(prefix).arg(&found).arg(&self.seeds);
        command.current_dir(temporary).env("RUST_BACKTRACE", "1");
        let name = format!("fuzz {}", self.name);
        let limit = Duration::from_secs(seconds.into()) + GRACE;
        match stream(command, limit, false) {
            Ok(done) => Ok(Report { name, result: judge(&done), took: done.took }),
            Err(error @ Error::TimedOut { .. }) => {
                Ok(Report { name, result: Err(error.to_string()), took: limit })
            }
            Err(error) => Err(error),
        }
    }

    /// Inputs that were found in earlier runs are one archive: a small file each would be thousands.
    fn unpack(&self) -> Result<(), Error> {
        let archive = self.seeds.with_extension(FOUND);
        if !archive.exists() {
            return Ok(());
        }
        Call::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&self.seeds).run()
    }

    /// Replaces the archive by the fewest inputs that reach what seeds, archive and this run reached.
    fn grow(&self, account: &Account, temporary: &Path, kept: &Path) -> Result<(), Error> {
        let merged = temporary.join(format!("merged-{}", self.name));
        let script =
            "mkdir -p \"$1\" && \"$2\" -set_cover_merge=1 -max_len=8192 \"$1\" \"$3\" \"$4\"";
        let mut command = account.command("sh");
        command.args(["-c", script, "sh"]).arg(&merged).arg(&self.program);
        command.arg(&self.seeds).arg(self.found(temporary));
        let done = stream(command, GRACE, false)?;
        if done.code != Some(0) {
            return Err(Error::Failed {
                call: format!("{} -set_cover_merge=1", self.program.display()),
                status: format!("{:?}", done.code),
                stderr: done.text,
            });
        }
        let archive = kept.join(&self.name).with_extension(FOUND);
        Call::new("tar")
            .args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--mode=644"])
            .args(["--numeric-owner", "-I", "gzip -9n", "-cf"])
            .arg(&archive)
            .arg("-C")
            .arg(&merged)
            .args(stage::entries(&merged)?)
            .run()
    }
}

impl Report {
    fn show(&self) {
        let seconds = self.took.as_secs_f64();
        match &self.result {
            Ok(runs) => screen::say(&format!("{}: {runs} inputs in {seconds:.0} s", self.name)),
            Err(text) => screen::problem(&format!("{}: {text}", self.name)),
        }
    }
}

/// libFuzzer ends with 0 if no input failed; a target that tried none has proven nothing.
fn judge(done: &Streamed) -> Result<u64, String> {
    let tail = || {
        let from = done.text.char_indices().rev().nth(6000).map_or(0, |(at, _)| at);
        done.text[from..].to_owned()
    };
    let runs = done.text.lines().find_map(|line| {
        line.strip_prefix("stat::number_of_executed_units:")?.trim().parse::<u64>().ok()
    });
    match (done.code, runs) {
        (Some(0), Some(runs)) if runs > 0 => Ok(runs),
        (Some(0), _) => Err(format!("no input was tried\n{}", tail())),
        _ => Err(format!("an input failed\n{}", tail())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(code: Option<i32>, text: &str) -> Streamed {
        Streamed { code, text: text.to_owned(), held: false, took: Duration::ZERO }
    }

    #[test]
    fn a_run_counts_only_if_inputs_were_tried() {
        let tried = "INFO: x\nstat::number_of_executed_units: 17\n";
        assert_eq!(judge(&done(Some(0), tried)), Ok(17));
        assert!(judge(&done(Some(0), "stat::number_of_executed_units: 0\n")).is_err());
        assert!(judge(&done(Some(0), "")).is_err());
        assert!(judge(&done(Some(77), tried)).is_err());
        assert!(judge(&done(None, tried)).is_err());
    }
}
