//! A host under test, and packets made by etherparse and read by smoltcp:
//! never by the code under test.

use core::net::Ipv4Addr;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, IpHeaders, IpNumber, Ipv4Header,
    PacketBuilder,
};
use executive::time::{Duration, Instant};
use ndis::packet::{HEADROOM, PacketPool};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as peer;

use crate::address::SocketAddress;
use crate::icmp::EchoOutcome;
use crate::tdi::{
    AddressHandle, AddressOptions, CompletionKind, Payload, ReceiveRequest, RequestId, Transport,
};
use crate::{
    HardwareAddress, InterfaceConfiguration, InterfaceId, Stack, StackConfiguration,
};

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
        let status = self
            .stack
            .receive_datagram(handle, RequestId(id), request);
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

/// What a frame says, read by smoltcp, every checksum verified.
pub(crate) fn describe(frame: &[u8]) -> String {
    let frame = peer::EthernetFrame::new_checked(frame).expect("a frame");
    let to = frame.dst_addr();
    match frame.ethertype() {
        peer::EthernetProtocol::Arp => format!("{to} {}", describe_arp(frame.payload())),
        peer::EthernetProtocol::Ipv4 => format!("{to} {}", describe_ip(frame.payload())),
        other => format!("{to} {other}"),
    }
}

fn describe_arp(bytes: &[u8]) -> String {
    let packet = peer::ArpPacket::new_checked(bytes).expect("an ARP message");
    let peer::ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: from,
        source_protocol_addr: sender,
        target_hardware_addr: asked,
        target_protocol_addr: target,
    } = peer::ArpRepr::parse(&packet).expect("an ARP message")
    else {
        return "arp of another kind".to_string();
    };
    match operation {
        peer::ArpOperation::Request => format!("arp who-has {target} tell {sender} at {from}"),
        peer::ArpOperation::Reply => format!("arp {sender} is-at {from} for {target} at {asked}"),
        peer::ArpOperation::Unknown(_) => "arp of another kind".to_string(),
    }
}

fn describe_ip(bytes: &[u8]) -> String {
    let checksums = ChecksumCapabilities::default();
    let packet = peer::Ipv4Packet::new_checked(bytes).expect("a datagram");
    let header = peer::Ipv4Repr::parse(&packet, &checksums).expect("a datagram");
    let (from, to) = (header.src_addr, header.dst_addr);
    match header.next_header {
        peer::IpProtocol::Udp => {
            let packet = peer::UdpPacket::new_checked(packet.payload()).expect("UDP");
            let header = peer::UdpRepr::parse(&packet, &from.into(), &to.into(), &checksums)
                .expect("UDP");
            assert_ne!(packet.checksum(), 0, "a checksum was computed");
            let payload = String::from_utf8_lossy(packet.payload());
            let (source, destination) = (header.src_port, header.dst_port);
            format!("udp {from}:{source} > {to}:{destination} {payload:?}")
        }
        peer::IpProtocol::Icmp => {
            let packet = peer::Icmpv4Packet::new_checked(packet.payload()).expect("ICMP");
            let message = peer::Icmpv4Repr::parse(&packet, &checksums).expect("ICMP");
            format!("icmp {from} > {to} {}", describe_icmp(&message))
        }
        other => format!("{other} {from} > {to} {} bytes", packet.payload().len()),
    }
}

fn describe_icmp(message: &peer::Icmpv4Repr<'_>) -> String {
    match message {
        peer::Icmpv4Repr::EchoRequest {
            ident,
            seq_no,
            data,
        } => format!("echo request {ident}/{seq_no} {} bytes", data.len()),
        peer::Icmpv4Repr::EchoReply {
            ident,
            seq_no,
            data,
        } => format!("echo reply {ident}/{seq_no} {}", String::from_utf8_lossy(data)),
        peer::Icmpv4Repr::DstUnreachable {
            reason,
            header,
            data,
        } => format!(
            "{reason} about {} > {} {} with {} bytes",
            header.src_addr,
            header.dst_addr,
            header.next_header,
            data.len()
        ),
        other => format!("{other}"),
    }
}

