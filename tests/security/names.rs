//! R28: names of containers are names, never paths, options or terminal codes.

use crate::world::{World, refused_clearly};

fn hostile() -> Vec<String> {
    let fixed = [
        "",
        ".",
        "..",
        "../x",
        "../../x",
        "a/b",
        "/x",
        "a b",
        "a\nb",
        "\n",
        "a\tb",
        "-rf",
        "--rm",
        "_a",
        ".a",
        "a\u{1b}[31m",
        "\u{1b}]52;c;x\u{7}",
        "\u{430}pple",
        "a\u{202e}b",
        "é",
        "a:b",
        "a@b",
        "a%2fb",
        "a\\b",
        "a*",
        "$(id)",
        "a;b",
        "~",
    ];
    let mut names: Vec<String> = fixed.map(str::to_owned).to_vec();
    names.push("a".repeat(129));
    names.push("a".repeat(5_000));
    names
}

#[test]
fn hostile_names_are_refused_in_one_line_and_leave_nothing() {
    let world = World::with_base();
    for name in hostile() {
        for verb in ["run", "create"] {
            let output = world.run([verb, &format!("--name={name}"), "base", "true"]);
            let shown = name.escape_debug();
            assert_ne!(output.code, Some(0), "{shown}: {}", output.told());
            refused_clearly(&output);
            assert!(!output.stderr.contains('\u{1b}'), "{shown}: {}", output.told());
            assert!(output.stderr.len() < 1_000, "{shown}: {} bytes", output.stderr.len());
        }
    }
    let left = world.run(["ps", "--all", "--quiet"]);
    assert_eq!(left.succeeds().stdout, "");
    world.unharmed("hostile names");
    let beside: Vec<_> = std::fs::read_dir(world.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["store", "canary"].contains(&name.as_str()))
        .collect();
    assert!(beside.is_empty(), "{beside:?}");
}

#[test]
fn hostile_names_find_no_container() {
    let world = World::with_base();
    for name in hostile() {
        for verb in ["rm", "inspect", "logs", "stop", "kill", "wait", "start"] {
            let output = world.run([verb, "--", &name]);
            assert_ne!(output.code, Some(0), "{}", output.told());
            refused_clearly(&output);
            assert!(!output.stderr.contains('\u{1b}'), "{}", output.told());
        }
        let output = world.run(["exec", "--", &name, "true"]);
        refused_clearly(&output);
    }
    world.unharmed("hostile names");
}

#[test]
fn ordinary_names_are_taken() {
    let world = World::with_base();
    for name in ["a", "0", "a_b.c-d", &"a".repeat(128)] {
        world.run(["create", "--name", name, "base", "true"]).succeeds();
        world.run(["rm", name]).succeeds();
    }
}
