//! The test tasks: small services, each a thread that uses nothing but Winsock.

mod chargen;
mod daytime;
mod load;

#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicU64, Ordering};

use afd::winsock::constants::{AF_INET, IPPROTO_UDP, SOCK_DGRAM};
use afd::winsock::{Socket, WsaError};
use alloc::boxed::Box;
use alloc::vec;
use core::net::Ipv4Addr;
use executive::{Duration, Executive, NtStatus, Priority, atomic_counters};
use netstack::SocketAddress;

use crate::machine::Machine;
use crate::network::Winsock;

pub use load::{Load, Progress};

/// Bytes of the largest datagram that arrives: one that fits an Ethernet frame,
/// since fragments are not reassembled.
const MAXIMUM_DATAGRAM: usize = 1472;
const STACK_BYTES: usize = 32 * 1024;
/// The pause after a failed call, so that a failure that stays does not spin.
const PAUSE: Duration = Duration::from_millis(10);
const WINSOCK_VERSION: u16 = 0x0202;

atomic_counters! {
    /// What one task has done.
    pub struct ServiceCounters / AtomicServiceCounters {
        /// Datagrams taken.
        datagrams,
        /// Their bytes.
        bytes,
        /// Datagrams sent.
        answers,
        /// Calls that failed.
        errors,
    }
}

/// Makes the answer to a datagram in a buffer, in front of which the datagram
/// itself stands; gives the answer's length, or `None` for no answer.
type Answer = Box<dyn FnMut(&mut [u8], usize) -> Option<usize> + Send>;

/// A task and its counters.
pub struct Service {
    /// Its name, and its thread's.
    pub name: &'static str,
    port: u16,
    counters: AtomicServiceCounters,
}

impl Service {
    const fn new(name: &'static str, port: u16) -> Self {
        Self {
            name,
            port,
            counters: AtomicServiceCounters {
                datagrams: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
                answers: AtomicU64::new(0),
                errors: AtomicU64::new(0),
            },
        }
    }

    /// What the task has done so far.
    pub fn counters(&self) -> ServiceCounters {
        self.counters.snapshot()
    }
}

/// All test tasks.
pub struct Services {
    echo: Service,
    discard: Service,
    daytime: Service,
    chargen: Service,
}

impl Services {
    /// The tasks, none of them running yet.
    pub const fn new() -> Self {
        Self {
            echo: Service::new("echo", 7),
            discard: Service::new("discard", 9),
            daytime: Service::new("daytime", 13),
            chargen: Service::new("chargen", 19),
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        [&self.echo, &self.discard, &self.daytime, &self.chargen].into_iter()
    }

    /// Binds their sockets and starts their threads. Allocates; PASSIVE_LEVEL.
    ///
    /// # Errors
    /// A thread could not be made, or a socket not be bound.
    pub fn start(
        &'static self,
        executive: &'static Executive,
        machine: &'static dyn Machine,
        winsock: &'static Winsock,
    ) -> Result<(), StartError> {
        winsock.startup(WINSOCK_VERSION)?;
        let answers: [(&'static Service, Answer); 4] = [
            (&self.echo, Box::new(|_, length| Some(length))),
            (&self.discard, Box::new(|_, _| None)),
            (
                &self.daytime,
                Box::new(|buffer, _| Some(daytime::answer(machine.date(), buffer))),
            ),
            (&self.chargen, chargen::answers(machine)),
        ];
        for (service, answer) in answers {
            let socket = winsock.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)?;
            winsock.bind(
                socket,
                SocketAddress::new(Ipv4Addr::UNSPECIFIED, service.port),
            )?;
            let buffer = vec![0; MAXIMUM_DATAGRAM].into_boxed_slice();
            let task = Task {
                service,
                executive,
                winsock,
                socket,
                buffer,
            };
            executive.spawn(service.name, Priority::NORMAL, STACK_BYTES, move || {
                task.run(answer);
            })?;
        }
        Ok(())
    }
}

impl Default for Services {
    fn default() -> Self {
        Self::new()
    }
}

/// Why the tasks do not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartError {
    /// The executive's answer to a thread.
    Thread(NtStatus),
    /// Winsock's answer.
    Socket(WsaError),
}

impl From<NtStatus> for StartError {
    fn from(status: NtStatus) -> Self {
        Self::Thread(status)
    }
}

impl From<WsaError> for StartError {
    fn from(error: WsaError) -> Self {
        Self::Socket(error)
    }
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Thread(status) => write!(f, "thread: {status}"),
            Self::Socket(error) => write!(f, "socket: {error}"),
        }
    }
}

/// What a task's thread owns.
struct Task {
    service: &'static Service,
    executive: &'static Executive,
    winsock: &'static Winsock,
    socket: Socket,
    buffer: Box<[u8]>,
}

impl Task {
    /// Answers datagrams until the socket is gone.
    fn run(mut self, mut answer: Answer) {
        loop {
            match self.serve(&mut answer) {
                Ok(()) => {}
                Err(WsaError::ENOTSOCK | WsaError::NOTINITIALISED) => {
                    log::info!(target: "task", "{}: the socket is closed", self.service.name);
                    return;
                }
                Err(error) => {
                    log::debug!(target: "task", "{}: {error}", self.service.name);
                    count(&self.service.counters.errors, 1);
                    self.executive.sleep(PAUSE);
                }
            }
        }
    }

    fn serve(&mut self, answer: &mut Answer) -> Result<(), WsaError> {
        let mut source = SocketAddress::UNSPECIFIED;
        let length = self
            .winsock
            .recvfrom(self.socket, &mut self.buffer, 0, Some(&mut source))?;
        let counters = &self.service.counters;
        count(&counters.datagrams, 1);
        count(&counters.bytes, length as u64);
        let answer = answer(&mut self.buffer, length);
        if let Some(bytes) = answer.and_then(|length| self.buffer.get(..length)) {
            self.winsock.sendto(self.socket, bytes, 0, source)?;
            count(&counters.answers, 1);
        }
        Ok(())
    }
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
