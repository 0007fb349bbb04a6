//! Row G11 and G6: certificates of Debian's docker-registry, good and bad, and no way around TLS.

use std::fs;
use std::path::{Path, PathBuf};

use minidock_tests::Call;
use tempfile::TempDir;

use crate::debian::{Debian, Setup};
use crate::scene::Scene;

/// An authority, and what it signs, by openssl.
struct Authority(TempDir);

impl Authority {
    fn new() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        authority.openssl(
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 30 -subj /CN=authority",
        );
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, line: &str) {
        Call::new("openssl").args(line.split(' ')).dir(self.0.path()).run().succeeds();
    }

    /// Certificate and key for a host.
    fn signs(&self, name: &str, host: &str, days: i32) -> (PathBuf, PathBuf) {
        self.openssl(&format!(
            "req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={host}"
        ));
        fs::write(self.path("names"), format!("subjectAltName=DNS:{host}\n")).unwrap();
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days {days} \
             -extfile names -out {name}.crt"
        ));
        (self.path(&format!("{name}.crt")), self.path(&format!("{name}.key")))
    }
}

fn registry(certificate: &Path, key: &Path) -> Debian {
    Debian::with(&Setup { tls: Some((certificate, key)), ..Setup::default() })
}

#[test]
fn an_authority_of_your_own() {
    let (authority, scene) = (Authority::new(), Scene::new());
    let (certificate, key) = authority.signs("good", "localhost", 30);
    let registry = registry(&certificate, &key);
    let name = format!("{}/app", registry.name());
    scene.ok(&format!("tag busybox {name}"));
    let push = format!("push -q {name}");
    let refused = scene.fails(&push);
    assert!(refused.contains(&format!("cannot speak TLS with {}", registry.name())), "{refused}");
    assert!(refused.contains("UnknownIssuer") && refused.contains("certs.d/"), "{refused}");

    let place = format!("config/minidock/certs.d/{}/ca.crt", registry.name());
    let text = fs::read_to_string(authority.path("ca.crt")).unwrap();
    let file = scene.write(place, &text);
    scene.ok(&push);
    fs::write(&file, "rubbish").unwrap();
    assert!(scene.fails(&push).contains("it holds no certificate in PEM"));
    fs::remove_file(&file).unwrap();
    assert!(scene.fails(&push).contains("cannot speak TLS"));

    let section = format!("[registry.\"{}\"]\n", registry.name());
    scene.settings(&format!("{section}ca = \"{}\"\n", authority.path("ca.crt").display()));
    scene.ok(&push);
    scene.settings(&format!("{section}skip-verify = true\n"));
    scene.ok(&push);
    // Who asks for plain HTTP does not get TLS instead, nor the other way round.
    scene.settings(&format!("{section}plain-http = true\n"));
    assert!(scene.fails(&push).contains("answered 400"));
    scene.settings("");
    let call = scene.call(push.split(' ')).env("SSL_CERT_FILE", authority.path("ca.crt"));
    call.run().succeeds();
}

#[test]
fn bad_certificates() {
    let (authority, scene) = (Authority::new(), Scene::new());
    for (name, host, days, said) in [
        ("expired", "localhost", -1, "Expired"),
        ("other", "example.org", 30, "not valid for name"),
    ] {
        let (certificate, key) = authority.signs(name, host, days);
        let registry = registry(&certificate, &key);
        scene.settings(&format!(
            "[registry.\"{}\"]\nca = \"{}\"\n",
            registry.name(),
            authority.path("ca.crt").display()
        ));
        let refused = scene.fails(&format!("pull {}/app", registry.name()));
        assert!(
            refused.contains("cannot speak TLS") && refused.contains(said),
            "{name}: {refused}"
        );
    }
}
