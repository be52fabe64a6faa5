//! What a UDP datagram costs in this stack and in smoltcp, measured in one
//! run: from a frame in the card's memory to the user's buffer, and back.
//!
//! Both start with the frame in a static buffer, which stands for the card,
//! and end with the payload in another one. This stack copies the frame out of
//! the card into a packet, and the payload from there to the user; smoltcp
//! reads the frame in place, and copies the payload into its socket's buffer
//! and from there to the user. Sending is the same the other way round.
//!
//! Each figure is the median of several rounds, which take turns so that both
//! see the same machine.

use std::hint::black_box;
use std::time::Instant as Clock;

use executive::time::Instant;
use ndis::packet::{HEADROOM, PacketPool};
use netstack::tdi::{
    AddressHandle, AddressOptions, CompletionKind, Payload, ReceiveRequest, RequestId, Transport,
};
use netstack::{
    HardwareAddress, InterfaceConfiguration, InterfaceId, Prefix, SocketAddress, Stack,
    StackConfiguration,
};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::udp;
use smoltcp::wire::{EthernetAddress, HardwareAddress as PeerHardware, IpCidr, IpEndpoint};

const OUR_HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const PEER_HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 2];
const OUR_IP: [u8; 4] = [10, 0, 0, 1];
const PEER_IP: [u8; 4] = [10, 0, 0, 2];
const PORT: u16 = 7;
const PEER_PORT: u16 = 9;

const ROUNDS: usize = 41;
const DATAGRAMS: u32 = 2_000;
const LONGEST_FRAME: usize = 1514;

fn main() {
    println!("ns a datagram, medians of {ROUNDS} rounds of {DATAGRAMS}");
    println!("way      bytes  sockets    netstack     smoltcp       ratio");
    for sockets in [1, 64] {
        for length in [18, 256, 1472] {
            let mut ours = Ours::new(sockets);
            let mut theirs = Theirs::new(sockets);
            let frame = datagram(length);
            let payload = vec![0x5A; length];
            compare(
                &format!("receive {length:6} {sockets:8}"),
                || ours.receive(&frame, length),
                || theirs.receive(&frame, length),
            );
            compare(
                &format!("send    {length:6} {sockets:8}"),
                || ours.send(&payload),
                || theirs.send(&payload),
            );
        }
    }
    let mut ours = Ours::new(1);
    let frame = datagram(1472);
    let alone = median(|| ours.receive_shared(&frame));
    println!(
        "receive   1472        1  {alone:10.1}  without the copies out of the card and to the user"
    );
    let packet = median(|| drop(black_box(ours.pool.allocate(22))));
    println!(
        "packet                   {packet:10.1}  allocated and freed, a part of each figure of netstack"
    );
}

fn compare(name: &str, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_times.push(round(&mut ours));
        their_times.push(round(&mut theirs));
    }
    let (ours, theirs) = (middle(our_times), middle(their_times));
    println!("{name}  {ours:10.1}  {theirs:10.1}  {:10.2}", ours / theirs);
}

fn median(mut work: impl FnMut()) -> f64 {
    middle((0..ROUNDS).map(|_| round(&mut work)).collect())
}

