//! Log-ins with Debian's docker-registry and its htpasswd.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::debian::{Debian, Setup};
use crate::scene::Scene;

/// The user `me` with the password `right` (bcrypt with little work, so that the test is quick).
const HTPASSWD: &str = "me:$2b$05$abcdefghijklmnopqrstuu8xaCxxL82bnl.UY74PMksDxIJShppPC\n";

fn registry() -> Debian {
    Debian::with(&Setup { htpasswd: Some(HTPASSWD), ..Setup::default() })
}

fn log_in(scene: &Scene, registry: &Debian, password: &str) -> minidock_tests::Output {
    let words = ["login", "-u", "me", "--password-stdin", &registry.name()].map(str::to_owned);
    scene.call(words).input(password).run()
}

#[test]
fn in_and_out() {
    let (registry, scene) = (registry(), Scene::new());
    let name = format!("{}/app", registry.name());
    scene.ok(&format!("tag busybox {name}"));
    let refused = scene.fails(&format!("push {name}"));
    assert!(refused.contains(" refuses app@sha256:"), "{refused}");
    assert!(!refused.contains("compressing"), "{refused}");
    assert!(refused.contains(&format!("minidock login {}", registry.name())), "{refused}");

    let wrong = log_in(&scene, &registry, "wrong");
    wrong.exits(1).stderr_has("refuses the log-in");
    assert!(!scene.docker_config().exists(), "a log-in that fails is not kept");

    let right = log_in(&scene, &registry, "right\n");
    right.succeeds().stdout_has("Login Succeeded").stderr_has("kept unencrypted in");
    assert!(!right.stderr.contains("right"), "{}", right.told());
    let meta = fs::metadata(scene.docker_config()).unwrap();
    assert_eq!(meta.mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(scene.dir().join("docker")).unwrap().mode() & 0o777, 0o700);

    scene.ok(&format!("push {name}"));
    scene.ok(&format!("rmi {name}"));
    assert_eq!(scene.echo(&name), "here\n");
    scene.ok(&format!("rmi {name}"));
    // What docker wrote is what containers' file is copied from.
    fs::create_dir_all(scene.dir().join("config/containers")).unwrap();
    fs::rename(scene.docker_config(), scene.dir().join("config/containers/auth.json")).unwrap();
    scene.ok(&format!("pull {name}"));
    fs::rename(scene.dir().join("config/containers/auth.json"), scene.docker_config()).unwrap();

    let out = scene.ok(&format!("logout {}", registry.name()));
    assert_eq!(out, format!("Removing login credentials for {}\n", registry.name()));
    let out = scene.ok(&format!("logout {}", registry.name()));
    assert_eq!(out, format!("Not logged in to {}\n", registry.name()));
    assert!(scene.fails(&format!("pull {name}")).contains("authentication required"));
    assert!(!fs::read_to_string(scene.docker_config()).unwrap().contains("localhost"));
}

/// Row G9: only standard input and the terminal, and nothing half-typed.
#[test]
fn passwords_are_typed_or_piped() {
    let scene = Scene::new();
    for (line, said) in [
        ("login -u me -p secret localhost:1", "-p is not supported"),
        ("login -u me --password secret localhost:1", "--password is not supported"),
        ("login --password-stdin localhost:1", "--password-stdin needs a user's name"),
        ("login -u me localhost:1", "there is no terminal to ask at"),
        ("login -u me --password-stdin localhost:1", "the password is empty"),
        ("login -u a:b --password-stdin localhost:1", "has a colon"),
    ] {
        let input = if line.contains("a:b") { "x" } else { "" };
        let output = scene.call(line.split(' ')).input(input).run();
        assert!(output.code != Some(0) && output.stderr.contains(said), "{}", output.told());
    }
}

/// Row G9: helpers are used, checked, and bounded.
#[test]
fn credential_helpers() {
    let (registry, scene) = (registry(), Scene::new());
    let name = format!("{}/app", registry.name());
    scene.ok(&format!("tag busybox {name}"));
    let bin = scene.dir().join("bin");
    let script = "#!/bin/sh\nkept=$(dirname \"$0\")/kept\ncase $1 in\nstore) cat > \"$kept\";;\n\
                  get) cat > /dev/null; if [ -s \"$kept\" ]; then cat \"$kept\"; else\n\
                  echo credentials not found in native keychain; exit 1; fi;;\n\
                  erase) cat > /dev/null; rm -f \"$kept\";;\nesac\n";
    let junk = "#!/bin/sh\ncat > /dev/null\necho rubbish\n";
    let flood = "#!/bin/sh\nexec yes\n";
    for (helper, text) in [("good", script), ("junk", junk), ("flood", flood)] {
        let path = scene.write(format!("bin/docker-credential-{helper}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run =
        |line: &str, input: &str| scene.call(line.split(' ')).env("PATH", &path).input(input).run();
    scene.write("docker/config.json", "{\"credsStore\": \"good\"}");
    let login = format!("login -u me --password-stdin {}", registry.name());
    run(&login, "right").succeeds().stderr_has("kept by docker-credential-good");
    assert!(fs::read_to_string(bin.join("kept")).unwrap().contains("right"));
    assert!(!fs::read_to_string(scene.docker_config()).unwrap().contains("auths"));
    run(&format!("push {name}"), "").succeeds();
    run(&format!("logout {}", registry.name()), "").succeeds().stdout_has("Removing");
    assert!(!bin.join("kept").exists());

    for (config, said) in [
        ("{\"credsStore\": \"junk\"}", "docker-credential-junk said nothing that is understood"),
        ("{\"credsStore\": \"flood\"}", "docker-credential-flood says more than 64 KiB"),
        ("{\"credsStore\": \"none\"}", "docker-credential-none cannot be started"),
        ("{\"credsStore\": \"../x\"}", "is refused"),
        ("{\"credHelpers\": {\"localhost:PORT\": \"junk\"}}", "docker-credential-junk"),
    ] {
        let config = config.replace("PORT", &registry.port().to_string());
        scene.write("docker/config.json", &config);
        let output = run(&format!("push {name}"), "");
        assert!(
            output.code == Some(1) && output.stderr.contains(said),
            "{config}: {}",
            output.told()
        );
    }
}
