//! A host under test, and packets made by etherparse and read by smoltcp:
//! never by the code under test.

mod describe;
mod frames;

pub(crate) use describe::describe;
pub(crate) use frames::*;

use core::net::Ipv4Addr;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use executive::time::{Duration, Instant};
use ndis::packet::{HEADROOM, PacketPool};

use crate::address::SocketAddress;
use crate::icmp::EchoOutcome;
use crate::tdi::{
    AddressHandle, AddressOptions, CompletionKind, Payload, ReceiveRequest, RequestId, Transport,
};
use crate::{HardwareAddress, InterfaceConfiguration, InterfaceId, Stack, StackConfiguration};

pub(crate) const OUR_HARDWARE: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

pub(crate) const OUR_IP: [u8; 4] = [10, 0, 2, 15];

pub(crate) const GATEWAY_IP: [u8; 4] = [10, 0, 2, 2];

pub(crate) const PEER_HARDWARE: [u8; 6] = [0x52, 0x55, 10, 0, 2, 3];

pub(crate) const PEER_IP: [u8; 4] = [10, 0, 2, 3];

pub(crate) const EVERYBODY: [u8; 6] = [0xFF; 6];

/// A stack with one interface, as it is configured for QEMU's user network.
pub(crate) struct Host {
    pub(crate) stack: Stack,
    pub(crate) interface: InterfaceId,
    pub(crate) pool: &'static PacketPool,
    pub(crate) now: Instant,
}

impl Host {
    /// A host whose interface is up, and whose announcement has been taken.
    pub(crate) fn new() -> Self {
        Self::with(&StackConfiguration::default())
    }

    pub(crate) fn with(configuration: &StackConfiguration) -> Self {
        let mut host = Self::made_of(configuration, OUR_HARDWARE, OUR_IP);
        host.frames();
        host
    }

    pub(crate) fn made_of(
        configuration: &StackConfiguration,
        hardware: [u8; 6],
        address: [u8; 4],
    ) -> Self {
        let pool = PacketPool::new(256, 240);
        let mut stack = Stack::new(configuration, pool, [1, 2]);
        let now = Instant::from_secs(100);
        let interface = stack
            .add_interface(&InterfaceConfiguration {
                name: "ne0",
                hardware_address: HardwareAddress(hardware),
                mtu: 1500,
                address: crate::Prefix::new(address.into(), 24),
                gateway: Some(GATEWAY_IP.into()),
            })
            .expect("an interface");
        stack.interface_up(interface, now);
        Self {
            stack,
            interface,
            pool,
            now,
        }
    }

    pub(crate) fn receive(&mut self, frame: &[u8]) {
        let mut packet = self.pool.allocate(22).expect("a packet");
        assert!(packet.append_slice(frame));
        self.stack.receive(self.interface, packet, self.now);
    }

    /// Receives a frame that lies in several buffers, each of these lengths.
    pub(crate) fn receive_in_pieces(&mut self, frame: &[u8], lengths: &[usize]) {
        let packet = pieces(self.pool, frame, lengths);
        self.stack.receive(self.interface, packet, self.now);
    }

    /// Takes the frames that were sent.
    pub(crate) fn frames(&mut self) -> Vec<Vec<u8>> {
        core::iter::from_fn(|| self.stack.next_frame())
            .map(|(_, packet)| packet.segments().collect::<Vec<_>>().concat())
            .collect()
    }

