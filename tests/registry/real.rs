//! Pull and push with Debian's docker-registry.

use minidock_tests::Call;

use crate::debian::Debian;
use crate::scene::Scene;

fn skopeo(arguments: &[&str]) -> String {
    Call::new("skopeo").args(arguments).run().succeeds().stdout.clone()
}

fn raw(name: &str) -> String {
    skopeo(&["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")])
}

#[test]
fn what_is_pushed_comes_back_runs_and_is_built_upon() {
    let (registry, scene) = (Debian::new(), Scene::new());
    let name = format!("{}/team/app:1", registry.name());
    scene.ok(&format!("tag busybox {name}"));
    let pushed = scene.run(["push", name.as_str()]);
    pushed.succeeds().stderr_has(": compressing").stderr_has(": pushed").stderr_has("1: digest: ");
    assert_eq!(pushed.line(), name);
    assert!(raw(&name).contains("application/vnd.oci.image.manifest.v1+json"));

    scene.ok(&format!("rmi busybox {name}"));
    scene.ok("system prune -f");
    assert_eq!(scene.ok("images -q"), "");
    let pulled = scene.run(["pull", name.as_str()]);
    pulled.succeeds().stderr_has(": downloading").stderr_has(": done").stderr_has("pulled ");
    assert_eq!(pulled.line(), name);
    assert_eq!(scene.echo(&name), "here\n");
    scene.run(["pull", name.as_str()]).succeeds().stderr_has("is up to date");
    assert_eq!(scene.run(["pull", "-q", name.as_str()]).succeeds().stderr, "");

    // By digest, which gives no tag; the digest is that of the push.
    let digest = scene.digests(&format!("{}/team/app", registry.name())).concat();
    assert!(pushed.stderr.contains(&digest), "{digest}: {}", pushed.told());
    scene.ok(&format!("rmi {name}"));
    let pinned = format!("{}/team/app@{digest}", registry.name());
    assert_eq!(scene.echo(&pinned), "here\n", "run pulls what is not here");
    assert_eq!(scene.ok("images --format {{.Tag}}"), "<none>\n");
    scene.ok(&format!("image exists {pinned}"));
    assert_eq!(scene.run(["image", "exists", name.as_str()]).code, Some(1));

    // A build pulls too, and create.
    scene.ok(&format!("rmi {pinned}"));
    let dockerfile = format!("FROM {name}\nCOPY --from={name} /etc/group /other\nCMD cat /other\n");
    scene.write("context/Dockerfile", dockerfile);
    let context = scene.dir().join("context");
    let built = scene.call(["build", "-t", "built", "--network", "none"]).args([&context]).run();
    built.succeeds().stderr_has(": downloading");
    scene.run(["run", "--rm", "--network", "none", "built"]).succeeds().stdout_has("root:x:0");
    let again = scene.call(["build", "--pull", "--network", "none"]).args([&context]).run();
    again.succeeds().stderr_has("already there");
    scene.ok(&format!("rmi built {name}"));
    scene.ok(&format!("create --network none --name made {name} true"));
    scene.ok("start -a made");
    scene.ok("rm made");
    scene.is_sound();
}

#[test]
fn when_an_image_is_pulled_is_for_the_user_to_say() {
    let (registry, scene) = (Debian::new(), Scene::new());
    let name = format!("{}/app", registry.name());
    scene.ok(&format!("tag busybox {name}"));
    let never = scene.run(["run", "--rm", "--pull", "never", "--network", "none", "nothing"]);
    never.exits(125).stderr_has("image \"nothing\" is not here, and is not to be pulled");
    let missing = scene.run(["run", "--rm", &format!("{}/none", registry.name())]);
    missing.exits(125).stderr_has("has no none:latest").stderr_has("hint: ");
    // A newer image under the same name.
    scene.ok(&format!("push {name}"));
    scene.build("FROM busybox\nRUN echo newer > /etc/which\n").succeeds();
    scene.ok(&format!("tag built {name}"));
    scene.ok(&format!("push {name}"));
    scene.ok(&format!("tag busybox {name}"));
    let which = |pull: &str| {
        let call = scene.call(["run", "--rm", "--network", "none", "--pull", pull, &name]);
        call.args(["cat", "/etc/which"]).run()
    };
    assert_eq!(which("missing").code, Some(1));
    assert_eq!(which("never").code, Some(1));
    assert_eq!(which("always").succeeds().stdout, "newer\n");
    scene.is_sound();
}

