//! The firewall against frames that etherparse made and answers that etherparse reads.

mod answers;
mod fragments;
mod malformed;
mod resets;
mod rules;
mod syntax;

use std::string::ToString;
use std::vec::Vec;

use etherparse::PacketBuilder;
use ndis::PacketPool;

use super::{Firewall, FirewallCounters, Verdicts};
use crate::Direction;
use crate::intermediate::testing::Recorder;

const OUR_STATION: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const THEIR_STATION: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
const OUR_ADDRESS: [u8; 4] = [10, 0, 2, 15];
const THEIR_ADDRESS: [u8; 4] = [10, 0, 2, 2];

/// A firewall and the two ends it is between.
struct Bench {
    firewall: Firewall,
    recorder: Recorder,
}

impl Bench {
    fn with_pool(rules: &str, pool: &'static PacketPool) -> Self {
        let mut firewall = Firewall::new();
        firewall.load(rules).expect("rules");
        Self {
            firewall,
            recorder: Recorder::new(pool),
        }
    }

    fn new(rules: &str) -> Self {
        Self::with_pool(rules, PacketPool::new(64, 64))
    }

    /// What comes out for a frame: which way, and its bytes.
    fn give(&mut self, direction: Direction, frame: &[u8]) -> Vec<(Direction, Vec<u8>)> {
        self.recorder.give(&mut self.firewall, direction, frame);
        let taken = self.recorder.take();
        taken
            .into_iter()
            .map(|(_, direction, bytes)| (direction, bytes))
            .collect()
    }

    /// Whether a frame is passed unchanged; nothing must come out if it is not.
    fn passes(&mut self, direction: Direction, frame: &[u8]) -> bool {
        let mut out = self.give(direction, frame);
        match out.pop() {
            None => false,
            Some(passed) => {
                assert_eq!(passed, (direction, frame.to_vec()));
                assert_eq!(out, []);
                true
            }
        }
    }

    /// Whether a received frame is passed.
    fn receives(&mut self, frame: &[u8]) -> bool {
        self.passes(Direction::In, frame)
    }

    fn counters(&self) -> FirewallCounters {
        *self.firewall.firewall_counters()
    }

    /// The hits of each rule in packets.
    fn hits(&self) -> Vec<u64> {
        self.firewall
            .rules()
            .map(|(_, hits)| hits.packets)
            .collect()
    }

    fn rules(&self) -> Vec<std::string::String> {
        self.firewall
            .rules()
            .map(|(rule, _)| rule.to_string())
            .collect()
    }
}

fn to_us() -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2(THEIR_STATION, OUR_STATION)
}

fn ip_to_us() -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    to_us().ipv4(THEIR_ADDRESS, OUR_ADDRESS, 64)
}

/// A received UDP datagram.
fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ip_to_us().udp(source, destination);
    builder.write(&mut frame, payload).expect("a frame");
    frame
}

/// A received TCP segment with SYN.
fn syn(source: u16, destination: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ip_to_us().tcp(source, destination, 1000, 4096).syn();
    builder.write(&mut frame, &[]).expect("a frame");
    frame
}

/// A received echo request.
fn echo() -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ip_to_us().icmpv4_echo_request(7, 1);
    builder.write(&mut frame, b"ping").expect("a frame");
    frame
}

/// A received datagram of any protocol.
fn datagram(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ip_to_us()
        .write(&mut frame, etherparse::IpNumber(protocol), payload)
        .expect("a frame");
    frame
}

/// A received ARP request for our address.
fn arp() -> Vec<u8> {
    let mut frame = Vec::new();
    let packet = etherparse::ArpPacket::new(
        etherparse::ArpHardwareId::ETHERNET,
        etherparse::EtherType::IPV4,
        etherparse::ArpOperation::REQUEST,
        &THEIR_STATION,
        &THEIR_ADDRESS,
        &[0; 6],
        &OUR_ADDRESS,
    );
    PacketBuilder::ethernet2(THEIR_STATION, [0xFF; 6])
        .arp(packet.expect("a message"))
        .write(&mut frame)
        .expect("a frame");
    frame
}

/// The same frame the other way: from us to them.
fn turned(frame: &[u8]) -> Vec<u8> {
    let mut turned = frame.to_vec();
    turned[..6].copy_from_slice(&frame[6..12]);
    turned[6..12].copy_from_slice(&frame[..6]);
    turned[26..30].copy_from_slice(&frame[30..34]);
    turned[30..34].copy_from_slice(&frame[26..30]);
    turned
}

fn verdicts(allowed: u64, dropped: u64, rejected: u64) -> Verdicts {
    Verdicts {
        allowed,
        dropped,
        rejected,
    }
}
