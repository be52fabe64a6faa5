//! The device: its tables, the dispatch of requests, and how they end.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use executive::irp::CancelRoutine;
use executive::status::NtStatus;
use executive::time::Instant;
use netstack::Stack;
use netstack::tdi::{AddressHandle, Completion};

use crate::counters::{AfdCounters, AfdUsage};
use crate::endpoint::{DatagramMemory, Endpoint, Queue, State};
use crate::handle::HandleTable;
use crate::ioctl::{ControlCode, ShareType};
use crate::pending::PendingTable;
use crate::poll::{PollHit, Registration};
use crate::request::{AfdIrp, MajorFunction};
use crate::send::SendInProgress;
use crate::table::{Lists, Slab};
use crate::transport::TransportRequest;

/// The sizes of the device's tables, all allocated when it is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AfdConfiguration {
    /// Endpoints.
    pub endpoints: u32,
    /// Handles; more than endpoints, since handles can be duplicated.
    pub handles: u32,
    /// IRPs: the size of the pool that requests come from.
    pub irps: u32,
    /// Datagrams that wait at all endpoints together.
    pub datagrams: u32,
    /// Datagrams that wait at one endpoint.
    pub datagrams_per_endpoint: u32,
    /// Sends that the transport has not finished.
    pub sends: u32,
    /// Endpoints that all pending polls together look at.
    pub poll_registrations: u32,
}

impl Default for AfdConfiguration {
    fn default() -> Self {
        Self {
            endpoints: 64,
            handles: 128,
            irps: 128,
            datagrams: 256,
            datagrams_per_endpoint: 64,
            sends: 128,
            poll_registrations: 512,
        }
    }
}

/// The AFD device.
///
/// It is a state machine: requests, completions of the transport and the time
/// are handed to it, and what follows is fetched with [`Afd::next_completed`].
/// It completes no IRP itself, so it can be called with a lock held. Any IRQL
/// up to Dispatch.
pub struct Afd {
    pub(crate) handles: HandleTable,
    pub(crate) endpoints: Slab<Endpoint>,
    pub(crate) pending: PendingTable,
    pub(crate) datagrams: DatagramMemory,
    pub(crate) sends: Slab<SendInProgress>,
    pub(crate) registrations: Lists<Registration>,
    /// The polls that an event ends, while they are being looked for.
    pub(crate) hits: Vec<PollHit>,
    /// When receives that the transport refused are posted again.
    pub(crate) repost_at: Option<Instant>,
    pub(crate) counters: AfdCounters,
    completed: VecDeque<CompletedIrp>,
    pub(crate) cancel_routine: Option<&'static dyn CancelRoutine>,
}

/// An IRP whose outcome is known, on its way back to its owner.
#[derive(Debug)]
#[must_use = "an IRP that is dropped is completed as a driver's fault"]
pub struct CompletedIrp {
    irp: AfdIrp,
    outcome: Outcome,
}

impl CompletedIrp {
    /// Completes the IRP: its completion routine runs and its event is set.
    /// No lock may be held. IRQL Dispatch at most.
    pub fn finish(self) {
        self.irp
            .complete(self.outcome.status, self.outcome.information);
    }
}

/// Status and information of a completion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: NtStatus,
    pub(crate) information: usize,
}

impl From<NtStatus> for Outcome {
    fn from(status: NtStatus) -> Self {
        Self {
            status,
            information: 0,
        }
    }
}

impl From<Result<usize, NtStatus>> for Outcome {
    fn from(result: Result<usize, NtStatus>) -> Self {
        match result {
            Ok(information) => Self {
                status: NtStatus::SUCCESS,
                information,
            },
            Err(status) => status.into(),
        }
    }
}

/// What can be seen of an endpoint from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndpointStatus {
    /// How far it has come.
    pub state: State,
    /// The transport's address object.
    pub address: Option<AddressHandle>,
    /// How the address is shared.
    pub share: ShareType,
    /// Bytes that wait to be received.
    pub receive_content: usize,
    /// Datagrams that wait to be received.
    pub datagrams: u32,
    /// Receives that wait for a datagram.
    pub pending_receives: u32,
    /// Sends that wait for the transport.
    pub pending_sends: u32,
    /// Handles to the endpoint.
    pub handles: u32,
}

impl Afd {
    /// Allocates a device without endpoints.
    pub fn new(configuration: &AfdConfiguration) -> Self {
        Self {
            handles: HandleTable::new(configuration.handles),
            endpoints: Slab::new(configuration.endpoints),
            pending: PendingTable::new(configuration.irps),
            datagrams: DatagramMemory::new(
                configuration.endpoints,
                configuration.datagrams_per_endpoint,
                configuration.datagrams,
            ),
            sends: Slab::new(configuration.sends),
            registrations: Lists::new(configuration.poll_registrations),
            hits: Vec::with_capacity(configuration.irps as usize),
            repost_at: None,
            counters: AfdCounters::default(),
            completed: VecDeque::with_capacity(configuration.irps as usize),
            cancel_routine: None,
        }
    }

    /// Sets the routine that cancels waiting requests: it takes the lock that
    /// guards the device, calls [`Afd::cancel`] and finishes what was
    /// completed. Without it no request can wait (DEVICE_NOT_READY).
    pub fn set_cancel_routine(&mut self, routine: &'static dyn CancelRoutine) {
        self.cancel_routine = Some(routine);
    }

