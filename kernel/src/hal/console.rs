//! The console: lines typed on the serial port, and the log between them.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use executive::{Dpc, Duration, Event, EventKind, Executive, Irql, NtStatus};
use heapless::Deque;
use ndis::platform::InterruptService;
use spin::Once;
use wiring::machine::ConsoleEvent;
use x86_64::instructions::interrupts as processor;

use super::lock::InterruptLock;
use super::{interrupts, serial};

/// Bytes of input that are kept for the reader.
const INPUT_BYTES: usize = 1024;

/// Bytes read from the UART at a time; it keeps 16.
const BYTES_PER_READ: usize = 16;

/// Most reads in one interrupt.
const MAX_READS: usize = 16;

/// Bytes written in one go, with interrupts disabled: what a UART's FIFO holds.
const OUTPUT_PIECE: usize = 16;

/// How long a writer sleeps before it looks for room again, or for a pause.
const PAUSE: Duration = Duration::from_millis(1);

/// Output after which a writer pauses: a thread that prints without end must not keep
/// those below it from running.
const BYTES_BETWEEN_PAUSES: usize = 4096;

/// Pauses in a row after which the writer of the second serial port gives up. They are
/// counted, not timed: while a virtual machine does not run, the port's other end may not
/// run either.
const SECOND_PAUSES: u32 = 500;

/// Goes to the first column and clears the line.
const CLEAR_LINE: &[u8] = b"\r\x1b[K";

static INPUT: InterruptLock<Deque<u8, INPUT_BYTES>> = InterruptLock::new(Deque::new());

/// The service of the serial port's interrupts.
static INTERRUPT: SerialInterrupt = SerialInterrupt {
    overruns: AtomicU64::new(0),
    unfinished: AtomicBool::new(false),
};

/// Whether a line is being edited.
static EDITING: AtomicBool = AtomicBool::new(false);

/// Whether a log record was written over the line being edited.
static DISTURBED: AtomicBool = AtomicBool::new(false);

/// Bytes written since the last pause.
static SINCE_PAUSE: AtomicUsize = AtomicUsize::new(0);

static READER: Once<Reader> = Once::new();

/// What wakes the thread that reads the console.
struct Reader {
    executive: &'static Executive,
    /// Something has happened.
    event: Event,
    /// Signals `event`, which must not be done in an interrupt.
    dpc: &'static Dpc,
}

/// The interrupt of the serial port.
struct SerialInterrupt {
    /// Bytes of input for which there was no room.
    overruns: AtomicU64,
    /// Whether the UART still makes a request.
    unfinished: AtomicBool,
}

impl InterruptService for SerialInterrupt {
    fn service(&self) -> bool {
        let recognised = serial::is_interrupting();
        if recognised {
            take_all_input();
            wake_reader();
        }
        recognised
    }
}

/// Takes input until the UART makes no request any more, since only then it will make a
/// new one. What is left after [`MAX_READS`] is for the DPC.
fn take_all_input() {
    let reads = (0..MAX_READS).take_while(|_| {
        take_input();
        serial::is_interrupting()
    });
    if reads.count() == MAX_READS {
        INTERRUPT.unfinished.store(true, Ordering::Relaxed);
    }
}

/// Begins to take input.
///
/// # Errors
/// When the executive has no event or DPC left, or the interrupt line is taken.
pub(crate) fn init(executive: &'static Executive) -> Result<(), NtStatus> {
    let reader = Reader {
        executive,
        event: Event::new(executive, EventKind::Synchronization, false)?,
        dpc: Dpc::new(executive, "console input", || {
            let unfinished = INTERRUPT.unfinished.swap(false, Ordering::Relaxed);
            if unfinished {
                take_all_input();
            }
            if let Some(reader) = READER.get() {
                reader.event.set();
                if unfinished {
                    reader.dpc.queue();
                }
            }
        })?,
    };
    READER.call_once(|| reader);
    let status = interrupts::connect(serial::LINE, false, &INTERRUPT);
    if !status.is_success() {
        return Err(status);
    }
    serial::enable_input_interrupt();
    Ok(())
}

