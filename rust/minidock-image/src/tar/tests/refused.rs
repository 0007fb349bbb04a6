//! What the reader refuses, each with its line; and that no damage makes it panic.

use std::error::Error as _;

use super::*;

/// The error with its sources, as a user sees it.
fn refusal(bytes: &[u8]) -> String {
    let error = read_all(bytes).unwrap_err();
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        line = format!("{line}: {inner}");
        source = inner.source();
    }
    assert!(!line.contains('\n') && line.len() < 1000, "{line}");
    line
}

#[test]
fn names_and_types() {
    let file = |name: &str| vec![Made::file(name, b"")];
    #[rustfmt::skip]
    let cases: Vec<(Vec<Made>, &str)> = vec![
        (file("../x"), "\"../x\" whose path is not allowed: path has a `..`"),
        (file("a/../../x"), "`..`"),
        (file(".."), "`..`"),
        (file(""), "root of a layer must be a directory"),
        (file("."), "root of a layer must be a directory"),
        (vec![pax(&[("path", &[b'n'; 256])]), Made::file("x", b"")], "component of 256 bytes"),
        (vec![pax(&[("path", &b"a/".repeat(2049))]), Made::file("x", b"")], "4097 bytes"),
        (vec![pax(&[("path", &b"/a".repeat(2049))]), Made::file("x", b"")], "4097 bytes"),
        (vec![Made::ext(b'L', &b"a/".repeat(500_000)), Made::new("x", b'5')], "999999 bytes"),
        (vec![Made::new("h", b'1').link("../x")], "hard link \"h\" whose target is not allowed"),
        (vec![Made::new("h", b'1')], "leads to itself or to the layer's root"),
        (vec![Made::new("h", b'1').link("./h")], "leads to itself"),
        (vec![Made::new("h", b'1').link(".wh.x")], "whiteout \".wh.x\""),
        (vec![Made::new("s", b'2')], "target of 0 bytes"),
        (vec![pax(&[("linkpath", &[b'x'; 4096])]), Made::new("s", b'2')], "target of 4096 bytes"),
        (file(".wh."), "whiteout \".wh.\" that names no file"),
        (file("d/.wh."), "names no file"),
        (file("d/.wh.."), "names no file"),
        (file("d/.wh..."), "names no file"),
        (file(".wh./x"), "names no file"),
        (vec![Made::new("v", b'V')], "type 'V', which is not supported"),
        (vec![Made::new("m", b'M')], "type 'M'"),
        (vec![Made::new("?", b'9')], "type '9'"),
        (vec![Made::new("s", b'S')], "sparse member \"s\""),
        (vec![pax(&[("GNU.sparse.major", b"1")]), Made::file("f", b"")], "sparse"),
        (file("f/"), "a slash at its end"),
        (vec![Made::file("d/", b"x").text(156, b"5")], "something else than a file has a size"),
        (vec![Made::file("s", b"x").text(156, b"2").link("y")], "something else than a file"),
        (vec![Made::new("c", b'3').text(329, b"junk")], "device number"),
        (vec![Made::new("c", b'3').base256(329, 8, -1)], "device number"),
        (vec![Made::new("c", b'3').text(257, &[0; 8])], "has no device numbers"),
    ];
    for (members, expected) in cases {
        let line = refusal(&stream(&members));
        assert!(line.contains(expected), "{expected}: {line}");
    }
}