fn round(work: &mut impl FnMut()) -> f64 {
    let start = Clock::now();
    for _ in 0..DATAGRAMS {
        work();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(DATAGRAMS)
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A datagram of the peer to us.
fn datagram(length: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    etherparse::PacketBuilder::ethernet2(PEER_HARDWARE, OUR_HARDWARE)
        .ipv4(PEER_IP, OUR_IP, 64)
        .udp(PEER_PORT, PORT)
        .write(&mut frame, &vec![0x5A; length])
        .expect("a frame");
    frame
}

/// The peer asks for us, so that both stacks know it.
fn question() -> Vec<u8> {
    let message = etherparse::ArpPacket::new(
        etherparse::ArpHardwareId::ETHERNET,
        etherparse::EtherType::IPV4,
        etherparse::ArpOperation::REQUEST,
        &PEER_HARDWARE,
        &PEER_IP,
        &[0; 6],
        &OUR_IP,
    )
    .expect("a message");
    let mut frame = Vec::new();
    etherparse::PacketBuilder::ethernet2(PEER_HARDWARE, [0xFF; 6])
        .arp(message)
        .write(&mut frame)
        .expect("a frame");
    frame
}

struct Ours {
    stack: Stack,
    interface: InterfaceId,
    pool: &'static PacketPool,
    object: AddressHandle,
    now: Instant,
    card: [u8; LONGEST_FRAME],
    user: [u8; LONGEST_FRAME],
    shared: Option<ndis::packet::Packet>,
}

impl Ours {
    fn new(sockets: u16) -> Self {
        let pool = PacketPool::new(64, 64);
        let mut stack = Stack::new(&StackConfiguration::default(), pool, [1, 2]);
        let now = Instant::from_secs(1);
        let interface = stack
            .add_interface(&InterfaceConfiguration {
                name: "bench",
                hardware_address: HardwareAddress(OUR_HARDWARE),
                mtu: 1500,
                address: Prefix::new(OUR_IP.into(), 24),
                gateway: None,
            })
            .expect("an interface");
        stack.interface_up(interface, now);
        let mut open = |port| {
            let address = SocketAddress::new([0; 4].into(), port);
            stack
                .open_address(Transport::Udp, address, AddressOptions::default())
                .expect("an address object")
        };
        let others = 1..sockets;
        others.for_each(|index| {
            open(1000 + index);
        });
        let object = open(PORT);
        let mut ours = Self {
            stack,
            interface,
            pool,
            object,
            now,
            card: [0; LONGEST_FRAME],
            user: [0; LONGEST_FRAME],
            shared: None,
        };
        ours.take(&question());
        while ours.stack.next_frame().is_some() {}
        ours
    }

    fn take(&mut self, frame: &[u8]) {
        let mut packet = self.pool.allocate(22).expect("a packet");
        let space = packet.append(frame.len()).expect("room");
        space.copy_from_slice(frame);
        self.stack.receive(self.interface, packet, self.now);
    }

    fn post(&mut self) {
        let request = ReceiveRequest::new(1500);
        let status = self
            .stack
            .receive_datagram(self.object, RequestId(1), request);
        assert!(status.is_success());
    }

    fn receive(&mut self, frame: &[u8], length: usize) {
        self.post();
        self.take(black_box(frame));
        let completion = self.stack.next_completion().expect("a completion");
        let CompletionKind::Received(datagram) = completion.kind else {
            panic!("{completion:?}");
        };
        assert_eq!(datagram.packet.copy_to(0, &mut self.user), length);
        black_box(&self.user);
    }

    fn receive_shared(&mut self, frame: &[u8]) {
        if self.shared.is_none() {
            let mut packet = self.pool.allocate(22).expect("a packet");
            assert!(packet.append_slice(frame));
            self.shared = Some(packet);
        }
        self.post();
        let packet = self.shared.as_ref().and_then(ndis::Packet::share);
        let packet = packet.expect("a packet");
        self.stack.receive(self.interface, packet, self.now);
        let completion = self.stack.next_completion().expect("a completion");
        assert!(completion.status.is_success());
    }

    fn send(&mut self, payload: &[u8]) {
        let payload = Payload::copy_from(self.pool, black_box(payload)).expect("a packet");
        let remote = Some(SocketAddress::new(PEER_IP.into(), PEER_PORT));
        let status = self
            .stack
            .send_datagram(self.object, RequestId(1), remote, payload, self.now);
        assert!(status.is_success());
        let (_, frame) = self.stack.next_frame().expect("a frame");
        assert!(frame.copy_to(0, &mut self.card) > HEADROOM.min(42));
        black_box(&self.card);
    }
}

struct Theirs {
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    card: Card,
    user: [u8; LONGEST_FRAME],
}

/// smoltcp's device: one frame at a time, received and sent in place.
struct Card {
    received: Vec<u8>,
    is_full: bool,
    sent: [u8; LONGEST_FRAME],
}

struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

struct Sent<'a>(&'a mut [u8; LONGEST_FRAME]);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let result = write(&mut self.0[..length]);
        black_box(&self.0);
        result
    }
}

impl Device for Card {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn receive(
        &mut self,
        _: smoltcp::time::Instant,
    ) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        core::mem::take(&mut self.is_full)
            .then_some((Received(&self.received), Sent(&mut self.sent)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Self::TxToken<'_>> {
        Some(Sent(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = LONGEST_FRAME;
        capabilities
    }
}

const AT: smoltcp::time::Instant = smoltcp::time::Instant::from_millis_const(1000);

impl Theirs {
    fn new(sockets: u16) -> Self {
        let mut card = Card {
            received: Vec::new(),
            is_full: false,
            sent: [0; LONGEST_FRAME],
        };
        let hardware = PeerHardware::Ethernet(EthernetAddress(OUR_HARDWARE));
        let mut interface = Interface::new(Config::new(hardware), &mut card, AT);
        interface.update_ip_addrs(|addresses| {
            let ours = IpCidr::new(core::net::Ipv4Addr::from(OUR_IP).into(), 24);
            addresses.push(ours).expect("room");
        });
        let mut set = SocketSet::new(Vec::new());
        let mut open = |port| {
            let buffer =
                || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 4], vec![0; 4 * 1500]);
            let mut socket = udp::Socket::new(buffer(), buffer());
            socket.bind(port).expect("a port");
            set.add(socket)
        };
        for index in 1..sockets {
            open(1000 + index);
        }
        let socket = open(PORT);
        let mut theirs = Self {
            interface,
            sockets: set,
            socket,
            card,
            user: [0; LONGEST_FRAME],
        };
        theirs.take(&question());
        theirs
    }

    fn take(&mut self, frame: &[u8]) {
        if self.card.received != frame {
            self.card.received = frame.to_vec();
        }
        self.card.is_full = true;
        self.interface
            .poll_ingress_single(AT, &mut self.card, &mut self.sockets);
    }

    fn receive(&mut self, frame: &[u8], length: usize) {
        if self.card.received.len() != frame.len() {
            self.card.received = frame.to_vec();
        }
        black_box(&self.card.received);
        self.card.is_full = true;
        self.interface
            .poll_ingress_single(AT, &mut self.card, &mut self.sockets);
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        let (received, _) = socket.recv_slice(&mut self.user).expect("a datagram");
        assert_eq!(received, length);
        black_box(&self.user);
    }

    fn send(&mut self, payload: &[u8]) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        let remote = IpEndpoint::new(core::net::Ipv4Addr::from(PEER_IP).into(), PEER_PORT);
        socket.send_slice(black_box(payload), remote).expect("room");
        self.interface
            .poll_egress(AT, &mut self.card, &mut self.sockets);
        let socket = self.sockets.get::<udp::Socket<'_>>(self.socket);
        assert_eq!(socket.send_queue(), 0);
    }
}
