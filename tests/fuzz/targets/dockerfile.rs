//! Dockerfiles: parsed, cut into stages and expanded, or refused with the line shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minidock_dockerfile::{BuildArgs, Dockerfile, Escape, Expander, ParseError};

fn stages(file: &Dockerfile) -> Result<(), ParseError> {
    let args = BuildArgs::default();
    let stages = file.stages(&args)?;
    for stage in &stages.list {
        assert!(file.instructions_of(stage).len() <= file.instructions.len());
    }
    stages.needed_stages(None)?;
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let result = Dockerfile::parse(bytes).and_then(|file| stages(&file));
    if let Err(error) = result {
        assert!(!error.render("Dockerfile").is_empty());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let env = |name: &str| (name.len() < 3).then(|| "value".to_owned());
        for escape in [Escape::Backslash, Escape::Backtick] {
            let _refused_or_not = Expander::new(&env, escape).words(text);
        }
    }
});
