//! `.dockerignore`, COPY wildcards and source paths: tables written from the documented meaning.

use minidock_dockerfile::{
    Glob, IgnoreError, IgnoreRules, SourcePathError, clean_source, is_pattern,
};

#[test]
fn ignore_rules() {
    // Rules, ignored paths, kept paths.
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("", &[], &["a", "a/b"]),
        ("a", &["a", "a/b", "a/b/c", "./a", "/a"], &["b", "ab", "b/a"]),
        ("/a/", &["a", "a/b"], &["b/a"]),
        ("./a//b/../c", &["a/c", "a/c/d"], &["a/b"]),
        ("  a  \r\n\tb\t", &["a", "b"], &["c"]),
        ("# a\n #b\nc", &["c", "#b"], &["a", "# a", "b"]),
        ("\u{feff}a", &["a"], &[]),
        ("*", &["a", "a/b", ".x"], &["."]),
        ("*.md", &["a.md", ".md"], &["d/a.md", "a.mdx"]),
        ("*/*.md", &["d/a.md"], &["a.md", "d/e/a.md"]),
        ("a?c", &["abc", "aéc", "abc/d"], &["ac", "a/c", "abbc"]),
        ("[ab]x", &["ax", "bx"], &["cx"]),
        ("[^ab]x", &["cx"], &["ax"]),
        ("[a-c]", &["b"], &["d"]),
        ("a\\*b", &["a*b"], &["axb"]),
        ("a.b+(c)|$", &["a.b+(c)|$"], &["aXb+(c)|$"]),
        ("**", &["a", "a/b"], &["."]),
        ("**/a", &["a", "x/a", "x/y/a", "x/a/z"], &["xa", "b"]),
        ("**/*.go", &["a.go", "x/a.go", "x/y/a.go"], &["a.gox"]),
        ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
        ("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/b/z"], &["ab", "a/xb", "b"]),
        ("**/a/**", &["a/x", "y/a/x"], &["a", "y/a"]),
        ("a**", &["a", "ab", "ab/c"], &["ba"]),
        ("a**/b", &["a/b", "ax/b"], &["a"]),
        ("**/**/x", &["x", "a/x", "a/b/x"], &["xx"]),
        ("*\n!a", &["b", "b/a"], &["a", "a/x"]),
        ("*.md\n!README.md", &["a.md"], &["README.md"]),
        ("*.md\n!README*.md\nREADME-secret.md", &["README-secret.md", "a.md"], &["README.md"]),
        ("*.md\nREADME-secret.md\n!README*.md", &["a.md"], &["README-secret.md"]),
        ("a\n!a/b", &["a", "a/c"], &["a/b", "a/b/c"]),
        ("a\n! a/b ", &["a/c"], &["a/b"]),
        ("a\n!/a/b", &["a/c"], &["a/b"]),
        ("*\n!a/b\na", &["a", "a/b"], &[]),
        ("!a", &[], &["a"]),
        ("../x\n.", &[], &["x", "y"]),
        (
            "**/.git\n**/node_modules/*",
            &[".git/x", "a/.git", "b/node_modules/c"],
            &["node_modules", "git"],
        ),
        ("dir/*\n!dir/keep/**", &["dir/keep", "dir/x"], &["dir/keep/a", "dir/keep/a/b"]),
    ];
    for (text, ignored, kept) in rows {
        let rules = IgnoreRules::parse(text.as_bytes()).unwrap();
        for path in *ignored {
            assert!(rules.is_ignored(path), "{path} by {text:?}");
        }
        for path in *kept {
            assert!(!rules.is_ignored(path), "{path} by {text:?}");
        }
    }
}

#[test]
fn pruning_never_loses_a_kept_path() {
    for (text, dir, want) in [
        ("a", "a", true),
        ("a", "b", false),
        ("a", ".", false),
        ("*", "a", true),
        ("*\n!a/b", "a", false),
        ("*\n!a/b", "c", true),
        ("*\n!a/b", "a/b", false),
        ("*\n!ab", "a", true),
        ("*\n!**/x", "a/b", false),
        ("*\n!a/*/x", "a/b", false),
        ("*\n!a/*/x", "b", true),
        ("*\n!a**", "a/b", false),
        ("*\n!a/b/**", "a", false),
        ("*\n!a/[bc]", "a", false),
        ("*\n!a/[bc]", "b", true),
        ("!a/b\n*", "a", true),
        ("a\n!a/b\na/b", "a", false),
        ("a/*", "a", false),
        ("a/**", "a", false),
    ] {
        let rules = IgnoreRules::parse(text.as_bytes()).unwrap();
        assert_eq!(rules.can_prune(dir), want, "{dir} by {text:?}");
    }
}

