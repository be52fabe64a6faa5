use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{BUFFER_SIZE, HEADROOM, Packet, PacketPool};

/// The bytes of all segments together.
fn bytes_of(packet: &Packet) -> Vec<u8> {
    packet.segments().flatten().copied().collect()
}

fn pattern(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|index| (index as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

fn packet_of(pool: &'static PacketPool, headroom: usize, bytes: &[u8]) -> Packet {
    let mut packet = pool.allocate(headroom).expect("the pool has packets");
    assert!(packet.append_slice(bytes));
    packet
}

#[test]
fn prepending_into_the_headroom_takes_no_buffer() {
    let pool = PacketPool::new(1, 1);
    let mut packet = packet_of(pool, HEADROOM, b"payload");
    packet
        .prepend(8)
        .expect("there is headroom")
        .copy_from_slice(b"udp-head");
    packet
        .prepend(3)
        .expect("there is headroom")
        .copy_from_slice(b"ip-");
    assert_eq!(packet.data(), b"ip-udp-headpayload");
    assert_eq!(packet.only_segment(), Some(packet.data()));
    assert_eq!(packet.headroom(), HEADROOM - 11);
    assert_eq!(pool.usage().buffers.used, 1);
}

#[test]
fn prepending_to_a_shared_packet_takes_a_buffer_and_leaves_the_other_alone() {
    let pool = PacketPool::new(2, 2);
    let original = packet_of(pool, HEADROOM, b"payload");
    let mut shared = original.share().expect("there is a descriptor");
    assert_ne!(shared.info().id, original.info().id);
    assert_eq!(shared.headroom(), 0);
    shared
        .prepend(2)
        .expect("there is a buffer")
        .copy_from_slice(b"h-");
    assert_eq!(bytes_of(&shared), b"h-payload");
    assert_eq!(original.data(), b"payload");
    assert_eq!(shared.headroom(), BUFFER_SIZE - 2);
    drop((original, shared));
    assert_eq!(
        (pool.usage().packets.used, pool.usage().buffers.used),
        (0, 0)
    );
}

#[test]
fn a_shared_packet_is_read_only_until_it_is_unique() {
    let pool = PacketPool::new(2, 1);
    let mut original = packet_of(pool, HEADROOM, b"data");
    let shared = original.share().expect("there is a descriptor");
    assert!(original.data_mut().is_none());
    assert_eq!((original.headroom(), original.tailroom()), (0, 0));
    assert!(original.append(1).is_none());
    drop(shared);
    original.data_mut().expect("it is unique")[0] = b'D';
    assert_eq!(original.data(), b"Data");
    assert_eq!(original.headroom(), HEADROOM);
}

#[test]
fn an_exhausted_pool_is_counted_and_leaks_nothing() {
    let pool = PacketPool::new(2, 1);
    let first = pool.allocate(0).expect("the pool is fresh");
    assert!(pool.allocate(0).is_none());
    let usage = pool.usage();
    assert_eq!((usage.packets.used, usage.buffers.used), (1, 1));
    assert_eq!((usage.packets.failures, usage.buffers.failures), (0, 1));
    let second = first.share().expect("there is a descriptor");
    assert!(first.share().is_none());
    assert_eq!(pool.usage().packets.failures, 1);
    drop((first, second));
    assert_eq!(pool.usage().packets.used, 0);
    assert_eq!(pool.usage().packets.peak, 2);
}

#[test]
fn a_packet_is_allocated_with_its_first_bytes() {
    let pool = PacketPool::new(2, 2);
    let first = pattern(60, 1);
    let mut packet = pool
        .allocate_with(22, first.len(), |space| space.copy_from_slice(&first))
        .expect("the pool has packets");
    assert_eq!((packet.data(), packet.len()), (&first[..], 60));
    assert_eq!(packet.headroom(), 22);
    assert_eq!(packet.tailroom(), BUFFER_SIZE - 82);
    assert!(packet.append_slice(b"more"));
    assert_eq!(packet.data(), [&first[..], b"more"].concat());
    let whole = pool.allocate_with(0, BUFFER_SIZE, |space| space.fill(7));
    assert_eq!(whole.map(|packet| packet.tailroom()), Some(0));
    for (headroom, length) in [(1, BUFFER_SIZE), (BUFFER_SIZE + 1, 0), (1, usize::MAX)] {
        assert!(pool.allocate_with(headroom, length, |_| {}).is_none());
    }
    drop(packet);
    assert_eq!(
        (pool.usage().packets.used, pool.usage().buffers.used),
        (0, 0)
    );
}

#[test]
fn ids_are_unique_and_ascend() {
    let pool = PacketPool::new(1, 1);
    let ids: Vec<u64> = (0..5)
        .map(|_| pool.allocate(0).expect("it comes back each time").info().id)
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
}

#[test]
fn appending_more_than_there_is_changes_nothing() {
    let pool = PacketPool::new(1, 2);
    let mut packet = packet_of(pool, 0, b"abc");
    assert!(!packet.append_slice(&vec![7; 3 * BUFFER_SIZE]));
    assert_eq!(bytes_of(&packet), b"abc");
    assert_eq!(pool.usage().buffers.used, 1);
    assert!(packet.append_slice(&vec![7; BUFFER_SIZE]));
    assert_eq!(packet.len(), BUFFER_SIZE + 3);
}

#[test]
fn a_datagram_of_64_kib_in_fragments_for_an_mtu_of_576_is_one_packet() {
    let pool = PacketPool::new(2, 130);
    let mut whole = packet_of(pool, 34, &pattern(552, 0));
    for index in 1..118_u8 {
        let fragment = packet_of(pool, 34, &pattern(552, index));
        whole
            .append_packet(fragment)
            .expect("there is room in the chain");
    }
    assert_eq!(whole.len(), 118 * 552);
    let expected: Vec<u8> = (0..118_u8).flat_map(|index| pattern(552, index)).collect();
    assert_eq!(bytes_of(&whole), expected);
    assert_eq!(pool.usage().segment_tables.used, 1);
    drop(whole);
    let usage = pool.usage();
    assert_eq!(
        (
            usage.packets.used,
            usage.buffers.used,
            usage.segment_tables.used
        ),
        (0, 0, 0)
    );
}

#[test]
fn a_chain_without_end_is_refused_and_given_back() {
    let pool = PacketPool::new(2, 200);
    let mut chain = packet_of(pool, 0, &pattern(600, 0));
    let refused = (1..200).find_map(|seed| {
        let link = packet_of(pool, BUFFER_SIZE - 600, &pattern(600, seed));
        chain.append_packet(link).err()
    });
    let refused = refused.expect("a packet has at most 128 segments");
    assert_eq!(refused.len(), 600);
    assert_eq!(chain.len() / 600, 128);
}

#[test]
fn short_packets_are_copied_into_the_tailroom() {
    let pool = PacketPool::new(2, 2);
    let mut packet = packet_of(pool, HEADROOM, &pattern(100, 1));
    packet
        .append_packet(packet_of(pool, 0, &pattern(200, 2)))
        .expect("it fits");
    assert_eq!(packet.len(), 300);
    assert!(packet.is_contiguous());
    assert_eq!(pool.usage().buffers.used, 1);
}

#[test]
fn pulling_up_makes_the_front_contiguous() {
    let pool = PacketPool::new(2, 4);
    let mut packet = packet_of(pool, BUFFER_SIZE - 10, &pattern(10, 0));
    packet
        .append_packet(packet_of(pool, BUFFER_SIZE - 600, &pattern(600, 0)))
        .expect("it fits");
    let before = bytes_of(&packet);
    assert_eq!(packet.data().len(), 10);
    assert_eq!(packet.only_segment(), None, "there are two");
    assert!(packet.pull_up(40));
    assert!(packet.data().len() >= 40);
    assert_eq!(bytes_of(&packet), before);
    assert!(!packet.pull_up(611));
    assert!(!packet.pull_up(usize::MAX));
    assert_eq!(bytes_of(&packet), before);
}

#[test]
fn a_packet_is_one_pointer() {
    assert_eq!(size_of::<Option<Packet>>(), size_of::<usize>());
}

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
