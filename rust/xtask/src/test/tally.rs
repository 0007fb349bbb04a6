//! Counts what passed and failed and prints the summary. It reads libtest's own result lines;
//! an executable that ends without one, or with ignored tests, has failed.

use std::time::Duration;

use crate::error::Error;
use crate::fuzz::Report;
use crate::screen;

/// The counts so far.
#[derive(Default)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    lines: Vec<String>,
    problems: Vec<String>,
}

/// Sums of libtest's result lines.
#[derive(Debug, Default, PartialEq)]
struct Results {
    lines: usize,
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Tally {
    /// A check that passed.
    pub(super) fn pass(&mut self, name: &str) {
        self.passed += 1;
        self.lines.push(format!("{name}: ok"));
    }

    /// A fuzz target that ran; its output is on the screen already.
    pub(super) fn fuzzed(&mut self, report: &Report) {
        let seconds = report.took.as_secs_f64();
        match &report.result {
            Ok(runs) => {
                self.passed += 1;
                self.lines.push(format!("{}: {runs} inputs ({seconds:.1} s)", report.name));
            }
            Err(text) => self.problem(&report.name, text.lines().next().unwrap_or_default()),
        }
    }

    /// Something that failed.
    pub(super) fn problem(&mut self, name: &str, problem: &str) {
        self.failed += 1;
        self.problems.push(format!("{name}: {problem}"));
    }

    /// Nothing was counted at all.
    pub(super) fn is_empty(&self) -> bool {
        self.passed + self.failed == 0
    }

    /// Counts an executable by its exit status and output; says whether anything failed.
    pub(super) fn executable(
        &mut self,
        name: &str,
        code: Option<i32>,
        text: &str,
        took: Duration,
    ) -> bool {
        let before = self.failed;
        let results = Results::read(text);
        self.passed += results.passed;
        self.lines.push(format!(
            "{name}: {} passed, {} failed ({:.1} s)",
            results.passed,
            results.failed,
            took.as_secs_f64()
        ));
        for test in failed_tests(text) {
            self.problem(name, test);
        }
        if results.failed > self.failed - before {
            // Named or not, each failure that libtest counted is counted.
            let unnamed = results.failed - (self.failed - before);
            self.failed += unnamed - 1;
            self.problem(name, &format!("{unnamed} failures, named in the output above"));
        }
        if results.ignored > 0 {
            self.problem(name, &format!("{} ignored tests; none may be", results.ignored));
        }
        let ended_well = code == Some(0);
        if results.lines == 0 && ended_well && name != "doc" {
            self.problem(name, "it ended without a result");
        }
        if !ended_well && self.failed == before {
            let how = code.map_or("a signal".to_owned(), |code| format!("status {code}"));
            self.problem(name, &format!("it ended with {how}"));
        }
        self.failed > before
    }

    /// Prints the summary; its last line stands alone.
    pub(super) fn finish(self) -> Result<(), Error> {
        screen::heading("summary");
        self.lines.iter().for_each(|line| screen::say(line));
        self.problems.iter().for_each(|line| screen::say(&format!("FAILED {line}")));
        screen::say(&format!("{} passed, {} failed", self.passed, self.failed));
        if self.failed == 0 { Ok(()) } else { Err(Error::TestsFailed) }
    }
}

impl Results {
    /// Sums every line like `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
    fn read(text: &str) -> Self {
        let mut sum = Self::default();
        for line in text.lines() {
            let Some(counts) = line.strip_prefix("test result: ") else { continue };
            let count = |word: &str| {
                counts
                    .split([';', '.'])
                    .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
                    .unwrap_or(0)
            };
            sum.lines += 1;
            sum.passed += count("passed");
            sum.failed += count("failed");
            sum.ignored += count("ignored");
        }
        sum
    }
}

/// Names in lines like `test store::opens ... FAILED`.
fn failed_tests(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "running 2 tests\ntest a ... ok\ntest b ... ok\n\n\
        test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    const BAD: &str = "test a ... ok\ntest b ... FAILED\n\n\
        test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out\n";

    fn counted(code: Option<i32>, text: &str) -> (usize, usize, Vec<String>) {
        let mut tally = Tally::default();
        let failed = tally.executable("x", code, text, Duration::ZERO);
        assert_eq!(failed, tally.failed > 0);
        (tally.passed, tally.failed, tally.problems)
    }

    #[test]
    fn results_are_read_from_libtest() {
        assert_eq!(counted(Some(0), OK), (2, 0, vec![]));
        let (passed, failed, problems) = counted(Some(101), BAD);
        assert_eq!((passed, failed), (1, 2));
        assert_eq!(problems, ["x: b", "x: 1 ignored tests; none may be"]);
    }

    #[test]
    fn an_end_without_a_result_fails() {
        assert_eq!(counted(Some(0), "").1, 1);
        assert_eq!(counted(None, "test a ... ok\n").1, 1);
        // Counted as passed, but the process itself ended badly.
        assert_eq!(counted(Some(1), OK).1, 1);
    }

    #[test]
    fn failures_that_are_not_named_count_too() {
        let text = "test result: FAILED. 0 passed; 3 failed; 0 ignored\n";
        assert_eq!(counted(Some(101), text).1, 3);
    }
}
