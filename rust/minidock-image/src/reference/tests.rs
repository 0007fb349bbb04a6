//! Row G10: the cases of `distribution/reference` v0.6 (reference_test.go, normalize_test.go),
//! brought into docker's normal form, and our own.

use super::*;

const HEX: &str = "dbcc1c35ac38df41fd2f5e4130b32ffdb93ebae8b3dbe638c23575912276fc9c";
const ID: &str = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a";

#[test]
fn normal_form() {
    let ff = "f".repeat(64);
    let ff512 = "f".repeat(128);
    let longest = format!("{}a", "a/".repeat(127));
    // input, domain, path, tag, familiar repository
    #[rustfmt::skip]
    let cases: Vec<(String, &str, &str, &str, &str)> = [
        ("ubuntu", "docker.io", "library/ubuntu", "latest", "ubuntu"),
        ("redis:latest", "docker.io", "library/redis", "latest", "redis"),
        ("library/ubuntu", "docker.io", "library/ubuntu", "latest", "ubuntu"),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", "latest", "ubuntu"),
        ("index.docker.io/debian", "docker.io", "library/debian", "latest", "debian"),
        ("index.docker.io/library/debian", "docker.io", "library/debian", "latest", "debian"),
        ("index.docker.io/fooo/bar", "docker.io", "fooo/bar", "latest", "fooo/bar"),
        ("docker/docker", "docker.io", "docker/docker", "latest", "docker/docker"),
        ("nonlibrary/ubuntu", "docker.io", "nonlibrary/ubuntu", "latest", "nonlibrary/ubuntu"),
        ("other/library", "docker.io", "other/library", "latest", "other/library"),
        ("library/foo/bar", "docker.io", "library/foo/bar", "latest", "library/foo/bar"),
        ("store/foo/bar", "docker.io", "store/foo/bar", "latest", "store/foo/bar"),
        ("ubuntu-12.04-base", "docker.io", "library/ubuntu-12.04-base", "latest", "ubuntu-12.04-base"),
        ("test_com", "docker.io", "library/test_com", "latest", "test_com"),
        ("test_com/foo", "docker.io", "test_com/foo", "latest", "test_com/foo"),
        ("test.com:tag", "docker.io", "library/test.com", "tag", "test.com"),
        ("test.com:5000", "docker.io", "library/test.com", "5000", "test.com"),
        ("192.168.0.1", "docker.io", "library/192.168.0.1", "latest", "192.168.0.1"),
        ("192.168.0.1:80", "docker.io", "library/192.168.0.1", "80", "192.168.0.1"),
        ("foo_bar.com:8080", "docker.io", "library/foo_bar.com", "8080", "foo_bar.com"),
        ("foo/foo_bar.com:8080", "docker.io", "foo/foo_bar.com", "8080", "foo/foo_bar.com"),
        ("lowercase:Uppercase", "docker.io", "library/lowercase", "Uppercase", "lowercase"),
        ("dbcc1", "docker.io", "library/dbcc1", "latest", "dbcc1"),
        ("test.com/repo:tag", "test.com", "repo", "tag", "test.com/repo"),
        ("test:5000/repo", "test:5000", "repo", "latest", "test:5000/repo"),
        ("test:5000/repo:tag", "test:5000", "repo", "tag", "test:5000/repo"),
        ("test-com:8080/foo", "test-com:8080", "foo", "latest", "test-com:8080/foo"),
        ("localhost/x", "localhost", "x", "latest", "localhost/x"),
        ("localhost:5000/x", "localhost:5000", "x", "latest", "localhost:5000/x"),
        ("localhost", "docker.io", "library/localhost", "latest", "localhost"),
        ("127.0.0.1:8000/private/moonbase", "127.0.0.1:8000", "private/moonbase", "latest", "127.0.0.1:8000/private/moonbase"),
        ("192.168.1.1:5000/repo:5050", "192.168.1.1:5000", "repo", "5050", "192.168.1.1:5000/repo"),
        ("192.168.0.1:8/debian", "192.168.0.1:8", "debian", "latest", "192.168.0.1:8/debian"),
        ("sub-dom1.foo.com/bar/baz/quux:some-long-tag", "sub-dom1.foo.com", "bar/baz/quux", "some-long-tag", "sub-dom1.foo.com/bar/baz/quux"),
        ("b.gcr.io/test.example.com/my-app:test.example.com", "b.gcr.io", "test.example.com/my-app", "test.example.com", "b.gcr.io/test.example.com/my-app"),
        ("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", "xn--n3h.com/myimage"),
        ("xn--n3h.com:18080/foo", "xn--n3h.com:18080", "foo", "latest", "xn--n3h.com:18080/foo"),
        ("Foo/bar", "Foo", "bar", "latest", "Foo/bar"),
        ("FOO/bar", "FOO", "bar", "latest", "FOO/bar"),
        ("DOCKER/docker", "DOCKER", "docker", "latest", "DOCKER/docker"),
        ("Uppercase/lowercase:tag", "Uppercase", "lowercase", "tag", "Uppercase/lowercase"),
        ("[fc00::1]:5000/docker", "[fc00::1]:5000", "docker", "latest", "[fc00::1]:5000/docker"),
        ("[2001:db8::1]/repo", "[2001:db8::1]", "repo", "latest", "[2001:db8::1]/repo"),
        ("[2001:db8:1:2:3:4:5:6]/repo:tag", "[2001:db8:1:2:3:4:5:6]", "repo", "tag", "[2001:db8:1:2:3:4:5:6]/repo"),
        ("[2001:db8::]:5000/repo", "[2001:db8::]:5000", "repo", "latest", "[2001:db8::]:5000/repo"),
        ("[::1]:5000/repo", "[::1]:5000", "repo", "latest", "[::1]:5000/repo"),
        ("docker-rules/docker", "docker.io", "docker-rules/docker", "latest", "docker-rules/docker"),
        ("docker---rules/docker", "docker.io", "docker---rules/docker", "latest", "docker---rules/docker"),
        ("dock__er/docker", "docker.io", "dock__er/docker", "latest", "dock__er/docker"),
        ("d/docker", "docker.io", "d/docker", "latest", "d/docker"),
        ("jess/t", "docker.io", "jess/t", "latest", "jess/t"),
        ("thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev", "docker.io",
         "library/thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev", "latest",
         "thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev"),
    ]
    .map(|(a, b, c, d, e)| (a.to_owned(), b, c, d, e)).into();
    for (input, domain, path, tag, familiar) in cases {
        let reference = Reference::parse(&input).unwrap_or_else(|e| panic!("{input}: {e}"));
        assert_eq!((reference.domain(), reference.path()), (domain, path), "{input}");
        assert_eq!((reference.tag(), reference.digest()), (Some(tag), None), "{input}");
        assert_eq!(reference.familiar_repository(), familiar, "{input}");
        assert_eq!(reference.familiar(), format!("{familiar}:{tag}"));
        assert_eq!(reference.to_string(), format!("{domain}/{path}:{tag}"));
        assert_eq!(reference.to_string().parse().as_ref(), Ok(&reference), "{input}");
        assert_eq!(reference.familiar().parse().as_ref(), Ok(&reference), "{input}");
    }
    assert_eq!(Reference::parse(&format!("{longest}:over-max")).unwrap().path(), longest);
    let id = Reference::parse(&format!("docker.io/{ID}")).unwrap();
    assert_eq!(id.path(), format!("library/{ID}"));
    for (input, tag, digest) in [
        (format!("redis@sha256:{HEX}"), None, format!("sha256:{HEX}")),
        (format!("test:5000/repo@sha256:{ff}"), None, format!("sha256:{ff}")),
        (format!("test:5000/repo:tag@sha256:{ff}"), Some("tag"), format!("sha256:{ff}")),
        (format!("[2001:db8::1]:5000/repo:tag@sha256:{ff}"), Some("tag"), format!("sha256:{ff}")),
        (format!("xn--7o8h.com/i:t@sha512:{ff512}"), Some("t"), format!("sha512:{ff512}")),
    ] {
        let reference = Reference::parse(&input).unwrap();
        assert_eq!(reference.tag(), tag, "{input}");
        assert_eq!(reference.digest().map(ToString::to_string), Some(digest.clone()), "{input}");
        assert_eq!(reference.familiar(), input);
        assert_eq!(reference.manifest_key(), digest);
    }
}

