//! `qemu-run.sh` as the harness sees it: it builds the images and knows QEMU's arguments.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Set by `qemu-run.sh test` and `bench`, which have built the images themselves.
const ALREADY_BUILT: &str = "QEMU_RUN_BUILT";

/// The top folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The folder of the images, and of what failed tests leave behind.
pub fn output() -> PathBuf {
    workspace().join("target/qemu")
}

/// QEMU's program and arguments for these options of the script.
///
/// # Panics
/// When the script fails: its text is in the message.
pub fn qemu_command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(options: I) -> Vec<OsString> {
    let answer = call(
        ["run", "--print0", "--no-build"].iter().map(OsStr::new),
        options,
    );
    let words = answer.strip_suffix(b"\0").unwrap_or(&answer);
    words
        .split(|&byte| byte == 0)
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

/// Builds the loader and the kernel, once in a process.
///
/// # Panics
/// When they cannot be built.
pub fn build() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        if std::env::var_os(ALREADY_BUILT).is_none() {
            call([OsStr::new("build")].into_iter(), [] as [&str; 0]);
        }
    });
}

/// Makes the ISO image from the images that are there, once in a process.
///
/// # Panics
/// When it cannot be made.
pub fn make_iso() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        call(
            ["iso", "--no-build"].iter().map(OsStr::new),
            [] as [&str; 0],
        );
    });
}

fn call<'a, I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
    command: impl Iterator<Item = &'a OsStr>,
    options: I,
) -> Vec<u8> {
    let script = workspace().join("qemu-run.sh");
    let answer = Command::new(&script)
        .args(command)
        .args(options)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    assert!(
        answer.status.success(),
        "{}: {}\n{}",
        script.display(),
        answer.status,
        String::from_utf8_lossy(&answer.stderr)
    );
    answer.stdout
}
