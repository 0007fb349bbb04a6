//! Images in, out and in between: import, load, save, tag, list, history, inspect, rmi.

use minidock_tests::{Busybox, Call};

#[test]
fn import_takes_instructions() {
    let busybox = Busybox::new();
    let tar = busybox.tar().display().to_string();
    let changes = [
        "ENV A=1",
        "CMD [\"echo\", \"hi\"]",
        "USER 7",
        "WORKDIR /tmp",
        "EXPOSE 80",
        "LABEL a=b c=d",
        "VOLUME /v",
        "STOPSIGNAL USR1",
    ];
    let flags: Vec<&str> = changes.iter().flat_map(|change| ["--change", *change]).collect();
    let call = busybox.call(["import"]).args(flags).args(["-m", "a note", &tar, "changed:1.0"]);
    call.run().succeeds();
    for (template, expected) in [
        ("{{json .Config.Env}}", "A=1"),
        ("{{json .Config.Cmd}}", "[\"echo\",\"hi\"]"),
        ("{{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}}", "7 /tmp USR1"),
        ("{{json .Config.ExposedPorts}}", "{\"80/tcp\":{}}"),
        ("{{json .Config.Labels}}", "{\"a\":\"b\",\"c\":\"d\"}"),
        ("{{json .Config.Volumes}}", "{\"/v\":{}}"),
    ] {
        let found = busybox.inspect("changed:1.0", template);
        assert!(found.contains(expected), "{template}: {found}");
    }
    assert_eq!(
        busybox.run(["run", "--rm", "--network", "none", "changed:1.0"]).succeeds().stdout,
        "hi\n"
    );
    busybox.run(["history", "changed:1.0"]).succeeds().stdout_has("a note");
    busybox.run(["import", "-c", "RUN true", &tar]).exits(1).stderr_has("RUN");
    busybox.run(["import", "-c", "NOPE", &tar]).exits(1).stderr_has("NOPE");
    let junk = busybox.write("junk.tar", vec![b'j'; 5000]);
    busybox.run(["import".as_ref(), junk.as_os_str()]).exits(1).stderr_has("tar");
    busybox.run(["import", "/nowhere.tar"]).exits(1).stderr_has("/nowhere.tar");
    busybox.run(["import", &tar, "Not A Name"]).exits(2).stderr_has("Not A Name");
    let from_pipe = busybox.call(["import", "-", "piped"]).input(std::fs::read(&tar).unwrap());
    from_pipe.run().succeeds();
}