#[test]
fn refusals_say_why() {
    let ff = "f".repeat(64);
    let too_long = format!("{}a:tag", "a/".repeat(128));
    let library_too_long = "a".repeat(248);
    let long_tag = format!("app:{}", "t".repeat(129));
    #[rustfmt::skip]
    let cases = [
        ("".to_owned(), "is empty"),
        (":justtag".to_owned(), "bad name part \"\""),
        (format!("@sha256:{ff}"), "bad name part \"\""),
        ("repo@sha256:ffffffffffffffffffffffffffffffffff".to_owned(), "bad digest"),
        (format!("validname@invaliddigest:{ff}"), "bad digest"),
        ("app@sha256".to_owned(), "bad digest"),
        (format!("app@sha256:{}", "F".repeat(64)), "bad digest"),
        ("app@".to_owned(), "bad digest"),
        ("Uppercase:tag".to_owned(), "write \"uppercase:tag\""),
        ("test:5000/Uppercase/lowercase:tag".to_owned(), "write \"test:5000/uppercase/lowercase:tag\""),
        ("docker/Docker".to_owned(), "upper case"),
        ("docker.io/docker/Docker".to_owned(), "upper case"),
        (too_long, "has a repository name of 257 bytes"),
        (library_too_long, "has a repository name of 256 bytes"),
        ("aa/asdf$$^/aa".to_owned(), "bad name part \"asdf$$^\""),
        ("a:b:c".to_owned(), "bad tag \"b:c\""),
        ("app:".to_owned(), "bad tag \"\""),
        ("app:-x".to_owned(), "bad tag \"-x\""),
        ("app:.x".to_owned(), "bad tag \".x\""),
        (long_tag, "bad tag"),
        ("https://github.com/docker/docker".to_owned(), "leave out https://"),
        ("-docker".to_owned(), "bad name part"),
        ("-docker/docker".to_owned(), "bad name part"),
        ("docker-/docker".to_owned(), "bad name part"),
        ("-docker.io/docker/docker".to_owned(), "bad registry"),
        ("docker///docker".to_owned(), "bad name part \"\""),
        ("docker.io/docker///docker".to_owned(), "bad name part"),
        ("docker/".to_owned(), "bad name part"),
        ("/docker".to_owned(), "bad name part"),
        ("____/____".to_owned(), "bad name part"),
        ("_docker/_docker".to_owned(), "bad name part"),
        ("dock..er/docker".to_owned(), "bad registry \"dock..er\""),
        ("a/dock..er".to_owned(), "bad name part"),
        ("a/dock_.er".to_owned(), "bad name part"),
        ("a/dock-.er".to_owned(), "bad name part"),
        ("a/dock___er".to_owned(), "bad name part"),
        ("[fc00::1]".to_owned(), "bad name part"),
        ("[fc00::1]:5000".to_owned(), "bad name part"),
        ("[2001:db8::1]:tag".to_owned(), "bad name part"),
        ("fc00::1:5000/debian".to_owned(), "bad registry"),
        ("[fe80::1%eth0]:5000/debian".to_owned(), "bad registry"),
        ("[fe80::1%@invalidzone]:5000/repo".to_owned(), "bad digest"),
        ("[2001:db8:3:4::192.0.2.33]:5000/debian".to_owned(), "bad registry"),
        ("[]:5000/debian".to_owned(), "bad registry"),
        ("localhost:/x".to_owned(), "bad registry"),
        ("localhost:port/x".to_owned(), "bad registry"),
        (ID.to_owned(), "is an image id"),
        ("☃.com/app".to_owned(), "bad registry"),
        ("аpp".to_owned(), "bad name part"),
        ("app\n".to_owned(), "bad name part"),
        ("app latest".to_owned(), "bad name part"),
    ];
    for (input, expected) in cases {
        let error = Reference::parse(&input).unwrap_err();
        let line = error.to_string();
        assert!(line.contains(expected), "{input:?}: {line}");
        assert!(line.len() < 600 && !line.contains('\n'), "{line}");
    }
    assert!(Reference::parse(&"a/".repeat(1 << 20)).unwrap_err().to_string().len() < 600);
}

