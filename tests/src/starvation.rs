//! How long threads of the host were ready to run and did not get a processor, so that a late answer is not blamed on the guest.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The threads whose waits are added up.
#[derive(Debug)]
pub struct Starvation {
    process: PathBuf,
}

impl Starvation {
    /// All threads of the process with this number. They may come and go.
    pub fn of_process(id: u32) -> Self {
        Self {
            process: Path::new("/proc").join(id.to_string()).join("task"),
        }
    }

    /// How long they have waited for a processor so far, added up (Linux's `schedstat`: time on the run queue). Zero where the host does not
    /// say so.
    pub fn waited(&self) -> Duration {
        let threads = fs::read_dir(&self.process).into_iter().flatten().flatten();
        threads.filter_map(|thread| waited(&thread.path())).sum()
    }
}

/// How long the thread that calls this has waited for a processor so far.
pub fn own_wait() -> Duration {
    waited(Path::new("/proc/thread-self")).unwrap_or_default()
}

fn waited(thread: &Path) -> Option<Duration> {
    let line = fs::read_to_string(thread.join("schedstat")).ok()?;
    let nanoseconds = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
