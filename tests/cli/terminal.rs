//! `run -it` on a terminal: a pseudo-terminal of the test's, and what a user would see on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use minidock_tests::{Busybox, stage};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

const SOON: Duration = Duration::from_secs(10);

/// A terminal with a `minidock` in front of it.
struct Screen {
    master: File,
    /// Held open, so that the terminal outlives the command.
    slave: OwnedFd,
    before: Termios,
    output: Receiver<Vec<u8>>,
    seen: String,
    child: Child,
}

impl Screen {
    fn open(busybox: &Busybox, arguments: &[&str]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap();
        resize(&master, 80, 24);
        let before = tcgetattr(&slave).unwrap();
        let end = || slave.try_clone().unwrap();
        let mut command = Command::new("setsid");
        // A session of its own with this terminal, as a terminal emulator gives to a shell.
        command.arg("--ctty").arg("--wait").arg(stage::minidock()).arg("--root");
        command.arg(busybox.root()).args(arguments).process_group(0);
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let master = File::from(master);
        let (sender, output) = channel();
        let mut reader = master.try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { master, slave, before, output, seen: String::new(), child }
    }

    fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for a text on the screen, and forgets what stands before it.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            match self.output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => assert!(begun.elapsed() < SOON, "{text:?} is not in {:?}", self.seen),
            }
        }
    }

    /// The status of `minidock`, once it ended; the terminal must be as it was.
    #[track_caller]
    fn ends(&mut self) -> Option<i32> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < SOON, "minidock hangs: {:?}", self.seen);
            thread::sleep(Duration::from_millis(10));
        };
        let after = tcgetattr(&self.slave).unwrap();
        let modes = |t: &Termios| (t.input_modes, t.output_modes, t.local_modes, t.control_modes);
        assert_eq!(modes(&after), modes(&self.before), "the terminal is not as it was");
        status.code()
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave).unwrap().local_modes.contains(rustix::termios::LocalModes::ICANON)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It has ended in every scenario that went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn resize(terminal: impl AsFd, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}

const SHELL: &[&str] =
    &["run", "--rm", "-it", "--network", "none", "--name", "box", "busybox", "sh"];

#[test]
fn a_shell_has_a_prompt_an_echo_a_size_and_an_end() {
    let busybox = Busybox::new();
    let mut screen = Screen::open(&busybox, SHELL);
    screen.shows("# ");
    assert!(screen.is_raw());
    screen.type_in("tty; stty size\r");
    screen.shows("/dev/pts/0\r\n24 80\r\n");
    resize(&screen.master, 100, 40);
    screen.type_in("until stty size | grep '40 1'; do sleep 0.1; done\r");
    screen.shows("\r\n40 100\r\n");
    screen.type_in("exit 7\r");
    assert_eq!(screen.ends(), Some(7));
}

#[test]
fn a_program_is_told_that_the_size_changed() {
    let busybox = Busybox::new();
    let script = "trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.05; done";
    let call = ["run", "--rm", "-it", "--network", "none", "busybox", "sh", "-c", script];
    let mut screen = Screen::open(&busybox, &call);
    screen.shows("ready\r\n");
    resize(&screen.master, 101, 41);
    screen.shows("41 101\r\n");
    assert_eq!(screen.ends(), Some(5));
}

#[test]
fn keys_that_interrupt_reach_the_program() {
    let busybox = Busybox::new();
    let mut screen = Screen::open(&busybox, SHELL);
    screen.shows("# ");
    // Quoted, so that the echo of what was typed does not look like what it prints.
    screen.type_in("sh -c 'trap \"exit 9\" INT; echo u\"\"p; while :; do sleep 0.1; done'\r");
    screen.shows("up\r\n");
    screen.type_in("\u{3}");
    screen.shows("# ");
    screen.type_in("echo $?\r");
    screen.shows("\r\n9\r\n");
    screen.type_in("\u{4}");
    screen.ends();
}

#[test]
fn detach_keys_leave_it_running_and_attach_comes_back() {
    let busybox = Busybox::new();
    let mut screen = Screen::open(&busybox, SHELL);
    screen.shows("# ");
    screen.type_in("kept=1\r");
    screen.shows("# ");
    screen.type_in("\u{10}\u{11}");
    assert_eq!(screen.ends(), Some(0));
    assert_eq!(busybox.inspect("box", "{{.State.Running}}"), "true");
    let mut screen = Screen::open(&busybox, &["attach", "box"]);
    screen.type_in("echo \"kept is $kept\"\r");
    screen.shows("kept is 1\r\n");
    screen.type_in("exit 3\r");
    assert_eq!(screen.ends(), Some(3));
}

#[test]
fn the_terminal_is_restored_when_the_container_is_killed() {
    let busybox = Busybox::new();
    let mut screen = Screen::open(&busybox, SHELL);
    screen.shows("# ");
    assert!(screen.is_raw());
    busybox.run(["kill", "box"]).succeeds();
    assert_eq!(screen.ends(), Some(137));
    let mut screen = Screen::open(&busybox, SHELL);
    screen.shows("# ");
    busybox.run(["rm", "-f", "box"]).succeeds();
    screen.ends();
}

#[test]
fn exec_has_a_terminal_of_its_own() {
    let busybox = Busybox::new();
    busybox.start("box", &[], "sleep 1000");
    let mut screen = Screen::open(&busybox, &["exec", "-it", "box", "sh"]);
    screen.shows("# ");
    screen.type_in("stty size; tty\r");
    screen.shows("24 80\r\n/dev/pts/");
    screen.type_in("exit 4\r");
    assert_eq!(screen.ends(), Some(4));
    assert_eq!(busybox.inspect("box", "{{.State.Running}}"), "true");
}

#[test]
fn a_terminal_is_asked_for_where_there_is_one() {
    let busybox = Busybox::new();
    let output = busybox.run(["run", "--rm", "-it", "--network", "none", "busybox", "true"]);
    output.exits(125).stderr_has("terminal");
    let tty = busybox.run(["run", "--rm", "-t", "--network", "none", "busybox", "tty"]);
    assert_eq!(tty.succeeds().stdout, "/dev/pts/0\r\n");
}
