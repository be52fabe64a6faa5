//! Frames that no host should send: random bytes, and well formed frames ([`templates`]) with something changed.

pub mod templates;

use crate::peer::{BROADCAST, GUEST, GUEST_HARDWARE};
use crate::random::Random;
use etherparse::checksum::Sum16BitWords;

/// Ethernet's longest frame without its frame check sequence, in bytes.
pub const LONGEST: usize = 1514;
/// The bytes of a frame's destination.
const DESTINATION: usize = 6;
const ETHER_TYPE: usize = 12;
const IP: usize = 14;
const IP_FRAGMENT: usize = IP + 6;
const IP_CHECKSUM: usize = IP + 10;
const IP_PROTOCOL: usize = IP + 9;
const IP_SOURCE: usize = IP + 12;
const LEAST_IP_HEADER: usize = 20;
/// Offsets of fields that say how long something is: the EtherType (a length in IEEE 802.3), IPv4's header and total length and fragment
/// offset, the lengths of addresses in ARP, the length of UDP and the data offset of TCP behind an IPv4 header without options.
const LENGTHS: [usize; 10] = [12, 13, 14, 16, 17, 18, 20, 38, 39, 46];

/// A seeded sequence of such frames.
#[derive(Debug)]
pub struct Hostile {
    random: Random,
    templates: Vec<Vec<u8>>,
}

impl Hostile {
    /// A sequence that depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            templates: templates::all(),
        }
    }

    /// The next frame: 1 to 1514 bytes.
    pub fn frame(&mut self) -> Vec<u8> {
        let mut frame = if self.random.below(8) == 0 {
            self.noise()
        } else {
            self.changed()
        };
        self.address(&mut frame);
        frame
    }

    /// Bytes without any order, except that the card takes most of them and many have an EtherType that someone reads.
    fn noise(&mut self) -> Vec<u8> {
        let random = &mut self.random;
        let length = 1 + random.below(LONGEST);
        let mut frame = random.bytes(length);
        if let Some(ether_type) = frame.get_mut(ETHER_TYPE..IP) {
            match random.below(4) {
                0 => ether_type.copy_from_slice(&[0x08, 0x00]),
                1 => ether_type.copy_from_slice(&[0x08, 0x06]),
                _ => {}
            }
        }
        frame
    }

    fn changed(&mut self) -> Vec<u8> {
        let random = &mut self.random;
        let mut frame = self.templates[random.below(self.templates.len())].clone();
        for _ in 0..random.below(4) {
            change(&mut frame, random);
        }
        match random.below(8) {
            0 => frame.truncate(1 + random.below(frame.len())),
            1 => {
                let length = (frame.len() + random.below(200)).min(LONGEST);
                frame.resize(length, 0xcc);
            }
            _ => {}
        }
        // A right checksum lets a fault go deeper.
        if random.below(2) == 0 {
            repair(&mut frame);
        }
        frame
    }

    /// Most frames are for the guest, some for everyone, few for others.
    fn address(&mut self, frame: &mut [u8]) {
        let destination = match self.random.below(32) {
            0..4 => BROADCAST,
            4 => [0x01, 0x00, 0x5e, 0, 0, 1],
            5 => [0x52, 0x54, 0, 0x12, 0x34, 0x57],
            _ => GUEST_HARDWARE,
        };
        for (byte, value) in frame.iter_mut().zip(destination) {
            *byte = value;
        }
    }
}

/// Changes something behind the destination.
fn change(frame: &mut [u8], random: &mut Random) {
    // Headers more often than the rest.
    let reach = if random.below(4) == 0 {
        frame.len()
    } else {
        frame.len().min(IP + 20 + 20)
    };
    if reach <= DESTINATION {
        return;
    }
    let offset = DESTINATION + random.below(reach - DESTINATION);
    match random.below(5) {
        0 => frame[offset] ^= 1 << random.below(8),
        1 => frame[offset] = random.next_u64() as u8,
        2 => frame[offset] = [0x00, 0x01, 0x7f, 0x80, 0xff][random.below(5)],
        3 => {
            if let Some(length) = frame.get_mut(LENGTHS[random.below(LENGTHS.len())]) {
                *length = random.next_u64() as u8;
            }
        }
        _ => {
            // The guest's own address as a sender.
            if let Some(source) = frame.get_mut(IP_SOURCE..IP_SOURCE + 4) {
                source.copy_from_slice(&GUEST.octets());
            }
        }
    }
}

/// Puts the checksums of an IPv4 header, and of ICMP, IGMP, UDP or TCP behind it, right as far as they are there. A fragment's checksum is
/// that of the whole, and stays.
fn repair(frame: &mut [u8]) {
    if frame.len() < IP + LEAST_IP_HEADER || frame[ETHER_TYPE..IP] != [0x08, 0x00] {
        return;
    }
    let header = (4 * usize::from(frame[IP] & 0xf)).clamp(LEAST_IP_HEADER, frame.len() - IP);
    let total = usize::from(u16::from_be_bytes([frame[IP + 2], frame[IP + 3]]));
    let end = (IP + total).clamp(IP + header, frame.len());
    sum(
        &mut frame[..IP + header],
        IP,
        IP_CHECKSUM,
        Sum16BitWords::new(),
    );
    let is_fragment = frame[IP_FRAGMENT] & 0x3f != 0 || frame[IP_FRAGMENT + 1] != 0;
    if is_fragment {
        return;
    }
    let protocol = frame[IP_PROTOCOL];
    let addresses = Sum16BitWords::new()
        .add_slice(&frame[IP_SOURCE..IP_SOURCE + 8])
        .add_2bytes([0, protocol])
        .add_2bytes(((end - IP - header) as u16).to_be_bytes());
    let (offset, start) = match protocol {
        1 | 2 => (2, Sum16BitWords::new()),
        6 => (16, addresses),
        17 => (6, addresses),
        _ => return,
    };
    sum(&mut frame[..end], IP + header, IP + header + offset, start);
}

/// Writes the checksum of what begins at `from`, if there is room for it.
fn sum(bytes: &mut [u8], from: usize, at: usize, start: Sum16BitWords) {
    if at + 2 > bytes.len() {
        return;
    }
    bytes[at..at + 2].fill(0);
    let checksum = start.add_slice(&bytes[from..]).ones_complement();
    // The sum is that of words in this machine's order of bytes.
    bytes[at..at + 2].copy_from_slice(&checksum.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::SlicedPacket;

    #[test]
    fn the_same_seed_gives_the_same_frames() {
        let frames = |seed| {
            let mut hostile = Hostile::new(seed);
            (0..100).map(|_| hostile.frame()).collect::<Vec<_>>()
        };
        assert_eq!(frames(1), frames(1));
        assert_ne!(frames(1), frames(2));
    }

    #[test]
    fn frames_have_a_length_and_a_repair_changes_nothing_that_is_right() {
        let mut hostile = Hostile::new(3);
        for _ in 0..20_000 {
            let frame = hostile.frame();
            assert!(!frame.is_empty() && frame.len() <= LONGEST);
        }
        for template in templates::all() {
            assert!(SlicedPacket::from_ethernet(&template).is_ok());
            let mut repaired = template.clone();
            repair(&mut repaired);
            assert_eq!(repaired, template);
        }
    }
}
