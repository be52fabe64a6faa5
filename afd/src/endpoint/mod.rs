//! What the device keeps for an endpoint, the file control block.

mod window;

use executive::status::NtStatus;
use netstack::SocketAddress;
use netstack::tdi::{AddressHandle, Transport};

use crate::ioctl::{AfdFlags, EndpointFlags, PollEvents, ShareType};
use crate::table::{Key, List};
pub(crate) use window::{DatagramMemory, Full, ReceiveWindow, SendWindow, Taken};

/// The window of a new endpoint in bytes, in each direction (seed item 40).
pub const DEFAULT_WINDOW_SIZE: usize = 16384;

/// How far an endpoint has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It has no address.
    Created,
    /// It has a local address.
    Bound,
    /// It has a local address and a peer.
    Connected,
    /// Its last handle was cleaned up.
    Closed,
}

/// The lists of requests that wait at an endpoint (seed item 39).
///
/// Datagrams need only two of the six; the others belong to the duties of
/// connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Queue {
    /// CONNECT.
    Connect,
    /// RECV, RECV_DATAGRAM, READ.
    Receive,
    /// SEND, SEND_DATAGRAM, WRITE.
    Send,
    /// WAIT_FOR_LISTEN.
    PreAccept,
    /// ACCEPT.
    Accept,
    /// DISCONNECT.
    Disconnect,
}

impl Queue {
    /// All lists, in the order in which they are emptied.
    pub(crate) const ALL: [Self; 6] = [
        Self::Connect,
        Self::Receive,
        Self::Send,
        Self::PreAccept,
        Self::Accept,
        Self::Disconnect,
    ];
}

/// The six lists.
#[derive(Debug, Default)]
pub(crate) struct Queues([List; Queue::ALL.len()]);

impl Queues {
    pub(crate) const fn get(&self, queue: Queue) -> &List {
        let [connect, receive, send, pre_accept, accept, disconnect] = &self.0;
        match queue {
            Queue::Connect => connect,
            Queue::Receive => receive,
            Queue::Send => send,
            Queue::PreAccept => pre_accept,
            Queue::Accept => accept,
            Queue::Disconnect => disconnect,
        }
    }

    pub(crate) const fn get_mut(&mut self, queue: Queue) -> &mut List {
        let [connect, receive, send, pre_accept, accept, disconnect] = &mut self.0;
        match queue {
            Queue::Connect => connect,
            Queue::Receive => receive,
            Queue::Send => send,
            Queue::PreAccept => pre_accept,
            Queue::Accept => accept,
            Queue::Disconnect => disconnect,
        }
    }
}

/// The file control block of an endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) state: State,
    pub(crate) flags: EndpointFlags,
    pub(crate) group: u32,
    /// The transport that was named at creation; none for a handle to the
    /// device itself.
    pub(crate) transport: Option<Transport>,
    pub(crate) share: ShareType,
    /// The transport's address object, from BIND on.
    pub(crate) address: Option<AddressHandle>,
    /// The peer that CONNECT has set.
    pub(crate) remote: Option<SocketAddress>,
    /// Whether requests fail rather than wait.
    pub(crate) is_nonblocking: bool,
    /// Whether datagrams may go to broadcast addresses.
    pub(crate) may_broadcast: bool,
    /// An error of the transport that has not been reported yet.
    pub(crate) error: Option<NtStatus>,
    pub(crate) receive: ReceiveWindow,
    pub(crate) send: SendWindow,
    pub(crate) queues: Queues,
    /// Polls that were issued on a handle of this endpoint.
    pub(crate) polls: List,
    /// The poll that an exclusive one may end.
    pub(crate) main_poll: Option<Key>,
    /// What pending polls want to see here.
    pub(crate) registrations: List,
    /// Handles that have not been cleaned up.
    pub(crate) open_handles: u32,
    /// Handles that have not been closed.
    pub(crate) handles: u32,
}

impl Endpoint {
    pub(crate) fn new(
        flags: EndpointFlags,
        group: u32,
        transport: Option<Transport>,
        receive: ReceiveWindow,
    ) -> Self {
        Self {
            state: State::Created,
            flags,
            group,
            transport,
            share: ShareType::Unique,
            address: None,
            remote: None,
            is_nonblocking: false,
            may_broadcast: false,
            error: None,
            receive,
            send: SendWindow::new(DEFAULT_WINDOW_SIZE),
            queues: Queues::default(),
            polls: List::default(),
            main_poll: None,
            registrations: List::default(),
            open_handles: 0,
            handles: 0,
        }
    }

    /// Whether the endpoint sends and receives datagrams.
    pub(crate) const fn is_datagram(&self) -> bool {
        self.transport.is_some() && self.flags.contains(EndpointFlags::CONNECTIONLESS)
    }

    /// Whether a request with these flags must not wait because of the
    /// endpoint's mode; overlapped requests wait in either mode.
    pub(crate) const fn fails_rather_than_waits(&self, flags: AfdFlags) -> bool {
        self.is_nonblocking && !flags.contains(AfdFlags::OVERLAPPED)
    }

    /// What a poll sees now. It is worked out anew each time, so that it
    /// cannot differ from the endpoint's state (level-triggered).
    pub(crate) fn poll_events(&self) -> PollEvents {
        let mut events = PollEvents::empty();
        if self.state == State::Closed {
            return PollEvents::LOCAL_CLOSE;
        }
        if !self.is_datagram() {
            return events;
        }
        events.set(
            PollEvents::RECEIVE,
            self.receive.has_data() || self.error.is_some(),
        );
        // A datagram socket can be written to from its birth (seed item 39).
        events.set(PollEvents::SEND, self.send.has_room());
        events.set(PollEvents::CONNECT, self.state == State::Connected);
        events
    }
}