#[test]
fn changes_keep_the_repository() {
    let reference = Reference::parse(&format!("localhost:5000/a/b:1@sha256:{HEX}")).unwrap();
    let tagged = reference.with_tag("2.0").unwrap();
    assert_eq!(tagged.to_string(), "localhost:5000/a/b:2.0");
    assert_eq!(tagged.manifest_key(), "2.0");
    let error = reference.with_tag("-foo").unwrap_err().to_string();
    assert!(error.contains("bad tag \"-foo\""), "{error}");
    let pinned = tagged.with_digest(Digest::of(b""));
    assert_eq!((pinned.tag(), pinned.repository()), (None, "localhost:5000/a/b".to_owned()));
    let json = serde_json::to_string(&tagged).unwrap();
    assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), tagged);
    assert!(serde_json::from_str::<Reference>("\"A:b\"").is_err());
}

#[test]
fn queries() {
    let id: Digest = format!("sha256:{HEX}").parse().unwrap();
    let query: ImageQuery = HEX.parse().unwrap();
    assert_eq!((query.exact_id(), query.reference()), (Some(id), None));
    let query: ImageQuery = format!("sha256:{HEX}").parse().unwrap();
    assert_eq!(query.exact_id(), Some(id));
    let query: ImageQuery = "dbcc1".parse().unwrap();
    assert_eq!(query.exact_id(), None);
    assert_eq!(query.reference().unwrap().familiar(), "dbcc1:latest");
    assert!(query.id_prefix().unwrap().matches(&id));
    let query: ImageQuery = "sha256:dbcc2".parse().unwrap();
    assert_eq!(query.reference().unwrap().familiar(), "sha256:dbcc2");
    assert!(!query.id_prefix().unwrap().matches(&id));
    let query: ImageQuery = "ubuntu:22.04".parse().unwrap();
    assert_eq!(query.id_prefix(), None);
    for bad in ["", "DBCC1", "sha256:", "a b", &"a".repeat(300)] {
        assert!(bad.parse::<ImageQuery>().is_err(), "{bad:?}");
    }
    assert_eq!(IdPrefix::parse(&"a".repeat(65)), None);
}

/// Deterministic noise over the characters that matter: no panic, and what is accepted is stable.
#[test]
fn noise_never_panics_and_accepted_text_is_stable() {
    let alphabet: Vec<char> = "aA0.:/@-_[]sha256é\0 ".chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..100_000 {
        let mut text = String::new();
        for _ in 0..state % 24 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if let Ok(reference) = Reference::parse(&text) {
            assert_eq!(reference.to_string().parse(), Ok(reference), "{text:?}");
        }
    }
}
