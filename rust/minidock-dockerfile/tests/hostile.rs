//! Input made to break a parser: size, depth, mutation. Every case ends with a value or an error
//! that has a line, in bounded time.

use std::time::{Duration, Instant};

use minidock_dockerfile::{
    BuildArgs, Dockerfile, Escape, ExpandError, Glob, IgnoreRules, Instruction, Kind, Mode, expand,
};

/// Far above what linear work needs on a slow machine, far below what quadratic work takes.
const LIMIT: Duration = Duration::from_secs(60);

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    assert!(start.elapsed() < LIMIT, "{what} took {:?}", start.elapsed());
    out
}

#[test]
fn a_line_of_100_mb() {
    let mut text = b"FROM a\nRUN ".to_vec();
    text.resize(100_000_000, b'x');
    let file = timed("RUN", || Dockerfile::parse(&text)).unwrap();
    let Kind::Run(_) = file.instructions[1].kind else { panic!() };
    drop(file);
    text[7..10].copy_from_slice(b"NUR");
    let error = timed("unknown", || Dockerfile::parse(&text)).unwrap_err();
    assert_eq!(error.line(), Some(2));
    assert!(error.render("D").len() < 1000);
}

#[test]
fn long_words_of_every_instruction() {
    let long = "x".repeat(500_000);
    for keyword in [
        "FROM",
        "RUN",
        "COPY",
        "ADD",
        "WORKDIR",
        "ENV",
        "ARG",
        "LABEL",
        "USER",
        "EXPOSE",
        "CMD",
        "ENTRYPOINT",
        "SHELL",
        "STOPSIGNAL",
        "VOLUME",
        "HEALTHCHECK",
        "ONBUILD",
        "MAINTAINER",
    ] {
        for text in [
            format!("{keyword} {long}"),
            format!("{keyword} --{long}"),
            format!("{keyword} a={long} {long}"),
            format!("{keyword} {}", "a=b ".repeat(100_000)),
            format!("{keyword} a {}", "\\\n".repeat(200_000)),
            format!("{keyword} {}", "<<E ".repeat(100_000)),
            format!("{keyword} [{}", "\"a\",".repeat(100_000)),
        ] {
            let outcome = timed(keyword, || Dockerfile::parse(text.as_bytes()));
            match outcome {
                Ok(file) => drop(timed(keyword, || file.instructions[0].expand(&|_| None))),
                Err(error) => assert!(error.line().is_some() && error.render("D").len() < 4_000),
            }
        }
    }
}

#[test]
fn many_heredocs_on_one_line() {
    let count = 50_000;
    let mut text = String::from("COPY ");
    (0..count).for_each(|n| text.push_str(&format!("<<E{n} ")));
    text.push_str("/d/\n");
    (0..count).for_each(|n| text.push_str(&format!("x\nE{n}\n")));
    let file = timed("heredocs", || Dockerfile::parse(text.as_bytes())).unwrap();
    let Kind::Copy(copy) = &file.instructions[0].kind else { panic!() };
    assert_eq!(copy.sources.len(), count);
}

