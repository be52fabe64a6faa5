mod property;

use alloc::vec;
use alloc::vec::Vec;

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
