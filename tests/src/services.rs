//! The guest's tasks as a host program sees them: UDP and TCP ports of the host that lead into the guest by user networking.

use crate::random::Random;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

/// The port of the echo task (RFC 862).
pub const ECHO: u16 = 7;
/// The port of the discard task (RFC 863).
pub const DISCARD: u16 = 9;
/// The port of the daytime task (RFC 867).
pub const DAYTIME: u16 = 13;
/// The port of the character generator (RFC 864).
pub const CHARGEN: u16 = 19;

/// A transport protocol of a forwarded port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// A port of this host's loopback address that leads to a guest port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    protocol: Protocol,
    guest_port: u16,
    host: SocketAddrV4,
}

impl Forward {
    /// Chooses a host port that is free now, and that no other machine of this process has been given.
    ///
    /// # Panics
    /// When the host has none.
    pub fn new(protocol: Protocol, guest_port: u16) -> Self {
        static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        let port = loop {
            let port = free_port(protocol);
            if !given.contains(&port) {
                break port;
            }
        };
        given.push(port);
        Self {
            protocol,
            guest_port,
            host: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port),
        }
    }

    /// QEMU's `hostfwd` rule.
    pub fn rule(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
        };
        format!(
            "{protocol}:{}:{}-:{}",
            self.host.ip(),
            self.host.port(),
            self.guest_port
        )
    }

    /// Whether it leads to this port.
    pub fn is_for(&self, protocol: Protocol, guest_port: u16) -> bool {
        (self.protocol, self.guest_port) == (protocol, guest_port)
    }

    /// Where the host connects to.
    pub fn host(&self) -> SocketAddrV4 {
        self.host
    }

    /// A UDP socket that talks to the guest port, with a deadline on each receive.
    ///
    /// # Panics
    /// When the host has no socket left.
    pub fn udp(&self) -> UdpSocket {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket
            .connect(self.host)
            .expect("a datagram socket can always be connected on the loopback address");
        socket
            .set_read_timeout(Some(crate::PATIENCE))
            .expect("a duration that is not zero");
        socket
    }
}

fn free_port(protocol: Protocol) -> u16 {
    let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let chosen = match protocol {
        Protocol::Udp => UdpSocket::bind(any).and_then(|socket| socket.local_addr()),
        Protocol::Tcp => TcpListener::bind(any).and_then(|listener| listener.local_addr()),
    };
    chosen.expect("a free port").port()
}

/// Datagrams of seeded length and content that an echo service has to give back, some of them on their way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How many datagrams.
    pub count: usize,
    /// How many are on their way at most.
    pub outstanding: usize,
    /// The length of the longest, in bytes; all are long enough for their number.
    pub largest: usize,
    /// What lengths and contents follow from.
    pub seed: u64,
}

/// Bytes of the number at the start of each datagram.
const NUMBER: usize = 4;

impl Exchange {
    /// Sends them all and checks that each comes back once, unchanged.
    ///
    /// # Panics
    /// When one is lost, changed or doubled.
    #[track_caller]
    pub fn run(&self, socket: &UdpSocket) {
        let mut random = Random::new(self.seed);
        let mut on_their_way: HashMap<u32, Vec<u8>> = HashMap::new();
        let mut next: u32 = 0;
        while (next as usize) < self.count || !on_their_way.is_empty() {
            while (next as usize) < self.count && on_their_way.len() < self.outstanding {
                let datagram = self.datagram(next, &mut random);
                socket
                    .send(&datagram)
                    .expect("a datagram to the loopback address");
                on_their_way.insert(next, datagram);
                next += 1;
            }
            take_answer(socket, &mut on_their_way);
        }
    }

    fn datagram(&self, number: u32, random: &mut Random) -> Vec<u8> {
        let mut datagram = number.to_le_bytes().to_vec();
        let length = random.below(self.largest.saturating_sub(NUMBER) + 1);
        datagram.extend(random.bytes(length));
        datagram
    }
}

#[track_caller]
fn take_answer(socket: &UdpSocket, on_their_way: &mut HashMap<u32, Vec<u8>>) {
    let mut buffer = [0; 2048];
    let length = match socket.recv(&mut buffer) {
        Ok(length) => length,
        Err(error) => panic!(
            "no answer ({error}), on their way: {:?}",
            on_their_way.keys()
        ),
    };
    let answer = &buffer[..length];
    let number = answer.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let sent = number.and_then(|number| on_their_way.remove(&number));
    assert!(
        sent.as_deref() == Some(answer),
        "an answer of {length} bytes that was not sent so, or came twice: number {number:?}"
    );
}