#[test]
fn deep_nesting_is_an_error() {
    for depth in [64, 65, 10_000, 1_000_000] {
        let text = format!("{}z{}", "${a:-".repeat(depth), "}".repeat(depth));
        let out = expand(&text, &|_| None, Escape::Backslash, Mode::Word);
        match depth {
            64 => assert_eq!(out.unwrap().words, ["z"]),
            _ => assert_eq!(out, Err(ExpandError::Depth)),
        }
        let quoted = "\"${a:-".repeat(depth);
        assert!(expand(&quoted, &|_| None, Escape::Backslash, Mode::Word).is_err());
    }
    let file = format!("FROM a\nENV x={}\n", "${a:-".repeat(10_000));
    let file = Dockerfile::parse(file.as_bytes()).unwrap();
    assert_eq!(file.instructions[1].expand(&|_| None).unwrap_err().line(), Some(2));
    let json = format!("FROM a\nCMD {}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(Dockerfile::parse(json.as_bytes()).is_ok(), "as docker: a shell's line");
}

#[test]
fn values_cannot_blow_up() {
    let big = "x".repeat(200_000);
    let env = |_: &str| Some(big.clone());
    for text in ["$a$a$a$a$a$a$a$a", "${a//x/$a}", "\"$a$a$a$a$a$a\"", "${b:+$a$a$a$a$a$a}"] {
        let out = timed(text, || expand(text, &env, Escape::Backslash, Mode::Word));
        assert_eq!(out, Err(ExpandError::TooLong), "{text}");
    }
    let pattern = format!("${{a//{}y/z}}", "*x".repeat(2_000));
    let out = timed("pattern", || expand(&pattern, &env, Escape::Backslash, Mode::Word));
    assert!(matches!(out, Err(ExpandError::PatternWork { .. })), "{out:?}");
}

#[test]
fn patterns_do_not_backtrack() {
    let stars = "a*".repeat(200) + "b";
    let name = "a".repeat(4_000);
    assert!(!timed("glob", || Glob::parse(&stars).unwrap().matches(&name)));
    let deep = "**/a*".repeat(200) + "/b";
    let path = "a/".repeat(2_000) + "c";
    let rules = IgnoreRules::parse(deep.as_bytes()).unwrap();
    assert!(!timed("ignore", || rules.is_ignored(&path)));
}

#[test]
fn a_hundred_thousand_ignore_patterns() {
    let text: String = (0..100_000).map(|n| format!("dir{n}/**/*.o\n!dir{n}/keep\n")).collect();
    let rules = timed("parse", || IgnoreRules::parse(text.as_bytes())).unwrap();
    timed("match", || {
        assert!(rules.is_ignored("dir99999/a/b.o"));
        assert!(!rules.is_ignored("dir99999/keep/b.o"));
        assert!(!rules.can_prune("dir5"));
    });
}

/// A small deterministic generator (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

const SEED: &str = "# syntax=docker/dockerfile:1\n# escape=\\\nARG V=1\nFROM --platform=$P a:${V:-2} AS one\n\
RUN --mount=type=cache,target=/c --network=none a && \\\n  # c\n b <<EOF <<-'X'\n1\nEOF\n\t2\n\tX\n\
COPY --from=one --chown=1:1 [\"a b\", \"/x\"]\nADD <<E b* /x/\n${a//b/c}\nE\nENV a=\"b c\" d=${e%%.*}\nLABEL x y\n\
EXPOSE 80/tcp $p\nHEALTHCHECK --interval=1m30s CMD [\"x\"]\nONBUILD RUN y\nSHELL [\"/bin/sh\", \"-c\"]\n\
FROM one\nVOLUME /a\nUSER é\nSTOPSIGNAL 9\nWORKDIR '/q'\nENTRYPOINT []\n";

const PIECES: &[&str] = &[
    "\\", "\n", "\r\n", "\"", "'", "$", "${", "}", "[", "]", "<<", "<<-E", "--", "=", "`", "#",
    "\0", "\u{feff}", "é", "\\ud800", "*", "**", "!", "/", "..", ":-", "FROM ", "ONBUILD ", ",",
    " ", "\t",
];

fn mutated(numbers: &mut Numbers) -> Vec<u8> {
    let mut text = SEED.as_bytes().to_vec();
    for _ in 0..=numbers.below(8) {
        let at = numbers.below(text.len() + 1);
        match numbers.below(4) {
            0 => text.truncate(at.max(1)),
            1 => {
                let end = (at + numbers.below(20)).min(text.len());
                text.drain(at..end);
            }
            2 => text.insert(at, numbers.below(256) as u8),
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())].bytes();
                text.splice(at..at, piece);
            }
        }
        if text.is_empty() {
            text.push(b'F');
        }
    }
    text
}

#[test]
fn mutations_never_panic() {
    let mut numbers = Numbers(42);
    let end = Instant::now() + Duration::from_secs(1);
    let env = |name: &str| (name.len() == 1).then(|| "a.b b".to_string());
    let (mut good, mut bad) = (0, 0);
    // At least this many however slow the machine, at most a second beyond that.
    for round in 0.. {
        if round >= 500 && Instant::now() >= end {
            break;
        }
        let text = mutated(&mut numbers);
        // None of these may panic; an error of the file always has a line.
        drop(
            IgnoreRules::parse(&text).map(|rules| (rules.is_ignored("a/b"), rules.can_prune("a"))),
        );
        if let Ok(text) = std::str::from_utf8(&text) {
            drop(Glob::parse(text).map(|glob| glob.matches("a/b")));
            drop(Instruction::parse_trigger(text));
            for mode in [Mode::Word, Mode::Words, Mode::Heredoc] {
                drop(expand(text, &env, Escape::Backslash, mode));
            }
        }
        match Dockerfile::parse(&text) {
            Ok(file) => {
                good += 1;
                for instruction in &file.instructions {
                    if let Err(error) = instruction.expand(&env) {
                        assert!(error.line().is_some() && !error.render("D").is_empty());
                    }
                }
                if let Ok(stages) = file.stages(&BuildArgs::default()) {
                    assert!(!stages.needed_stages(None).unwrap().is_empty());
                }
            }
            Err(error) => {
                bad += 1;
                let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
                assert!(error.line().is_some_and(|line| (1..=lines).contains(&line)), "{error}");
                assert!(error.render("D").len() < 8_000);
            }
        }
    }
    assert!(good > 20 && bad > 20, "{good} good, {bad} bad");
}