/// Moves what the UART has to the input queue.
fn take_input() {
    let mut buffer = [0; BYTES_PER_READ];
    if let Some(bytes) = serial::read(&mut buffer) {
        let mut input = INPUT.lock();
        for byte in bytes {
            if input.push_back(*byte).is_err() {
                INTERRUPT.overruns.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn wake_reader() {
    if let Some(reader) = READER.get() {
        reader.dpc.queue();
    }
}

/// Waits for input or for a disturbance of the line being edited; for one thread, at
/// Passive.
pub(crate) fn read(buffer: &mut [u8], timeout: Option<Duration>) -> ConsoleEvent {
    let Some(reader) = READER.get() else {
        return ConsoleEvent::TimedOut;
    };
    loop {
        if DISTURBED.swap(false, Ordering::Relaxed) {
            return ConsoleEvent::Disturbed;
        }
        let count = take(buffer);
        if count > 0 {
            return ConsoleEvent::Input(count);
        }
        if reader.executive.wait(&reader.event, timeout) != NtStatus::SUCCESS {
            return ConsoleEvent::TimedOut;
        }
    }
}

/// Moves input to the buffer, as much as there is and fits.
fn take(buffer: &mut [u8]) -> usize {
    let mut input = INPUT.lock();
    buffer
        .iter_mut()
        .map_while(|place| input.pop_front().map(|byte| *place = byte))
        .count()
}

/// Writes to the console. A log record from an interrupt may come in between. Without
/// room a thread at Passive waits while the output goes on; anybody else, and whoever
/// has nobody reading the output, gives the rest up.
pub(crate) fn write(bytes: &[u8]) {
    if SINCE_PAUSE.fetch_add(bytes.len(), Ordering::Relaxed) >= BYTES_BETWEEN_PAUSES && sleep(PAUSE)
    {
        SINCE_PAUSE.store(0, Ordering::Relaxed);
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let piece = rest.get(..OUTPUT_PIECE).unwrap_or(rest);
        let taken = serial::write(piece);
        let is_cut = taken < piece.len();
        rest = rest.get(taken..).unwrap_or_default();
        if is_cut && (serial::is_stuck() || !sleep(PAUSE)) {
            serial::drop_bytes(rest.len());
            return;
        }
    }
}

/// Writes to the second serial port; says how much was taken before nothing was taken for
/// [`SECOND_PAUSES`]. Passive.
pub(crate) fn write_second(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    let mut pauses = 0;
    while !rest.is_empty() {
        let sent = serial::write_second(rest);
        rest = rest.get(sent..).unwrap_or_default();
        if sent > 0 {
            pauses = 0;
        } else if pauses == SECOND_PAUSES || !sleep(PAUSE) {
            break;
        } else {
            pauses += 1;
        }
    }
    bytes.len() - rest.len()
}

/// Lets other threads run; false where nobody may sleep.
fn sleep(time: Duration) -> bool {
    let Some(reader) = READER.get() else {
        return false;
    };
    let may_sleep = reader.executive.irql() == Irql::Passive && processor::are_enabled();
    if may_sleep {
        reader.executive.sleep(time);
    }
    may_sleep
}

/// Says whether a line is being edited, which log records then clear and redraw.
pub(crate) fn set_editing(editing: bool) {
    EDITING.store(editing, Ordering::Relaxed);
    DISTURBED.store(false, Ordering::Relaxed);
}

/// To be called before a log record is written.
pub(super) fn begin_log() {
    if EDITING.load(Ordering::Relaxed) {
        serial::write_record(CLEAR_LINE);
    }
}

/// Has the line being edited drawn again: after a log record was written, or output lost.
pub(super) fn disturb() {
    if EDITING.load(Ordering::Relaxed) {
        DISTURBED.store(true, Ordering::Relaxed);
        wake_reader();
    }
}

/// Bytes of input for which there was no room.
pub(crate) fn overruns() -> u64 {
    INTERRUPT.overruns.load(Ordering::Relaxed) + serial::hardware_overruns()
}
