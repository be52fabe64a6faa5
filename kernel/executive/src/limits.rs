//! How much of everything there is; all of it is reserved at the start.

use crate::thread::Priority;
use crate::time::Duration;

/// The sizes of the executive's tables and the parameters of its scheduling.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads, the idle thread included.
    pub threads: usize,
    /// Events that can exist at one time, those inside IRPs included.
    pub events: usize,
    /// Timers.
    pub timers: usize,
    /// DPCs, one for each timer with a routine of its own included.
    pub dpcs: usize,
    /// Work items.
    pub work_items: usize,
    /// The stack of a worker thread and of the DPC thread, in bytes.
    pub worker_stack_bytes: usize,
    /// The priority of worker threads.
    pub worker_priority: Priority,
    /// The length of the window in which the time of a worker is limited.
    pub worker_window: Duration,
    /// The time that a worker may take of each window while other threads are
    /// ready.
    pub worker_window_share: Duration,
    /// How long a worker leaves the processor to them then.
    pub worker_pause: Duration,
    /// The priority of the thread that runs what a DPC pass left over.
    pub dpc_thread_priority: Priority,
    /// DPCs that one pass runs at most before the DPC thread takes over.
    pub dpc_pass_count: u32,
    /// The length of the window in which the time of DPCs is limited.
    pub dpc_window: Duration,
    /// The time that DPCs may take of each window before the DPC thread takes
    /// over, and the longest turn of that thread while others wait for theirs.
    pub dpc_window_share: Duration,
    /// Clock ticks that a thread runs before another one of the same priority
    /// has its turn.
    pub quantum_ticks: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threads: 32,
            events: 256,
            timers: 32,
            dpcs: 32,
            work_items: 16,
            worker_stack_bytes: 64 * 1024,
            worker_priority: Priority::HIGH,
            worker_window: Duration::from_millis(10),
            worker_window_share: Duration::from_millis(8),
            worker_pause: Duration::from_millis(1),
            dpc_thread_priority: Priority::NORMAL,
            dpc_pass_count: 2,
            dpc_window: Duration::from_millis(10),
            dpc_window_share: Duration::from_millis(5),
            quantum_ticks: 5,
        }
    }
}