#[test]
fn what_was_pulled_is_pushed_byte_for_byte_and_blobs_are_taken_over() {
    let (registry, scene) = (Debian::new(), Scene::new());
    let (one, two) = (format!("{}/one", registry.name()), format!("{}/two", registry.name()));
    scene.build("FROM busybox\nRUN echo x > /x\n").succeeds();
    scene.ok(&format!("tag built {one}"));
    scene.run(["push", "--format", "docker", one.as_str()]).succeeds();
    let manifest = raw(&one);
    assert!(manifest.contains("vnd.docker.distribution.manifest.v2+json"), "{manifest}");
    scene.ok(&format!("rmi -f built {one}"));
    scene.ok("system prune -f");

    scene.ok(&format!("pull {one}"));
    scene.ok(&format!("tag {one} {two}"));
    scene.run(["push", two.as_str()]).succeeds().stderr_has("taken over from a repository beside");
    assert_eq!(raw(&two), manifest);
    let again = scene.run(["push", two.as_str()]);
    again.succeeds().stderr_has("already there");
    assert!(!again.stderr.contains("pushing\n"), "{}", again.told());
    // Asked for by name it becomes OCI's, and skopeo reads it.
    scene.run(["push", "--format", "oci", two.as_str()]).succeeds();
    assert!(raw(&two).contains("application/vnd.oci.image.config.v1+json"));
    let copied = scene.dir().join("copy");
    skopeo(&[
        "copy",
        "--src-tls-verify=false",
        &format!("docker://{two}"),
        &format!("dir:{}", copied.display()),
    ]);
    scene.is_sound();
}

#[test]
fn all_tags_of_a_repository() {
    let (registry, scene) = (Debian::new(), Scene::new());
    let name = format!("{}/app", registry.name());
    for tag in ["a", "b"] {
        scene.ok(&format!("tag busybox {name}:{tag}"));
    }
    assert_eq!(scene.ok(&format!("push -q -a {name}")), format!("{name}:a\n{name}:b\n"));
    scene.ok(&format!("rmi {name}:a {name}:b"));
    assert_eq!(scene.ok(&format!("pull -q -a {name}")), format!("{name}:a\n{name}:b\n"));
    assert!(scene.fails(&format!("pull -a {name}:a")).contains("--all-tags"));
    assert!(scene.fails(&format!("push {name}:c")).contains("there is no image"));
    assert!(scene.fails(&format!("push {name}@sha256:{}", "0".repeat(64))).contains("digest"));
}

/// What skopeo made: both formats, gzip, zstd and plain layers, an index with attestations.
#[test]
fn images_of_other_makers() {
    let (registry, scene) = (Debian::new(), Scene::new());
    let archive = scene.dir().join("busybox.oci");
    let save = scene.call(["save", "--format", "oci-archive", "-o"]).args([&archive]);
    save.args(["busybox"]).run().succeeds();
    let archive = format!("oci-archive:{}", archive.display());
    scene.ok("rmi busybox");
    scene.ok("system prune -f");
    let options = [
        &["--dest-compress-format=gzip", "--format=oci"][..],
        &["--dest-compress-format=gzip", "--format=v2s2"],
        &["--dest-compress-format=zstd", "--format=oci"],
    ];
    for options in options {
        let name = format!("{}/app", registry.name());
        let (tag, to) = (format!("{name}:1"), format!("docker://{name}:1"));
        let mut words = vec!["copy", "--dest-tls-verify=false"];
        words.extend(options);
        words.extend([archive.as_str(), &to]);
        skopeo(&words);
        assert_eq!(scene.echo(&tag), "here\n", "{options:?}");
        scene.ok(&format!("rmi {tag}"));
        scene.ok("system prune -f");
    }
    scene.is_sound();
}

#[test]
fn mirrors_are_asked_first() {
    let (registry, scene) = (Debian::new(), Scene::new());
    let kept = format!("{}/library/thing", registry.name());
    scene.ok(&format!("tag busybox {kept}"));
    scene.ok(&format!("push {kept}"));
    scene.ok(&format!("rmi {kept}"));
    // The first one does not answer, which is no failure.
    scene.settings(&format!(
        "[registry.\"docker.io\"]\nmirrors = [\"localhost:1\", \"{}\"]\n",
        registry.name()
    ));
    assert_eq!(scene.ok("pull -q thing"), "docker.io/library/thing:latest\n");
    assert_eq!(scene.echo("thing"), "here\n");
    scene.ok("rmi thing");
    scene.settings("[registry.\"docker.io\"]\nmirror = []\n");
    let refused = scene.fails("pull thing");
    assert!(refused.contains("registries.toml: line 2: unknown field `mirror`"), "{refused}");
    scene.is_as_before();
}