/// The property behind pruning, over every small rule set and tree.
#[test]
fn pruned_directories_hold_nothing_kept() {
    let patterns = ["a", "*", "a/b", "**/b", "a/*", "?/b", "a/**", "[ab]", "**/a/b"];
    let mut rules = Vec::new();
    for first in patterns {
        for second in patterns {
            for third in patterns {
                rules.push(format!("{first}\n!{second}\n{third}"));
                rules.push(format!("{first}\n!{second}\n!{third}"));
            }
        }
    }
    let names = ["a", "b", "c"];
    let mut pruned = 0;
    for text in rules {
        let rules = IgnoreRules::parse(text.as_bytes()).unwrap();
        for dir in
            names.iter().flat_map(|a| names.map(|b| [a.to_string(), format!("{a}/{b}")])).flatten()
        {
            if !rules.can_prune(&dir) {
                continue;
            }
            pruned += 1;
            for below in names
                .iter()
                .flat_map(|a| names.map(|b| [a.to_string(), format!("{a}/{b}")]))
                .flatten()
            {
                let path = format!("{dir}/{below}");
                assert!(rules.is_ignored(&path), "{path} by {text:?}");
            }
        }
    }
    assert!(pruned > 1000, "{pruned}");
}

#[test]
fn ignore_errors_have_their_line() {
    for (text, line) in [
        (&b"a\n!\n"[..], 2),
        (b"a\nb\n! \n", 3),
        (b"a\n[b\n", 2),
        (b"a\\\n", 1),
        (b"[]\n", 1),
        (b"a\n\xff", 2),
        (b"a\0b", 1),
    ] {
        let error = IgnoreRules::parse(text).unwrap_err();
        assert_eq!(error.line(), line, "{error}");
        assert!(error.to_string().starts_with(&format!("line {line}: ")), "{error}");
    }
    let bad = IgnoreRules::parse(b"x[").unwrap_err();
    assert!(matches!(bad, IgnoreError::Pattern { .. }));
}

#[test]
fn globs() {
    for (pattern, path, want) in [
        ("abc", "abc", true),
        ("*", "abc", true),
        ("*c", "abc", true),
        ("a*", "ab/c", false),
        ("a*/b", "abc/b", true),
        ("a*/b", "a/c/b", false),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
        ("a*b?c*x", "abxbbxdbxebxczzx", true),
        ("a*b?c*x", "abxbbxdbxebxczzy", false),
        ("ab[c]", "abc", true),
        ("ab[b-d]", "abc", true),
        ("ab[e-g]", "abc", false),
        ("ab[^c]", "abc", false),
        ("ab[^e-g]", "abc", true),
        ("a\\*b", "a*b", true),
        ("a\\*b", "ab", false),
        ("a?b", "a☺b", true),
        ("a[^a]b", "a☺b", true),
        ("a???b", "a☺b", false),
        ("a[^a][^a][^a]b", "a☺b", false),
        ("[a-ζ]*", "α", true),
        ("*[a-ζ]", "A", false),
        ("a?b", "a/b", false),
        ("a*b", "a/b", false),
        ("[\\]a]", "]", true),
        ("[\\-]", "-", true),
        ("[x\\-]", "x", true),
        ("[x\\-]", "z", false),
        ("[\\-x]", "a", false),
        ("*x", "xxx", true),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(Glob::parse(pattern).unwrap().matches(path), want, "{pattern} {path}");
    }
    for bad in ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a/b[", "\\"] {
        assert!(Glob::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn walking_for_a_glob() {
    let glob = Glob::parse("a*/b/*.c").unwrap();
    for (dir, want) in [
        (".", true),
        ("", true),
        ("ax", true),
        ("ax/b", true),
        ("x", false),
        ("ax/c", false),
        ("ax/b/c", false),
    ] {
        assert_eq!(glob.may_match_below(dir), want, "{dir}");
    }
}

#[test]
fn source_paths() {
    for (path, want) in [
        ("a", "a"),
        ("/a", "a"),
        ("//a/", "a"),
        (".", "."),
        ("./", "."),
        ("..", "."),
        ("../../a", "a"),
        ("a/../../../b", "b"),
        ("a/./b//c/", "a/b/c"),
        ("a/..", "."),
        ("...", "..."),
        ("a\\..\\b", "a\\..\\b"),
    ] {
        assert_eq!(clean_source(path).as_deref(), Ok(want), "{path}");
    }
    assert_eq!(clean_source(""), Err(SourcePathError::Empty));
    assert_eq!(clean_source("a\0"), Err(SourcePathError::Nul));
    for (path, want) in
        [("a*", true), ("a?", true), ("[a]", true), ("a\\*", true), ("a", false), ("a]", false)]
    {
        assert_eq!(is_pattern(path), want, "{path}");
    }
}
