//! QEMU as a child of the test: started by [`Options`], ended with the test, its logs kept when the test fails.

mod options;
mod turn;

pub use options::Options;

use crate::console::Console;
use crate::monitor::Monitor;
use crate::script;
use crate::services::{Forward, Protocol};
use crate::starvation::Starvation;
use crate::verdict::Verdict;
use crate::wire::Wire;
use options::Network;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use turn::Turn;

/// How long QEMU gets to open the console.
const START: Duration = Duration::from_secs(50);
/// How long a guest that was told to end, or that failed, takes at most.
const END: Duration = Duration::from_secs(50);

const CONSOLE: &str = "console";
const SERIAL_LOG: &str = "serial.log";
const CAPTURE: &str = "frames.pcap";
const COMMAND: &str = "command.txt";
const QEMU_LOG: &str = "qemu.log";

fn console_backend(folder: &Path) -> OsString {
    let mut backend = OsString::from("socket,server=off,path=");
    backend.push(folder.join(CONSOLE));
    backend.push(",logfile=");
    backend.push(folder.join(SERIAL_LOG));
    backend
}

/// A running QEMU.
#[derive(Debug)]
pub struct Machine {
    /// The guest's serial console.
    pub console: Console,
    child: Child,
    started: Instant,
    /// Those that have not been taken, the first card's at the end.
    wires: Vec<Wire>,
    forwards: Vec<Forward>,
    folder: TempDir,
    _turn: Turn,
}

impl Machine {
    #[track_caller]
    fn start(options: &Options) -> Self {
        let turn = Turn::take(options.alone);
        let folder = tempfile::Builder::new()
            .prefix("net-")
            .tempdir()
            .expect("a folder for the sockets");
        let forwards = match &options.network {
            Network::User(ports) => ports
                .iter()
                .map(|&(protocol, port)| Forward::new(protocol, port))
                .collect(),
            _ => Vec::new(),
        };
        let wires = (0..options.wires()).rev();
        let wires = wires
            .map(|number| Wire::new(folder.path(), number))
            .collect();
        let listener =
            UnixListener::bind(folder.path().join(CONSOLE)).expect("the console's socket");
        let command = script::qemu_command(options.script_options(folder.path(), &forwards));
        let started = Instant::now();
        let mut child = spawn(&command, folder.path());
        let console = Console::accept(&listener, START, || describe_end(&mut child, folder.path()));
        Self {
            console,
            child,
            started,
            wires,
            forwards,
            folder,
            _turn: turn,
        }
    }

    /// The other end of the first card's cable; the next time that of the next one.
    ///
    /// # Panics
    /// When the machine was not made with [`Options::wire`], or all wires were taken already.
    #[track_caller]
    pub fn take_wire(&mut self) -> Wire {
        self.wires.pop().expect("Options::wire, taken once")
    }

    /// Where the host reaches a guest port.
    ///
    /// # Panics
    /// When the machine was not made with [`Options::forward`] for it.
    #[track_caller]
    pub fn forward(&self, protocol: Protocol, guest_port: u16) -> &Forward {
        let found = self
            .forwards
            .iter()
            .find(|forward| forward.is_for(protocol, guest_port));
        found.unwrap_or_else(|| panic!("Options::forward({protocol:?}, {guest_port})"))
    }

    /// When QEMU was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// QEMU's monitor.
    ///
    /// # Panics
    /// When the machine was not made with [`Options::monitored`].
    #[track_caller]
    pub fn monitor(&self) -> Monitor {
        Monitor::connect(self.folder.path())
    }

    /// Stops QEMU itself, as a busy host does, or lets it go on: the guest's clock goes on meanwhile.
    ///
    /// # Panics
    /// When there is no `kill` (POSIX).
    #[track_caller]
    pub fn suspend(&self, suspended: bool) {
        let signal = if suspended { "-STOP" } else { "-CONT" };
        let process = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &process]).status();
        assert!(status.expect("kill").success(), "kill {signal} {process}");
    }

    /// How long the host has kept this machine's threads waiting.
    pub fn starvation(&self) -> Starvation {
        Starvation::of_process(self.child.id())
    }

    /// Everything the serial port sent so far.
    pub fn serial_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join(SERIAL_LOG)).unwrap_or_default())
            .into_owned()
    }

    /// Waits for QEMU's end.
    ///
    /// # Panics
    /// When it does not end in time.
    #[track_caller]
    pub fn end(&mut self) -> Verdict {
        let deadline = Instant::now() + END;
        self.console.drain_until(deadline);
        match wait(&mut self.child, deadline) {
            Some(status) => Verdict::from(status),
            None => panic!("QEMU still runs after {END:?}\n{}", self.serial_log()),
        }
    }

    /// Ends the guest by `poweroff` and checks that it says that all was well.
    ///
    /// # Panics
    /// When the verdict is another one.
    #[track_caller]
    pub fn power_off(mut self) {
        self.console.send("poweroff\r");
        let verdict = self.end();
        assert_eq!(verdict, Verdict::Pass, "after `poweroff`");
    }

    /// Keeps the logs of a failed test, and prints where.
    fn keep_evidence(&self) {
        let test = std::thread::current()
            .name()
            .unwrap_or("main")
            .replace("::", "-");
        let kept = script::output().join("failed").join(test);
        if let Err(error) = copy_files(self.folder.path(), &kept) {
            eprintln!(
                "the serial log could not be kept in {}: {error}",
                kept.display()
            );
        } else {
            eprintln!("serial log and capture: {}", kept.display());
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail only if QEMU has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.keep_evidence();
        }
    }
}

/// Starts QEMU so that it dies with the thread that started it, even when the test is killed, where `setpriv` (util-linux) is there.
fn spawn(command: &[OsString], folder: &Path) -> Child {
    let lines: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    fs::write(folder.join(COMMAND), lines.join("\n")).expect("a file in the folder of the sockets");
    let log = fs::File::create(folder.join(QEMU_LOG)).expect("a file in the folder of the sockets");
    let mut words: Vec<&OsStr> = ["setpriv", "--pdeathsig", "KILL", "--"]
        .map(OsStr::new)
        .to_vec();
    if !has_setpriv() {
        words.clear();
    }
    words.extend(command.iter().map(OsString::as_os_str));
    Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", words[0].display()))
}

fn has_setpriv() -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join("setpriv").is_file())
}

/// What is known when QEMU ends before it opened the console.
fn describe_end(child: &mut Child, folder: &Path) -> Option<String> {
    let status = child.try_wait().ok()??;
    let log = fs::read_to_string(folder.join(QEMU_LOG)).unwrap_or_default();
    Some(format!("QEMU ended at once: {status}\n{log}"))
}

/// Waits for the child's end without being signalled: a short sleep between looks, up to the deadline.
fn wait(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for name in [SERIAL_LOG, CAPTURE, COMMAND, QEMU_LOG] {
        let source: PathBuf = from.join(name);
        if source.is_file() {
            fs::copy(&source, to.join(name))?;
        }
    }
    Ok(())
}
