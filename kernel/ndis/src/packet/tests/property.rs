//! Packets beside plain vectors of bytes.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{bytes_of, packet_of, pattern};
use crate::packet::{BUFFER_SIZE, HEADROOM, Packet, PacketPool};

/// What a program may do with packets.
#[derive(Clone, Debug)]
enum Step {
    Prepend(usize),
    Append(usize),
    AppendSlice(usize),
    AppendPacket(usize),
    TrimFront(usize),
    Truncate(usize),
    PullUp(usize),
    Share,
    ShareRange(usize, usize),
    DropShared,
    Write(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = 0..3000_usize;
    prop_oneof![
        (0..200_usize).prop_map(Step::Prepend),
        (0..BUFFER_SIZE).prop_map(Step::Append),
        size.clone().prop_map(Step::AppendSlice),
        size.clone().prop_map(Step::AppendPacket),
        size.clone().prop_map(Step::TrimFront),
        size.clone().prop_map(Step::Truncate),
        size.clone().prop_map(Step::PullUp),
        Just(Step::Share),
        (size.clone(), size).prop_map(|(offset, length)| Step::ShareRange(offset, length)),
        Just(Step::DropShared),
        (0..64_usize).prop_map(Step::Write),
    ]
}

/// A packet and what it should hold, and the same for the packets that share its buffers.
struct Model {
    pool: &'static PacketPool,
    packet: Packet,
    bytes: Vec<u8>,
    shared: Vec<(Packet, Vec<u8>)>,
    seed: u8,
}

impl Model {
    fn new(pool: &'static PacketPool) -> Self {
        let packet = pool.allocate(HEADROOM).expect("the pool is fresh");
        Self {
            pool,
            packet,
            bytes: Vec::new(),
            shared: Vec::new(),
            seed: 0,
        }
    }

    fn fresh(&mut self, length: usize) -> Vec<u8> {
        self.seed = self.seed.wrapping_add(1);
        pattern(length, self.seed)
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Prepend(length) => {
                let new = self.fresh(length);
                if let Some(space) = self.packet.prepend(length) {
                    space.copy_from_slice(&new);
                    self.bytes.splice(0..0, new);
                }
            }
            Step::Append(length) => {
                let new = self.fresh(length);
                let room = self.packet.tailroom();
                match self.packet.append(length) {
                    Some(space) => {
                        space.copy_from_slice(&new);
                        self.bytes.extend(new);
                    }
                    None => assert!(room < length || room == 0),
                }
            }
            Step::AppendSlice(length) => {
                let new = self.fresh(length);
                if self.packet.append_slice(&new) {
                    self.bytes.extend(new);
                }
            }
            Step::AppendPacket(length) => self.append_packet(length),
            Step::TrimFront(length) => {
                self.packet.trim_front(length);
                self.bytes.drain(..length.min(self.bytes.len()));
            }
            Step::Truncate(length) => {
                self.packet.truncate(length);
                self.bytes.truncate(length);
            }
            Step::PullUp(length) => {
                if self.packet.pull_up(length) {
                    assert!(self.packet.data().len() >= length);
                }
            }
            Step::Share => self.share(0, usize::MAX),
            Step::ShareRange(offset, length) => self.share(offset, length),
            Step::DropShared => {
                self.shared.pop();
            }
            Step::Write(position) => {
                if let Some(byte) = self
                    .packet
                    .data_mut()
                    .and_then(|data| data.get_mut(position))
                {
                    *byte ^= 0x55;
                    self.bytes[position] ^= 0x55;
                }
            }
        }
    }

    fn append_packet(&mut self, length: usize) {
        let new = self.fresh(length);
        let Some(mut other) = self.pool.allocate(0) else {
            return;
        };
        if other.append_slice(&new) && self.packet.append_packet(other).is_ok() {
            self.bytes.extend(new);
        }
    }

    fn share(&mut self, offset: usize, length: usize) {
        if let Some(shared) = self.packet.share_range(offset, length) {
            let from = offset.min(self.bytes.len());
            let to = from.saturating_add(length).min(self.bytes.len());
            self.shared.push((shared, self.bytes[from..to].to_vec()));
        }
    }

    fn check(&self) {
        for (packet, bytes) in &self.shared {
            assert_eq!(&bytes_of(packet), bytes);
        }
        assert_eq!(self.packet.len(), self.bytes.len());
        assert_eq!(bytes_of(&self.packet), self.bytes);
        assert!(self.packet.segments().all(|segment| !segment.is_empty()));
        for offset in [
            0,
            1,
            self.bytes.len() / 2,
            self.bytes.len(),
            self.bytes.len() + 9,
        ] {
            let mut copy = vec![0; 100];
            let copied = self.packet.copy_to(offset, &mut copy);
            let rest = self.bytes.get(offset..).unwrap_or_default();
            assert_eq!(copied, rest.len().min(100));
            assert_eq!(copy[..copied], rest[..copied]);
        }
    }
}

proptest! {
    #[test]
    fn a_packet_behaves_like_a_vector(steps in proptest::collection::vec(step(), 1..60)) {
        let pool = PacketPool::new(8, 24);
        let mut model = Model::new(pool);
        for step in &steps {
            model.apply(step);
            model.check();
        }
        drop(model);
        let usage = pool.usage();
        prop_assert_eq!(usage.packets.used, 0);
        prop_assert_eq!(usage.buffers.used, 0);
        prop_assert_eq!(usage.segment_tables.used, 0);
    }
}

proptest! {
    #[test]
    fn keeping_a_range_is_truncating_and_trimming(
        cuts in prop::collection::vec(0..50_usize, 0..4),
        offset in 0..250_usize,
        length in 0..250_usize,
    ) {
        let pool = PacketPool::new(12, 12);
        let bytes = pattern(200, 3);
        let make = || {
            let mut packet = packet_of(pool, BUFFER_SIZE, &[]);
            let mut rest = &bytes[..];
            for &cut in &cuts {
                let (piece, after) = rest.split_at(cut);
                let piece = packet_of(pool, BUFFER_SIZE - cut, piece);
                assert!(packet.append_packet(piece).is_ok());
                rest = after;
            }
            let last = packet_of(pool, BUFFER_SIZE - rest.len(), rest);
            assert!(packet.append_packet(last).is_ok());
            packet
        };
        let (mut kept, mut cut) = (make(), make());
        kept.keep(offset, length);
        cut.truncate(offset + length);
        cut.trim_front(offset);
        let expected = bytes.iter().skip(offset).take(length).copied().collect::<Vec<_>>();
        prop_assert_eq!(bytes_of(&kept), expected);
        prop_assert_eq!(bytes_of(&kept), bytes_of(&cut));
        prop_assert_eq!(kept.len(), cut.len());
        drop((kept, cut));
        prop_assert_eq!((pool.usage().packets.used, pool.usage().buffers.used), (0, 0));
    }
}