    /// Takes the frames that were sent, as one line each.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        self.frames().iter().map(|frame| describe(frame)).collect()
    }

    /// Lets time pass, with everything that becomes due on the way.
    pub(crate) fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(deadline) = self.stack.next_deadline().filter(|&next| next <= end) {
            self.now = self.now.max(deadline);
            self.stack.poll(self.now);
        }
        self.now = end;
        self.stack.poll(end);
    }

    pub(crate) fn open(&mut self, address: [u8; 4], port: u16) -> AddressHandle {
        self.stack
            .open_address(
                Transport::Udp,
                socket(address, port),
                AddressOptions::default(),
            )
            .expect("an address object")
    }

    pub(crate) fn post(&mut self, handle: AddressHandle, id: u64) {
        let request = ReceiveRequest::new(2000);
        let status = self.stack.receive_datagram(handle, RequestId(id), request);
        assert_eq!(status, executive::status::NtStatus::PENDING);
    }

    /// Sends `bytes` and tells the status.
    pub(crate) fn send(
        &mut self,
        handle: AddressHandle,
        id: u64,
        to: ([u8; 4], u16),
        bytes: &[u8],
    ) -> String {
        let payload = Payload::copy_from(self.pool, bytes).expect("a packet");
        let remote = Some(socket(to.0, to.1));
        self.stack
            .send_datagram(handle, RequestId(id), remote, payload, self.now)
            .to_string()
    }

    /// Takes the completions, as one line each.
    pub(crate) fn completions(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.stack.next_completion())
            .map(|completion| {
                let (id, status) = (completion.request.0, completion.status);
                match completion.kind {
                    CompletionKind::Sent { bytes } => format!("{id}: {status}, sent {bytes}"),
                    CompletionKind::NotReceived { remote: None } => format!("{id}: {status}"),
                    CompletionKind::NotReceived {
                        remote: Some(remote),
                    } => format!("{id}: {status} about {remote}"),
                    CompletionKind::Received(datagram) => format!(
                        "{id}: {status}, {} > {}, {:?}",
                        datagram.source,
                        datagram.destination,
                        bytes(&datagram.packet),
                    ),
                }
            })
            .collect()
    }

    /// Takes the outcomes of echo requests, as one line each.
    pub(crate) fn echoes(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.stack.next_echo_event())
            .map(|event| {
                let outcome = match event.outcome {
                    EchoOutcome::Reply {
                        from,
                        length,
                        time_to_live,
                        round_trip,
                    } => format!(
                        "{length} bytes from {from}, ttl {time_to_live}, {} us",
                        round_trip.as_micros()
                    ),
                    EchoOutcome::Unreachable { from, code, status } => {
                        format!("unreachable code {code} from {from}, {status}")
                    }
                    EchoOutcome::TimeExceeded { from } => format!("time exceeded at {from}"),
                    EchoOutcome::NotSent(status) => format!("not sent, {status}"),
                    EchoOutcome::TimedOut => "timed out".to_string(),
                };
                format!("{}/{}: {outcome}", event.identifier, event.sequence)
            })
            .collect()
    }

    /// The peer asks for us, so that we know it.
    pub(crate) fn meet_peer(&mut self) {
        self.receive(&arp_request(PEER_HARDWARE, PEER_IP, OUR_IP));
        self.frames();
    }

    /// The state of a neighbour.
    pub(crate) fn neighbour(&self, address: [u8; 4]) -> Option<crate::arp::NeighbourState> {
        self.stack
            .neighbours(self.now)
            .find(|neighbour| neighbour.address == Ipv4Addr::from(address))
            .map(|neighbour| neighbour.state)
    }

    /// Packets and buffers in use.
    pub(crate) fn pools(&self) -> (u32, u32) {
        let usage = self.pool.usage();
        (usage.packets.used, usage.buffers.used)
    }
}

/// A packet's bytes as text.
fn bytes(packet: &ndis::packet::Packet) -> String {
    let bytes = packet.segments().collect::<Vec<_>>().concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn socket(address: [u8; 4], port: u16) -> SocketAddress {
    SocketAddress::new(address.into(), port)
}

/// A packet of the pool with these bytes.
pub(crate) fn packet(pool: &'static PacketPool, bytes: &[u8]) -> ndis::packet::Packet {
    let mut packet = pool.allocate(HEADROOM).expect("a packet");
    assert!(packet.append_slice(bytes));
    packet
}

/// A packet of buffers with so many of the bytes each, and the rest in one
/// more.
pub(crate) fn pieces(
    pool: &'static PacketPool,
    bytes: &[u8],
    lengths: &[usize],
) -> ndis::packet::Packet {
    // Without tailroom, so that nothing is joined by a copy.
    let piece = |bytes: &[u8]| {
        let headroom = ndis::packet::BUFFER_SIZE - bytes.len();
        let mut packet = pool.allocate(headroom).expect("a packet");
        assert!(packet.append_slice(bytes));
        packet
    };
    let mut packet = piece(&[]);
    let mut rest = bytes;
    for &length in lengths {
        let (here, after) = rest.split_at(length.min(rest.len()));
        assert!(packet.append_packet(piece(here)).is_ok());
        rest = after;
    }
    assert!(packet.append_packet(piece(rest)).is_ok());
    packet
}
