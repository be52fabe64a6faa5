//! A host at the other end of the wire. Its frames are built by etherparse ([`build`]) and what it receives is read by smoltcp
//! ([`mod@read`]), so neither shares a line with the stack under test.

pub mod build;
pub mod read;

pub use build::{arp, arp_reply, arp_request, echo_reply, echo_request, hardware_of, udp};
pub use read::{Message, read, read_from};

use crate::PATIENCE;
use crate::wire::Wire;
use etherparse::EtherType;
use smoltcp::wire::ArpOperation;
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Instant;

/// An Ethernet address.
pub type HardwareAddress = [u8; 6];

/// QEMU's default for the first card.
pub const GUEST_HARDWARE: HardwareAddress = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/// The guest's address unless its command line says otherwise.
pub const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The guest's gateway unless its command line says otherwise: where the peer stands.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The guest's first card, unless its command line says otherwise.
pub const FIRST: Station = Station {
    hardware: GUEST_HARDWARE,
    address: GUEST,
};

/// A card of the guest's, as its network sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    /// The hardware address.
    pub hardware: HardwareAddress,
    /// The address of its interface.
    pub address: Ipv4Addr,
}

/// All stations.
pub const BROADCAST: HardwareAddress = [0xff; 6];

/// A host on the wire: 52:55:0a:00:02:02, 10.0.2.2 unless it is told otherwise.
#[derive(Debug)]
pub struct Peer {
    wire: Wire,
    own: Ipv4Addr,
    guest: Station,
    sequence: Cell<u16>,
    is_silent: fn(Ipv4Addr) -> bool,
}

impl Peer {
    /// Plugs a host in.
    pub fn new(wire: Wire) -> Self {
        Self::between(wire, GATEWAY, FIRST)
    }

    /// Plugs a host with this address in, at the other end of the cable of this card.
    pub fn between(wire: Wire, own: Ipv4Addr, guest: Station) -> Self {
        Self {
            wire,
            own,
            guest,
            sequence: Cell::new(0),
            is_silent: |_| false,
        }
    }

    /// Lets no question for these hosts' hardware addresses be answered.
    #[must_use]
    pub fn silent_for(self, is_silent: fn(Ipv4Addr) -> bool) -> Self {
        Self { is_silent, ..self }
    }

    /// The cable.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Sends a frame as it is.
    #[track_caller]
    pub fn send(&self, frame: &[u8]) {
        self.wire.send(frame);
    }

    /// The next message that is not a question for a hardware address of the peer's side. Those are answered: every address but the
    /// guest's is the peer's.
    ///
    /// # Panics
    /// When the wire fails.
    #[track_caller]
    pub fn receive(&self, deadline: Instant) -> Option<Message> {
        loop {
            let message = read_from(self.guest.hardware, &self.wire.receive(deadline)?);
            if !self.answer_for_hardware_address(&message) {
                return Some(message);
            }
        }
    }

    /// Takes the next frame, which is answered if it is a question for a hardware address, and thrown away else: as fast as can be.
    ///
    /// # Panics
    /// When the wire fails.
    #[track_caller]
    pub fn take_one(&self, deadline: Instant) {
        const ETHER_TYPE: Range<usize> = 12..14;
        let Some(frame) = self.wire.receive(deadline) else {
            return;
        };
        if frame.get(ETHER_TYPE) == Some(&EtherType::ARP.0.to_be_bytes()) {
            self.answer_for_hardware_address(&read_from(self.guest.hardware, &frame));
        }
    }

    /// Answers a question for a hardware address of the peer's side; says whether it was one.
    ///
    /// # Panics
    /// When the wire fails.
    #[track_caller]
    pub fn answer_for_hardware_address(&self, message: &Message) -> bool {
        let Some((asked, by)) = self.question(message) else {
            return false;
        };
        if !(self.is_silent)(asked) {
            self.send(&arp_reply(asked, by));
        }
        true
    }

    /// All messages until one fits, which is the last of them.
    ///
    /// # Panics
    /// When none fits in time.
    #[track_caller]
    pub fn receive_until(&self, what: &str, fits: impl Fn(&Message) -> bool) -> Vec<Message> {
        let deadline = Instant::now() + PATIENCE;
        let mut messages = Vec::new();
        loop {
            let Some(message) = self.receive(deadline) else {
                panic!("no {what} in {PATIENCE:?}, only {messages:#?}")
            };
            let found = fits(&message);
            messages.push(message);
            if found {
                return messages;
            }
        }
    }

    /// Pings the guest and gives the messages that came before its answer. Since the guest takes frames in order, all that was sent before
    /// has then been through its stack up to the protocols.
    ///
    /// # Panics
    /// When the guest does not answer.
    #[track_caller]
    pub fn ping(&self) -> Vec<Message> {
        let sequence = self.sequence.get().wrapping_add(1);
        self.sequence.set(sequence);
        let payload = b"are you there?".to_vec();
        let ping = self
            .guest
            .echo_request(self.own, IDENTIFIER, sequence, &payload);
        self.send(&ping);
        let reply = Message::EchoReply {
            destination: self.own,
            identifier: IDENTIFIER,
            sequence,
            payload,
        };
        let mut messages = self.receive_until("answer to a ping", |message| *message == reply);
        messages.pop();
        messages
    }

    /// The address whose hardware address is asked for, and who asks, in a question for one of the peer's side.
    fn question(&self, message: &Message) -> Option<(Ipv4Addr, (HardwareAddress, Ipv4Addr))> {
        match message {
            Message::Arp {
                operation: ArpOperation::Request,
                source,
                target,
                ..
            } if target.1 != self.guest.address => Some((target.1, *source)),
            _ => None,
        }
    }
}

/// The identifier of the peer's own pings.
const IDENTIFIER: u16 = 0x7065;

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns a frame for the guest into one from it, so that the reader can be tried on the builder's work.
    fn reflected(mut frame: Vec<u8>) -> Vec<u8> {
        frame[6..12].copy_from_slice(&GUEST_HARDWARE);
        frame.resize(frame.len().max(60), 0);
        frame
    }

    #[test]
    fn what_etherparse_builds_smoltcp_reads() {
        let from = (GATEWAY, 4000);
        let payload = b"a payload of some length, to fill a frame".to_vec();
        assert_eq!(
            read(&reflected(udp(from, 7, &payload))),
            Message::Udp {
                destination: (GUEST, 7),
                source_port: 4000,
                payload: payload.clone()
            }
        );
        assert_eq!(
            read(&reflected(echo_request(GATEWAY, 1, 2, &payload))),
            Message::EchoRequest {
                source: GATEWAY,
                identifier: 1,
                sequence: 2,
                payload
            }
        );
        assert!(matches!(
            read(&reflected(arp_request(GATEWAY))),
            Message::Arp {
                operation: ArpOperation::Request,
                ..
            }
        ));
    }

    #[test]
    fn a_wrong_checksum_or_a_short_frame_is_told() {
        let mut frame = reflected(udp((GATEWAY, 4000), 7, &[1; 40]));
        assert!(matches!(read(&frame[..59]), Message::Other(_)));
        *frame.last_mut().unwrap() ^= 1;
        assert!(matches!(read(&frame), Message::Other(_)));
    }
}
