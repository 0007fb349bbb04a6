//! `.dockerignore` and path patterns: bounded in time, and a directory that may be passed over holds
//! nothing that is kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minidock_dockerfile::{Glob, IgnoreRules};

const PATHS: [&str; 6] = ["a", "a/b", "a/b/c", ".git/config", "node_modules/x/y.js", "ä/é"];

fuzz_target!(|bytes: &[u8]| {
    if let Ok(rules) = IgnoreRules::parse(bytes) {
        for path in PATHS {
            let Some((dir, _)) = path.rsplit_once('/') else { continue };
            if rules.can_prune(dir) {
                assert!(rules.is_ignored(path), "{path} is kept below {dir}");
            }
        }
    }
    if let Some(glob) = std::str::from_utf8(bytes).ok().and_then(|text| Glob::parse(text).ok()) {
        for path in PATHS {
            let Some((dir, _)) = path.rsplit_once('/') else { continue };
            if glob.matches(path) {
                assert!(glob.may_match_below(dir), "{path} below {dir}");
            }
        }
    }
});
