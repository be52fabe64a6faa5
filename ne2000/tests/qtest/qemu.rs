//! A QEMU process and the sockets that lead into it.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The emulator.
const PROGRAM: &str = "qemu-system-x86_64";

/// How long anything in QEMU may take before the test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// The machine code at the reset vector: CLI, HLT, and again.
const RESET_VECTOR: [u8; 4] = [0xFA, 0xF4, 0xEB, 0xFD];

/// A running QEMU, ended when this is dropped.
pub(crate) struct Qemu {
    child: Child,
    commands: UnixStream,
    lines: Receiver<String>,
    network: UnixDatagram,
    /// Level of each interrupt line, as far as it was told.
    raised: [bool; 24],
    edges: [usize; 24],
    directory: TempDir,
}

impl Qemu {
    /// Starts QEMU with these devices on network `n0`; `intercept` makes it tell
    /// of interrupts.
    pub(crate) fn start(devices: &[&str], intercept: bool) -> Self {
        Self::start_with(&[], devices, intercept)
    }

    /// The same with further arguments.
    pub(crate) fn start_with(arguments: &[&str], devices: &[&str], intercept: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name);
        write_firmware(&path("firmware"));
        let listener = UnixListener::bind(path("qtest")).expect("the qtest socket");
        let network = UnixDatagram::bind(path("ours")).expect("the network socket");
        network
            .set_nonblocking(true)
            .expect("a socket that doesn't block");
        let child = spawn(directory.path(), arguments, devices);
        let (child, commands) = accept(&listener, child);
        let lines = read_lines(commands.try_clone().expect("a second handle"));
        let mut qemu = Self {
            child,
            commands,
            lines,
            network,
            raised: [false; 24],
            edges: [0; 24],
            directory,
        };
        if intercept {
            qemu.command("irq_intercept_in ioapic");
        }
        qemu
    }

    /// Runs a qtest command and gives what stands behind its `OK`.
    pub(crate) fn command(&mut self, command: &str) -> String {
        let line = format!("{command}\n");
        self.commands
            .write_all(line.as_bytes())
            .expect("QEMU reads commands");
        loop {
            let line = self
                .line(DEADLINE)
                .unwrap_or_else(|| panic!("no answer to `{command}`"));
            if let Some(answer) = line.strip_prefix("OK") {
                return answer.trim().to_owned();
            }
            assert!(
                self.note_interrupt(&line),
                "`{command}` was answered `{line}`"
            );
        }
    }

    /// Several commands at once, for their speed; what stands behind each `OK`.
    pub(crate) fn commands(&mut self, commands: &[String]) -> Vec<String> {
        let text = commands.join("\n") + "\n";
        self.commands
            .write_all(text.as_bytes())
            .expect("QEMU reads commands");
        let mut answers = Vec::with_capacity(commands.len());
        while answers.len() < commands.len() {
            let line = self.line(DEADLINE).expect("an answer");
            if let Some(answer) = line.strip_prefix("OK") {
                answers.push(answer.trim().to_owned());
            } else {
                assert!(self.note_interrupt(&line), "unexpected answer `{line}`");
            }
        }
        answers
    }

    fn line(&self, wait: Duration) -> Option<String> {
        match self.lines.recv_timeout(wait) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("QEMU has ended"),
        }
    }

    fn note_interrupt(&mut self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        let (Some("IRQ"), Some(change), Some(number)) = (words.next(), words.next(), words.next())
        else {
            return false;
        };
        let number: usize = number.parse().expect("an interrupt number");
        let up = change == "raise";
        if up && !self.raised[number] {
            self.edges[number] += 1;
        }
        self.raised[number] = up;
        true
    }

    /// Whether interrupt line `number` is up, and how often it went up so far.
    /// Everything QEMU said before is taken into account.
    pub(crate) fn interrupt(&mut self, number: usize) -> (bool, usize) {
        self.command("endianness");
        (self.raised[number], self.edges[number])
    }

    /// Sends a frame to the card.
    pub(crate) fn send_frame(&self, frame: &[u8]) {
        let peer = self.directory.path().join("qemu");
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.network.send_to(frame, &peer) {
                Ok(_) => return,
                Err(error) if Instant::now() > deadline => panic!("QEMU takes no frame: {error}"),
                Err(_) => thread::yield_now(),
            }
        }
    }

    /// Waits for the next frame that the card sent.
    pub(crate) fn receive_frame(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(frame) = self.try_receive_frame() {
                return frame;
            }
            assert!(Instant::now() < deadline, "no frame from the card");
            thread::yield_now();
        }
    }

    /// A frame that the card sent, if there is one.
    pub(crate) fn try_receive_frame(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 70_000];
        match self.network.recv(&mut buffer) {
            Ok(length) => Some(buffer[..length].to_vec()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("the network socket: {error}"),
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Firmware that does nothing: the processor isn't needed.
fn write_firmware(path: &Path) {
    let mut firmware = vec![0xF4; 64 * 1024];
    firmware[0xFFF0..0xFFF4].copy_from_slice(&RESET_VECTOR);
    std::fs::write(path, firmware).expect("the firmware file");
}

/// QEMU, killed when the thread that started it ends, even if the test is
/// killed, where `setpriv` (util-linux) is there.
fn command_that_dies_with_us() -> Command {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&paths).any(|folder| folder.join("setpriv").is_file()) {
        return Command::new(PROGRAM);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", PROGRAM]);
    command
}

fn spawn(directory: &Path, arguments: &[&str], devices: &[&str]) -> Child {
    let at = |name: &str| directory.join(name).display().to_string();
    let mut command = command_that_dies_with_us();
    command
        .args(["-machine", "pc", "-accel", "tcg", "-m", "16"])
        .args(["-display", "none", "-nodefaults", "-no-user-config"])
        .args(["-bios", &at("firmware")])
        .args([
            "-qtest",
            &format!("unix:{}", at("qtest")),
            "-qtest-log",
            "none",
        ])
        .arg("-netdev")
        .arg(format!(
            "dgram,id=n0,local.type=unix,local.path={},remote.type=unix,remote.path={}",
            at("qemu"),
            at("ours")
        ))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    for device in devices {
        command.args(["-device", device]);
    }
    let installed = Command::new(PROGRAM)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        installed.is_ok_and(|status| status.success()),
        "{PROGRAM} is not installed; `./qemu-run.sh test` installs it where it can, or says how"
    );
    command.spawn().expect("QEMU starts")
}

/// Waits for QEMU to call back.
fn accept(listener: &UnixListener, mut child: Child) -> (Child, UnixStream) {
    listener
        .set_nonblocking(true)
        .expect("a socket that doesn't block");
    let deadline = Instant::now() + DEADLINE;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("a socket that blocks");
                return (child, stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("the qtest socket: {error}"),
        }
        let ended = child.try_wait().expect("QEMU can be waited for");
        assert!(ended.is_none(), "QEMU ended at its start: {ended:?}");
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("QEMU does not connect to the qtest socket");
        }
        thread::yield_now();
    }
}

/// Reads QEMU's answers in a thread of its own, so that waiting has an end.
fn read_lines(stream: UnixStream) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