const DOCKERFILE: &str = "FROM busybox
RUN echo one > /one && chown 7:8 /one && mkdir /d && ln -s ../one /d/link && ln /one /d/hard
RUN rm /etc/group && echo two > /two && chmod 4755 /two
ENV A=1
CMD [\"cat\", \"/one\", \"/two\"]
";
/// Owners, modes and links as a container sees them.
const SEEN: &str = "cat /one /two; stat -c '%n %u:%g %a %h' /one /two /d/hard; readlink /d/link; \
                    ls /etc/group 2>/dev/null; true";

#[test]
fn archives_carry_an_image_there_and_back() {
    let busybox = Busybox::new();
    busybox.write("context/x", "");
    busybox.build(DOCKERFILE).succeeds();
    let see = |image: &str| {
        let run = busybox.run(["run", "--rm", "--network", "none", image, "sh", "-c", SEEN]);
        run.succeeds().stdout.clone()
    };
    let (id, before) = (busybox.inspect("built", "{{.Id}}"), see("built"));
    assert!(before.contains("/one 7:8 644 2\n/two 0:0 4755 1\n"), "{before}");
    for format in ["docker-archive", "oci-archive"] {
        let file = busybox.dir().join(format!("{format}.tar")).display().to_string();
        busybox.run(["save", "--format", format, "-o", &file, "built"]).succeeds();
        let again = busybox.dir().join("again.tar").display().to_string();
        busybox.run(["save", "--format", format, "-o", &again, "built"]).succeeds();
        assert!(std::fs::read(&file).unwrap() == std::fs::read(&again).unwrap(), "the same bytes");
        busybox.run(["rmi", "-f", "built"]).succeeds();
        busybox.run(["load", "-i", &file]).succeeds().stdout_has("built:latest");
        assert_eq!(busybox.inspect("built", "{{.Id}}"), id, "{format}");
        assert_eq!(see("built"), before, "{format}");
        let policy = "--insecure-policy";
        let look = Call::new("skopeo").args([policy, "inspect", "--config"]);
        look.args([format!("{format}:{file}")]).run().succeeds().stdout_has("\"/one\"");
        // Another reader unpacks the same files.
        let copied = busybox.dir().join(format!("copied-{format}"));
        let copy = Call::new("skopeo").args([policy, "copy", "-q"]);
        copy.args([format!("{format}:{file}"), format!("oci:{}:x", copied.display())])
            .run()
            .succeeds();
    }
    let load = busybox.write("half.tar", "no archive");
    busybox.run(["load".as_ref(), "-i".as_ref(), load.as_os_str()]).exits(1).stderr_has("archive");
    busybox.run(["system", "check"]).succeeds().stdout_has("all is well");
}

#[test]
fn podman_loads_what_is_saved() {
    let busybox = Busybox::new();
    busybox
        .build("FROM busybox\nRUN echo hi > /hi && chown 7 /hi\nCMD [\"cat\", \"/hi\"]\n")
        .succeeds();
    // It takes no path longer than 50 characters.
    let short = tempfile::Builder::new().prefix("md-").tempdir_in("/var/tmp").unwrap();
    let root = short.path().join("root").display().to_string();
    let home = busybox.write("podman-home/.keep", "");
    let podman = |words: &[&str]| {
        let call = Call::new("podman").args(["--root", &root, "--runroot", &format!("{root}-run")]);
        let call = call.args(["--storage-driver", "vfs"]).args(words);
        call.env("HOME", home.parent().unwrap()).env("XDG_RUNTIME_DIR", short.path()).run()
    };
    for format in ["docker-archive", "oci-archive"] {
        let file = busybox.dir().join("image.tar").display().to_string();
        busybox.run(["save", "--format", format, "-o", &file, "built"]).succeeds();
        podman(&["load", "-q", "-i", &file]).succeeds().stdout_has("built:latest");
        let found = podman(&["image", "inspect", "--format", "{{.Id}} {{.Config.Cmd}}", "built"]);
        let id = busybox.inspect("built", "{{.Id}}");
        let expected = format!("{} [cat /hi]", id.trim_start_matches("sha256:"));
        assert_eq!(found.succeeds().line(), expected, "{format}");
        podman(&["rmi", "-af"]).succeeds();
    }
    // Its files belong to other ids, which its own namespace can remove; a process of its own
    // keeps that.
    podman(&["unshare", "rm", "-rf", &root, &format!("{root}-run")]).succeeds();
    podman(&["system", "migrate"]).succeeds();
}

#[test]
fn names_and_lists() {
    let busybox = Busybox::new();
    let id = busybox.inspect("busybox", "{{.Id}}");
    let short = &id["sha256:".len()..][..12];
    busybox.run(["tag", "busybox", "host.example:5000/team/box:1.0"]).succeeds();
    busybox.run(["tag", short, "second"]).succeeds();
    let list = busybox.run(["images"]);
    let head = list.succeeds().stdout.lines().next().unwrap();
    let titles: Vec<&str> = head.split("  ").map(str::trim).filter(|t| !t.is_empty()).collect();
    assert_eq!(titles, ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]);
    assert_eq!(list.stdout.lines().count(), 4, "{}", list.told());
    assert_eq!(busybox.run(["images", "-q"]).succeeds().line(), short, "each id once");
    let names = busybox.run(["images", "--format", "{{.Repository}}:{{.Tag}}", "second"]);
    assert_eq!(names.succeeds().stdout, "second:latest\n");
    busybox.run(["images", "--format", "json"]).succeeds().stdout_has("\"Repository\":\"second\"");
    busybox.run(["tag", "nothing", "x"]).exits(1).stderr_has("nothing");
    busybox.run(["tag", "busybox", "UPPER"]).exits(2).stderr_has("UPPER");
    let history = busybox.run(["history", "busybox"]);
    history.succeeds().stdout_has("CREATED BY");
    // By name first, by the last name the image goes.
    busybox.run(["rmi", "second"]).succeeds().stdout_has("Untagged");
    busybox.run(["rmi", short]).exits(1);
    busybox
        .run(["rmi", "host.example:5000/team/box:1.0", "busybox"])
        .succeeds()
        .stdout_has("Deleted");
    assert_eq!(busybox.run(["images", "-q"]).succeeds().stdout, "");
    busybox.run(["rmi", "busybox"]).exits(1).stderr_has("busybox");
}

#[test]
fn an_image_in_use_stays() {
    let busybox = Busybox::new();
    busybox.start("one", &[], "true");
    busybox.run(["wait", "one"]).succeeds();
    busybox.run(["rmi", "busybox"]).exits(1).stderr_has("container").stderr_has("hint: ");
    busybox.run(["image", "prune", "-af"]).succeeds();
    busybox.run(["start", "-a", "one"]).succeeds();
    busybox.run(["rm", "one"]).succeeds();
    busybox.run(["image", "prune", "-af"]).succeeds();
    assert_eq!(busybox.run(["images", "-q"]).succeeds().stdout, "");
}
