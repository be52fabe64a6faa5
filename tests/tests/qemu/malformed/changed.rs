//! Frames cut at every byte, with every bit flipped, and changed at random.

use super::{PORT, TRANSPORT, arp, echo, in_batches, repair, udp};
use crate::quiet::{Level, drops};
use crate::wire::boot;
use std::net::Ipv4Addr;
use tests::peer::{self, BROADCAST, GUEST_HARDWARE};
use tests::random::Random;
use tests::report::Counters;
use tests::services::ECHO;

/// The bytes of a frame's destination.
const DESTINATION: usize = 6;

#[test]
fn frames_cut_at_every_byte() {
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    for (name, frame) in [("echo", echo()), ("udp", udp())] {
        let before = Counters::read(&mut machine.console);
        in_batches(
            &peer,
            (1..frame.len()).map(|length| frame[..length].to_vec()),
        );
        let grown = Counters::read(&mut machine.console).since(&before);
        // All but the pings in between. A frame whose destination is cut may not get past the card, which says nothing about it.
        let received = grown.of_adapter("frames_received") - grown.get("icmp.echo_replies_sent");
        let dropped: u64 = drops(&grown).iter().map(|(_, count)| count).sum();
        assert_eq!(dropped, received, "{name}: {grown:?}");
        assert!(
            received >= (frame.len() - DESTINATION) as u64,
            "{name}: {grown:?}"
        );
    }
    in_batches(
        &peer,
        (1..arp().len()).map(|length| arp()[..length].to_vec()),
    );
    level.comes_back(&mut machine.console);
    machine.power_off();
}

#[test]
fn frames_with_every_bit_of_their_headers_flipped() {
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    for frame in [arp(), echo(), udp()] {
        let bits = 8 * frame.len().min(TRANSPORT + 8);
        in_batches(
            &peer,
            (0..bits).map(|bit| {
                let mut frame = frame.clone();
                frame[bit / 8] ^= 1 << (bit % 8);
                frame
            }),
        );
    }
    level.comes_back(&mut machine.console);
    machine.power_off();
}

#[test]
fn twenty_thousand_frames_changed_at_random() {
    const FRAMES: usize = 20_000;
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    let mut random = Random::new(6);
    in_batches(&peer, (0..FRAMES).map(|_| mutated(&mut random)));
    level.comes_back(&mut machine.console);
    machine.power_off();
}

/// A frame for the guest in which some bytes are wrong, whose lengths may be, and that may be cut or lengthened. Its checksum is often
/// right in spite of that, so that the fault goes deeper.
fn mutated(random: &mut Random) -> Vec<u8> {
    let mut frame = match random.below(4) {
        0 => arp(),
        1 => peer::echo_request(stranger(random), 1, 1, &vec![0x44; random.below(1472)]),
        2 => peer::udp(
            (stranger(random), PORT),
            ECHO,
            &vec![0x44; random.below(1472)],
        ),
        _ => {
            let length = 14 + random.below(1500);
            random.bytes(length)
        }
    };
    frame[..DESTINATION].copy_from_slice(if random.below(8) == 0 {
        &BROADCAST
    } else {
        &GUEST_HARDWARE
    });
    for _ in 0..random.below(4) {
        // Headers more often than the rest.
        let reach = if random.below(4) == 0 {
            frame.len()
        } else {
            frame.len().min(TRANSPORT + 8)
        };
        let offset = DESTINATION + random.below(reach - DESTINATION);
        frame[offset] = random.next_u64() as u8;
    }
    match random.below(8) {
        0 => frame.truncate(DESTINATION + random.below(frame.len() - DESTINATION)),
        1 => frame.resize((frame.len() + random.below(64)).min(1514), 0xcc),
        _ => {}
    }
    if frame.len() > TRANSPORT && random.below(2) == 0 {
        repair(&mut frame);
    }
    frame
}

fn stranger(random: &mut Random) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 2, 16 + random.below(200) as u8)
}
