//! Frames in which something is wrong: each is dropped, counted by its reason, and leaves nothing behind.

mod changed;
mod fields;

use etherparse::checksum::Sum16BitWords;
use tests::peer::{self, GATEWAY, Peer};
use tests::services::ECHO;

const PORT: u16 = 4000;

// Where headers begin in a frame: behind Ethernet's 14 bytes, and behind IPv4's 20.
const IP: usize = 14;
const IP_CHECKSUM: usize = IP + 10;
const TRANSPORT: usize = IP + 20;

fn arp() -> Vec<u8> {
    peer::arp_request(GATEWAY)
}

fn echo() -> Vec<u8> {
    peer::echo_request(GATEWAY, 1, 1, &[0x33; 200])
}

fn udp() -> Vec<u8> {
    peer::udp((GATEWAY, PORT), ECHO, &[0x33; 200])
}

/// Puts the checksum of the IPv4 header right, wherever that ends.
fn repair(frame: &mut [u8]) {
    let header = (4 * usize::from(frame[IP] & 0xf)).clamp(20, frame.len() - IP);
    frame[IP_CHECKSUM..IP_CHECKSUM + 2].fill(0);
    let checksum = Sum16BitWords::new()
        .add_slice(&frame[IP..IP + header])
        .ones_complement();
    // The sum is that of words in this machine's order of bytes.
    frame[IP_CHECKSUM..IP_CHECKSUM + 2].copy_from_slice(&checksum.to_ne_bytes());
}

/// Sends frames so that the card's memory never overflows: an answer to a ping is waited for after every few of them.
#[track_caller]
fn in_batches(peer: &Peer, frames: impl Iterator<Item = Vec<u8>>) {
    const BATCH: usize = 12;
    let mut sent = 0;
    for frame in frames {
        peer.send(&frame);
        sent += 1;
        if sent % BATCH == 0 {
            peer.ping();
        }
    }
    peer.ping();
}