/// Row U9: what tar programs read differently.
#[test]
fn numbers_sizes_and_extensions() {
    let file = || Made::file("f", b"");
    let global = |text: &[u8]| vec![Made::ext(b'g', text), file()];
    let big = 0o777_7777_7777_u64 + 1;
    #[rustfmt::skip]
    let cases: Vec<(Vec<Made>, &str)> = vec![
        (vec![file().base256(124, 12, -1)], "its size is no number"),
        (vec![file().text(124, b"\x80\0\0\0\x80\0\0\0\0\0\0\0")], "its size is no number"),
        (vec![file().text(124, b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")], "its size is no number"),
        (vec![file().text(124, b"-0000000001\0")], "its size is no number"),
        (vec![file().text(124, b"00000000008\0")], "its size is no number"),
        (vec![file().text(124, b"1\x002")], "its size is no number"),
        (vec![file().base256(124, 12, i64::MAX)], "larger than any archive"),
        (vec![file().base256(124, 12, 1 << 50)], "more than 1099511627776 bytes"),
        (vec![file().number(124, 12, 5000)], "ends at byte"),
        (vec![file().text(108, b"junk")], "its user id"),
        (vec![file().base256(108, 8, 1 << 33)], "its user id"),
        (vec![file().base256(116, 8, i64::from(i32::MIN) - 1)], "its group id"),
        (vec![file().text(100, b"junk")], "its mode"),
        (vec![file().text(136, b"junk")], "its time"),
        (vec![pax(&[("size", b"3")]), Made::file("f", b"ab")], "PAX size and the size in its header differ"),
        (vec![pax(&[("size", b"1")]), Made::file("f", b"ab")], "PAX size and the size in its header differ"),
        (vec![pax(&[("size", b"2")]), file()], "PAX size and the size in its header differ"),
        (vec![pax(&[("size", b"-1")]), file()], "PAX size is no number"),
        (vec![pax(&[("size", b"99999999999999999999")]), file()], "PAX size is no number"),
        (vec![pax(&[("size", big.to_string().as_bytes())]), file()], "ends at byte"),
        (vec![pax(&[("uid", b"x")]), file()], "its user id"),
        (vec![pax(&[("gid", b"4294967296")]), file()], "its group id"),
        (vec![pax(&[("path", b"a\0b")]), file()], "NUL byte inside"),
        (vec![Made::ext(b'x', b"10 size=12\n"), file()], "a PAX record"),
        (vec![Made::ext(b'x', b"8 size=12\n"), file()], "a PAX record"),
        (vec![Made::ext(b'x', b"99 a=b\n"), file()], "wrong length"),
        (global(b"11 path=ab\n"), "global PAX header"),
        (global(b"10 uid=10\n"), "global PAX header"),
        (global(b"22 SCHILY.xattr.a=bcd\n"), "global PAX header"),
        (vec![pax(&[("path", b"a")]), pax(&[("path", b"b")]), file()], "two extended headers"),
        (vec![Made::ext(b'L', b"a\0"), Made::ext(b'L', b"b\0"), file()], "two extended headers"),
        (vec![Made::ext(b'L', b"a\0"), pax(&[("path", b"b")]), file()], "GNU long name and its PAX path differ"),
        (vec![Made::ext(b'L', b"a\0b\0"), file()], "NUL byte inside"),
        (vec![pax(&[("path", b"a")])], "without a member after it"),
        (vec![Made::ext(b'x', b"").number(124, 12, (1 << 20) + 1)], "1048577 bytes at byte 0"),
        (vec![file().gnu().text(345, b"old/prefix")], "name prefix or damaged times"),
        (vec![pax(&[("SCHILY.xattr.", b"x")]), file()], "name of 0 bytes"),
        (vec![pax(&[(&format!("SCHILY.xattr.{}", "n".repeat(300)), b"x")]), file()], "name of 300 bytes"),
        (vec![pax(&[("SCHILY.xattr.user.x", &[b'v'; 65_537])]), file()], "\"user.x\" of \"/f\" has 65537 bytes"),
    ];
    for (members, expected) in cases {
        let line = refusal(&stream(&members));
        assert!(line.contains(expected), "{expected}: {line}");
    }
}

#[test]
fn streams() {
    let good = stream(&[Made::file("f", &[1; 600])]);
    let entries = read_all(&good).unwrap();
    for (len, is_good) in [(0, true), (1536, true), (1537, false), (2048, true), (2560, true)] {
        assert_eq!(read_all(&good[..len]).is_ok(), is_good, "{len}");
    }
    for len in 1..1536 {
        assert!(refusal(&good[..len]).contains("ends at byte"), "{len}");
    }
    let mut trailing = good.clone();
    trailing.extend_from_slice(b"whatever follows is not ours");
    assert_eq!(read_all(&trailing).unwrap(), entries);
    let mut lone = stream(&[Made::file("f", b"")]);
    lone.truncate(1024);
    lone.extend_from_slice(&stream(&[Made::file("g", b"")]));
    assert!(refusal(&lone).contains("followed by more members"));
    let mut damaged = good.clone();
    damaged[0] ^= 1;
    assert!(refusal(&damaged).contains("checksum does not match"));
    assert!(refusal(&[b'x'; 1024]).contains("checksum is no number"));
}

#[test]
fn limits() {
    let bytes = stream(&[Made::file("a", b"12345"), Made::file("b", b"12345")]);
    let read = |max_entries, max_total_size| {
        let limits = TarLimits { max_entries, max_total_size };
        let mut reader = LayerTarReader::with_limits(&bytes[..], limits);
        while reader.next_entry()?.is_some() {}
        Ok::<_, TarError>(())
    };
    assert!(read(2, 10).is_ok());
    assert!(matches!(read(1, 10), Err(TarError::TooManyEntries { max: 1 })));
    assert!(matches!(read(2, 9), Err(TarError::TooLarge { max: 9 })));
}

/// Deterministic damage with the checksum made right again, so that it reaches every field.
#[test]
fn damage_never_panics() {
    let members = [
        pax(&[("path", b"some/name"), ("mtime", b"1.5"), ("SCHILY.xattr.user.a", b"b")]),
        Made::file("f", b"content"),
        Made::ext(b'L', b"long/name\0"),
        Made::new("l", b'1').link("some/name").gnu(),
    ];
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let (mut good, mut bad) = (0, 0);
    for _ in 0..8000 {
        let mut members = members.clone();
        for _ in 0..1 + random() % 3 {
            let made = &mut members[random() % 4];
            let bytes = if random() % 2 == 0 { &mut made.block[..] } else { &mut made.content[..] };
            if let Some(byte) = bytes.len().checked_sub(1).map(|last| random() % (last + 1)) {
                bytes[byte] =
                    [0, 0xff, 0x80, b'0', b'9', b'/', b'.', b' ', random() as u8][random() % 9];
            }
        }
        let mut bytes = stream(&members);
        if random() % 8 == 0 {
            bytes.truncate(bytes.len() - random() % bytes.len());
        }
        match read_all(&bytes) {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
    }
    assert!(good > 100 && bad > 100, "{good} {bad}");
}