/// An ARP request of `hardware` at `sender` for `target`, to everybody.
pub(crate) fn arp_request(hardware: [u8; 6], sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let message = arp(ArpOperation::REQUEST, (hardware, sender), ([0; 6], target));
    arp_frame(hardware, EVERYBODY, message)
}

/// The answer of `hardware` at `sender` to us.
pub(crate) fn arp_reply(hardware: [u8; 6], sender: [u8; 4]) -> Vec<u8> {
    let ours = (OUR_HARDWARE, OUR_IP);
    let message = arp(ArpOperation::REPLY, (hardware, sender), ours);
    arp_frame(hardware, OUR_HARDWARE, message)
}

pub(crate) fn arp(
    operation: ArpOperation,
    sender: ([u8; 6], [u8; 4]),
    target: ([u8; 6], [u8; 4]),
) -> ArpPacket {
    ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        &sender.0,
        &sender.1,
        &target.0,
        &target.1,
    )
    .expect("an ARP message")
}

pub(crate) fn arp_frame(from: [u8; 6], to: [u8; 6], message: ArpPacket) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(from, to)
        .arp(message)
        .write(&mut frame)
        .expect("a frame");
    frame
}

/// A UDP datagram of the peer to us.
pub(crate) fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    udp_between((PEER_IP, from), (OUR_IP, to), payload)
}

pub(crate) fn udp_between(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    udp_frame(OUR_HARDWARE, from, to, payload)
}

pub(crate) fn udp_frame(
    hardware: [u8; 6],
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PEER_HARDWARE, hardware)
        .ipv4(from.0, to.0, 64)
        .udp(from.1, to.1)
        .write(&mut frame, payload)
        .expect("a frame");
    frame
}

/// An echo request of the peer to us.
pub(crate) fn echo_request(identifier: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    icmp(
        etherparse::Icmpv4Type::EchoRequest(etherparse::IcmpEchoHeader {
            id: identifier,
            seq: sequence,
        }),
        payload,
    )
}

/// An ICMP message of the peer to us.
pub(crate) fn icmp(message: etherparse::Icmpv4Type, payload: &[u8]) -> Vec<u8> {
    icmp_frame(OUR_HARDWARE, (PEER_IP, OUR_IP), message, payload)
}

pub(crate) fn icmp_frame(
    hardware: [u8; 6],
    (from, to): ([u8; 4], [u8; 4]),
    message: etherparse::Icmpv4Type,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PEER_HARDWARE, hardware)
        .ipv4(from, to, 64)
        .icmpv4(message)
        .write(&mut frame, payload)
        .expect("a frame");
    frame
}

/// A datagram of the peer to us with any header.
pub(crate) fn ip(
    protocol: u8,
    options: &[u8],
    payload: &[u8],
    change: impl FnOnce(&mut Ipv4Header),
) -> Vec<u8> {
    let mut header = Ipv4Header::new(
        payload.len() as u16,
        64,
        IpNumber(protocol),
        PEER_IP,
        OUR_IP,
    )
    .expect("a header");
    header.options = options.try_into().expect("options");
    header
        .set_payload_len(payload.len())
        .expect("a payload that fits");
    change(&mut header);
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PEER_HARDWARE, OUR_HARDWARE)
        .ip(IpHeaders::Ipv4(header, etherparse::Ipv4Extensions::default()))
        .write(&mut frame, IpNumber(protocol), payload)
        .expect("a frame");
    frame
}

/// Corrects the checksum of a frame's IP header after a change.
pub(crate) fn fix_ip_checksum(frame: &mut [u8]) {
    let mut packet = peer::Ipv4Packet::new_unchecked(&mut frame[14..]);
    packet.fill_checksum();
}
