mod echo;
mod errors;

use std::string::ToString;
use std::vec::Vec;

use etherparse::Icmpv4Type;
use etherparse::icmpv4::DestUnreachableHeader;
use executive::time::Duration;

use super::EchoRequest;
use crate::tests::support::{GATEWAY_IP, Host, OUR_IP, PEER_IP, icmp, icmp_frame};

fn counter(host: &Host, name: &str) -> u64 {
    let counters = host.stack.counters().icmp;
    let found = counters.iter().find(|&(at, _)| at == name);
    found.unwrap_or_else(|| panic!("no counter {name}")).1
}

fn known_host() -> Host {
    let mut host = Host::new();
    host.meet_peer();
    host
}

/// Asks the peer to echo 8 bytes.
fn ping(host: &mut Host, sequence: u16) -> std::string::String {
    ping_to(host, PEER_IP, sequence)
}

fn ping_to(host: &mut Host, destination: [u8; 4], sequence: u16) -> std::string::String {
    let request = EchoRequest {
        destination: destination.into(),
        identifier: 77,
        sequence,
        length: 8,
        time_to_live: 64,
        timeout: Duration::from_secs(1),
    };
    host.stack.send_echo(&request, host.now).to_string()
}

fn echo_reply(sequence: u16) -> Vec<u8> {
    let echo = etherparse::IcmpEchoHeader {
        id: 77,
        seq: sequence,
    };
    icmp(Icmpv4Type::EchoReply(echo), &[0, 1, 2, 3, 4, 5, 6, 7])
}

/// An error of the gateway about what we sent in `frame`.
fn error_about(frame: &[u8], reason: DestUnreachableHeader, quoted: usize) -> Vec<u8> {
    let quote = &frame[14..frame.len().min(14 + quoted)];
    let addresses = (GATEWAY_IP, OUR_IP);
    icmp_frame(
        crate::tests::support::OUR_HARDWARE,
        addresses,
        Icmpv4Type::DestinationUnreachable(reason),
        quote,
    )
}