    /// Takes a request in. It is completed at once or later; its completion is
    /// fetched with [`Afd::next_completed`].
    pub fn dispatch(&mut self, irp: AfdIrp, stack: &mut Stack, now: Instant) {
        self.counters.requests += 1;
        let major = irp.request().major;
        let (handle, code) = (irp.request().handle, irp.request().control_code);
        log::trace!(target: "afd", "{major:?} {code:?} on {handle}");
        match major {
            MajorFunction::Read => self.receive(irp, stack, now),
            MajorFunction::Write => self.send(irp, stack, now),
            MajorFunction::DeviceControl => self.device_control(irp, stack, now),
            MajorFunction::Create => {
                let result = self.create(irp.request());
                self.complete(irp, result.into());
            }
            MajorFunction::DuplicateHandle => {
                let result = self.duplicate(irp.request().handle);
                self.complete(irp, result.into());
            }
            MajorFunction::Cleanup => {
                let result = self.clean_up(irp.request().handle, stack);
                self.complete(irp, result.into());
            }
            MajorFunction::Close => {
                let result = self.close(irp.request().handle, stack);
                self.complete(irp, result.into());
            }
        }
    }

    fn device_control(&mut self, mut irp: AfdIrp, stack: &mut Stack, now: Instant) {
        match irp.request().control_code {
            ControlCode::RECV | ControlCode::RECV_DATAGRAM => self.receive(irp, stack, now),
            ControlCode::SEND | ControlCode::SEND_DATAGRAM => self.send(irp, stack, now),
            ControlCode::SELECT => self.select(irp, now),
            _ => {
                let result = self.control_at_once(&mut irp, stack, now);
                self.complete(irp, result.into());
            }
        }
    }

    /// The control codes that never wait.
    fn control_at_once(
        &mut self,
        irp: &mut AfdIrp,
        stack: &mut Stack,
        now: Instant,
    ) -> Result<usize, NtStatus> {
        let endpoint = self.handles.endpoint(irp.request().handle)?;
        match irp.request().control_code {
            ControlCode::BIND => self.bind(endpoint, irp, stack, now),
            ControlCode::CONNECT => self.connect(endpoint, irp, stack),
            ControlCode::GET_SOCK_NAME => self.sock_name(endpoint, irp, stack),
            ControlCode::GET_PEER_NAME => self.peer_name(endpoint, irp),
            ControlCode::GET_INFO => self.get_info(endpoint, irp),
            ControlCode::SET_INFO => self.set_info(endpoint, irp, stack),
            code => {
                self.counters.unsupported += 1;
                log::debug!(target: "afd", "control code {code} is not supported");
                Err(NtStatus::NOT_SUPPORTED)
            }
        }
    }

    /// A request whose outcome is known leaves the device.
    pub(crate) fn complete(&mut self, irp: AfdIrp, outcome: Outcome) {
        self.counters.completions += 1;
        if outcome.status == NtStatus::CANCELLED {
            self.counters.cancelled += 1;
        }
        if self.completed.len() == self.completed.capacity() {
            // More IRPs than the configuration says. Growing the queue would
            // allocate; the IRP ends as a driver's fault, which is counted by
            // the executive.
            log::error!(target: "afd", "more IRPs than configured");
            return;
        }
        self.completed.push_back(CompletedIrp { irp, outcome });
    }

    /// Takes a completion of the transport in. Those of requests that are not
    /// this device's, or that it has forgotten, are dropped.
    #[inline(always)]
    pub fn transport_completed(&mut self, completion: Completion) {
        match TransportRequest::from_id(completion.request) {
            TransportRequest::Receive(endpoint) => {
                self.receive_completed(endpoint, completion);
            }
            TransportRequest::Send(send) => self.send_completed(send, completion.status),
        }
    }

    /// Does what is due at `now`: polls whose time is over end, receives that
    /// the transport refused are posted again.
    pub fn poll(&mut self, stack: &mut Stack, now: Instant) {
        while let Some(key) = self.pending.take_expired(now) {
            self.expire_poll(key);
        }
        if self.repost_at.is_some_and(|due| due <= now) {
            self.repost_receives(stack, now);
        }
    }

    /// When [`Afd::poll`] is next needed.
    pub fn next_deadline(&self) -> Option<Instant> {
        let deadline = self.pending.earliest_deadline();
        deadline.into_iter().chain(self.repost_at).min()
    }

    /// The next IRP whose outcome is known, in the order of the outcomes. The
    /// caller finishes it when it holds no lock.
    pub fn next_completed(&mut self) -> Option<CompletedIrp> {
        self.completed.pop_front()
    }

    /// Whether there is an IRP whose outcome is known.
    pub fn has_completed(&self) -> bool {
        !self.completed.is_empty()
    }

    /// The counters.
    pub const fn counters(&self) -> &AfdCounters {
        &self.counters
    }

    /// How full the tables are and were.
    pub const fn usage(&self) -> AfdUsage {
        AfdUsage {
            handles: self.handles.usage(),
            endpoints: self.endpoints.usage(),
            pending: self.pending.usage(),
            datagrams: self.datagrams.usage,
            sends: self.sends.usage(),
            poll_registrations: self.registrations.usage(),
        }
    }

    /// Every endpoint, for the console.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointStatus> {
        self.endpoints.iter().map(|(_, block)| EndpointStatus {
            state: block.state,
            address: block.address,
            share: block.share,
            receive_content: block.receive.content(),
            datagrams: block.receive.count(),
            pending_receives: block.queues.get(Queue::Receive).len(),
            pending_sends: block.queues.get(Queue::Send).len(),
            handles: block.handles,
        })
    }
}

impl fmt::Debug for Afd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Afd")
            .field("counters", &self.counters)
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}
