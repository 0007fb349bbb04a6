//! A full disk: import and build in a store on a small tmpfs, in a user and mount namespace made
//! for it (`unshare -rm`). Every size must give success, or a clear error after which everything
//! that only reads or removes still works.

use minidock_tests::{Busybox, Call, Output, stage};

/// Runs a script in namespaces of its own, with `$M` and the store on a tmpfs at `$STORE`.
fn on_tmpfs(busybox: &Busybox, options: &str, script: &str) -> Output {
    let store = busybox.dir().join("small");
    std::fs::create_dir_all(&store).unwrap();
    let minidock = format!("{} --root {}/store", stage::minidock().display(), store.display());
    let mount = format!("mount -t tmpfs -o {options} tmpfs {}\n", store.display());
    let call = Call::new("unshare").args(["--user", "--map-root-user", "--map-auto", "--mount"]);
    let call = call.args(["sh", "-c", &(mount + PRELUDE + script + EPILOGUE)]);
    let call = call.env("M", minidock).env("STORE", store).env("TAR", busybox.tar());
    call.env("CONTEXT", busybox.dir().join("context")).run()
}

/// `fails OUTPUT`: the words of a full disk, once, and no panic.
const PRELUDE: &str = "
fails() {
    grep -q 'No space left on device' $1 || { echo \"no word of space: $(cat $1)\"; exit 50; }
    [ $(grep -c '^minidock: ' $1) = 1 ] || { echo \"not one line: $(cat $1)\"; exit 51; }
    ! grep -q panicked $1 || { cat $1; exit 52; }
}
lives() {
    $M images >/dev/null || { echo 'images failed'; exit 60; }
    $M ps -a >/dev/null || { echo 'ps failed'; exit 61; }
    $M system check >/tmp/check.$$ || { cat /tmp/check.$$; rm /tmp/check.$$; exit 62; }
    rm /tmp/check.$$
}
out=$(mktemp); err=$(mktemp)
";

const EPILOGUE: &str = "
rm -f $out $err
";

#[test]
fn an_import_on_a_full_disk_says_so_and_leaves_nothing() {
    let busybox = Busybox::new();
    let mut full = 0;
    let mut worked = 0;
    for size in ["200k", "600k", "1m", "2m", "3m", "4m", "5m", "6m", "8m", "10m", "16m"] {
        let script = "
            if $M import $TAR image >$out 2>$err; then
                lives; $M images -q image | grep -q . || exit 53; echo worked
            else
                fails $err
                if [ -d $STORE/store/layers ]; then
                    lives
                    [ -z \"$($M images -q)\" ] || { echo 'half an image'; exit 54; }
                fi
                echo full
            fi";
        let output = on_tmpfs(&busybox, &format!("size={size}"), script);
        assert_eq!(output.code, Some(0), "{size}: {}", output.told());
        full += usize::from(output.stdout == "full\n");
        worked += usize::from(output.stdout == "worked\n");
    }
    assert!(full >= 3 && worked >= 1, "{full} were full, {worked} worked");
}

#[test]
fn an_import_without_inodes_says_so() {
    let busybox = Busybox::new();
    let script = "
        if $M import $TAR image >$out 2>$err; then exit 1; fi
        fails $err; echo full";
    for inodes in ["20", "100", "300"] {
        let output = on_tmpfs(&busybox, &format!("size=64m,nr_inodes={inodes}"), script);
        assert_eq!(output.succeeds().stdout, "full\n", "{inodes}: {}", output.told());
    }
}

#[test]
fn a_build_on_a_full_disk_says_so_and_the_rest_of_the_store_works() {
    let busybox = Busybox::new();
    busybox.write("context/big", vec![7; 3 << 20]);
    busybox.write("context/Dockerfile", "FROM image\nCOPY big /big\nRUN cp /big /again\n");
    let mut full = 0;
    let mut worked = 0;
    for room in [100, 500, 2000, 4000, 5500, 8000, 20_000] {
        // What the image needs is filled first, then as much is left as said.
        let script = format!(
            "
            $M import $TAR image >$out 2>$err || {{ cat $err; exit 55; }}
            left=$(df -k --output=avail $STORE | tail -1)
            head -c $(( (left - {room}) * 1024 )) /dev/zero > $STORE/filler
            if $M build --network none -t built $CONTEXT >$out 2>$err; then
                lives; $M images -q built | grep -q . || exit 53; word=worked
            else
                fails $err
                lives
                [ -z \"$($M images -q built)\" ] || {{ echo 'half an image'; exit 54; }}
                word=full
            fi
            dd if=/dev/zero of=$STORE/rest bs=1k 2>/dev/null
            lives
            $M rmi -f image >$out 2>$err || {{ cat $err; exit 56; }}
            $M system prune -af >$out 2>$err || {{ cat $err; exit 57; }}
            [ -z \"$($M images -q)\" ] || exit 58
            rm $STORE/filler $STORE/rest
            $M import $TAR image >$out 2>$err || {{ cat $err; exit 59; }}
            $M build --network none -t built $CONTEXT >$out 2>$err || {{ cat $err; exit 63; }}
            lives
            echo $word"
        );
        let output = on_tmpfs(&busybox, "size=40m", &script);
        assert_eq!(output.code, Some(0), "{room} KiB: {}", output.told());
        full += usize::from(output.stdout == "full\n");
        worked += usize::from(output.stdout == "worked\n");
    }
    assert!(full >= 3 && worked >= 1, "{full} were full, {worked} worked");
}

#[test]
fn a_container_that_fills_the_disk_gets_the_error_itself() {
    let busybox = Busybox::new();
    let script = "
        $M import $TAR image >$out 2>$err || { cat $err; exit 55; }
        $M run --name filler --network none image dd if=/dev/zero of=/big bs=64k >$out 2>$err
        [ $? = 1 ] || { cat $err; exit 56; }
        grep -q 'No space left on device' $err || { cat $err; exit 57; }
        lives
        $M rm filler >$out 2>$err || { cat $err; exit 58; }
        $M run --rm --network none image echo fine";
    let output = on_tmpfs(&busybox, "size=24m", script);
    assert_eq!(output.succeeds().stdout, "fine\n", "{}", output.told());
}
