use alloc::vec;
use alloc::vec::Vec;

use executive::{Duration, NtStatus};
use ndis::packet::HEADROOM;
use netstack::SocketAddress;
use netstack::tdi::ReceiveFlags;

use super::{Host, with_winsock};
use crate::MAXIMUM_DATAGRAM_SIZE;
use crate::tests::support::{anywhere, at};
use crate::winsock::constants::{MSG_OOB, MSG_PARTIAL, MSG_PEEK, SO_BROADCAST, SOL_SOCKET};
use crate::winsock::transfer::{message_flags, receive_flags};
use crate::winsock::{Socket, WsaError};

/// A socket of one host and, at port 2000, one of the other.
fn pair(one: Host, two: Host) -> (Socket, Socket) {
    (one.bound(1000), two.bound(2000))
}

#[test]
fn seed_43_sending_from_an_unbound_socket_binds_the_wildcard_address() {
    with_winsock(|one, two| {
        let receiver = two.bound(2000);
        let socket = one.udp();
        assert_eq!(one.sendto(socket, b"hello", 0, at(2, 2000)), Ok(5));
        let name = one.getsockname(socket).unwrap();
        assert!(name.address.is_unspecified() && name.port >= 49152);
        let mut from = anywhere(0);
        assert_eq!(
            two.recvfrom(receiver, &mut [0; 10], 0, Some(&mut from)),
            Ok(5)
        );
        assert_eq!(from, at(1, name.port));
    });
}

#[test]
fn wt_81_wsa_send_to_binds_an_unbound_socket() {
    with_winsock(|one, two| {
        let receiver = two.bound(2000);
        let socket = one.udp();
        let buffers: [&[u8]; 4] = [b"all ", b"", b"in ", b"one"];
        assert_eq!(
            one.wsa_send_to(socket, &buffers, 0, Some(at(2, 2000))),
            Ok(10)
        );
        let mut buffer = [0; 20];
        assert_eq!(two.recv(receiver, &mut buffer, 0), Ok(10));
        assert_eq!(&buffer[..10], b"all in one");
        assert!(one.getsockname(socket).is_ok());
    });
}

#[test]
fn what_is_echoed_comes_back_unchanged_in_every_size() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        let task = two.spawn(move || {
            let (mut buffer, mut from) = ([0; 2000], anywhere(0));
            while let Ok(length) = two.recvfrom(server, &mut buffer, 0, Some(&mut from)) {
                two.sendto(server, &buffer[..length], 0, from).unwrap();
            }
        });
        for size in (0..=1472).step_by(7) {
            let bytes: Vec<u8> = (0..size).map(|index| (index * 31 + size) as u8).collect();
            assert_eq!(one.sendto(client, &bytes, 0, at(2, 2000)), Ok(size));
            let (mut buffer, mut from) = ([0; 1500], anywhere(0));
            assert_eq!(
                one.recvfrom(client, &mut buffer, 0, Some(&mut from)),
                Ok(size)
            );
            assert_eq!((&buffer[..size], from), (&bytes[..], at(2, 2000)));
        }
        two.closesocket(server).unwrap();
        assert_eq!(task.join(None), NtStatus::SUCCESS);
        one.closesocket(client).unwrap();
        one.device.assert_level();
        two.device.assert_level();
    });
}

#[test]
fn connected_sockets_send_and_receive_without_addresses() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        assert_eq!(one.send(client, b"x", 0), Err(WsaError::ENOTCONN));
        one.connect(client, at(2, 2000)).unwrap();
        assert_eq!(one.send(client, b"hello", 0), Ok(5));
        let mut buffer = [0; 8];
        assert_eq!(two.recv(server, &mut buffer, 0), Ok(5));
        assert_eq!(&buffer[..5], b"hello");
    });
}

#[test]
fn seed_46_a_short_buffer_has_the_beginning_and_the_error_says_so() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        one.sendto(client, b"datagram", 0, at(2, 2000)).unwrap();
        one.sendto(client, b"next", 0, at(2, 2000)).unwrap();
        let (mut buffer, mut from) = ([0; 4], anywhere(0));
        let received = two.recvfrom(server, &mut buffer, 0, Some(&mut from));
        assert_eq!(received, Err(WsaError::EMSGSIZE));
        assert_eq!((&buffer, from), (b"data", at(1, 1000)));
        assert_eq!(two.get_last_error(), Some(WsaError::EMSGSIZE));
        assert_eq!(two.recv(server, &mut buffer, 0), Ok(4), "the rest is lost");
        assert_eq!(&buffer, b"next");
    });
}

#[test]
fn seed_49_receive_flags_map_both_ways() {
    let normal = ReceiveFlags::NORMAL;
    for (flags, tdi_flags) in [
        (0, normal),
        (MSG_PEEK, normal | ReceiveFlags::PEEK),
        (MSG_PARTIAL, normal | ReceiveFlags::PARTIAL),
        (MSG_OOB, ReceiveFlags::EXPEDITED),
        (
            MSG_OOB | MSG_PEEK,
            ReceiveFlags::EXPEDITED | ReceiveFlags::PEEK,
        ),
    ] {
        assert_eq!(receive_flags(flags), tdi_flags);
    }
    for (status, flags) in [
        (0, 0),
        (0x4000_000F, MSG_PARTIAL),
        (0x4000_0010, MSG_OOB),
        (0x4000_0011, MSG_PARTIAL | MSG_OOB),
        (NtStatus::BUFFER_OVERFLOW.0, MSG_PARTIAL),
    ] {
        assert_eq!(message_flags(NtStatus(status)), flags);
    }
}

#[test]
fn seed_49_flags_come_back_from_a_receive() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        one.sendto(client, b"datagram", 0, at(2, 2000)).unwrap();
        let (mut buffer, mut flags) = ([0; 8], MSG_PEEK);
        let received = two.wsa_recv_from(server, &mut [&mut buffer], &mut flags, None);
        assert_eq!((received, flags), (Ok(8), 0));
        let received = two.wsa_recv_from(server, &mut [&mut buffer[..4]], &mut flags, None);
        assert_eq!((received, flags), (Err(WsaError::EMSGSIZE), MSG_PARTIAL));
        flags = MSG_OOB;
        let received = two.wsa_recv_from(server, &mut [&mut buffer], &mut flags, None);
        assert_eq!(received, Err(WsaError::EOPNOTSUPP));
    });
}

#[test]
fn wt_34_several_buffers_scatter() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        one.sendto(client, b"one two three", 0, at(2, 2000))
            .unwrap();
        let (mut first, mut second, mut third) = ([0; 4], [0; 4], [0xEE; 10]);
        let mut buffers: [&mut [u8]; 3] = [&mut first, &mut second, &mut third];
        assert_eq!(
            two.wsa_recv_from(server, &mut buffers, &mut 0, None),
            Ok(13)
        );
        assert_eq!(
            (&first, &second, &third[..6]),
            (b"one ", b"two ", &b"three\xEE"[..])
        );
    });
}

#[test]
fn seed_55_without_a_place_for_the_address_it_is_skipped() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        one.sendto(client, b"x", 0, at(2, 2000)).unwrap();
        assert_eq!(two.recvfrom(server, &mut [0; 4], 0, None), Ok(1));
    });
}

#[test]
fn nonblocking_calls_would_block() {
    with_winsock(|one, two| {
        let client = one.bound(1000);
        let server = two.nonblocking(2000);
        assert_eq!(two.recv(server, &mut [0; 4], 0), Err(WsaError::EWOULDBLOCK));
        one.sendto(client, b"x", 0, at(2, 2000)).unwrap();
        assert_eq!(two.recv(server, &mut [0; 4], 0), Ok(1));
        assert_eq!(two.recv(server, &mut [0; 4], 0), Err(WsaError::EWOULDBLOCK));
    });
}

#[test]
fn a_receive_from_an_unbound_socket_is_invalid() {
    with_winsock(|one, _| {
        assert_eq!(one.recv(one.udp(), &mut [0; 4], 0), Err(WsaError::EINVAL));
    });
}

#[test]
fn broadcasts_need_so_broadcast() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        let everybody = SocketAddress::new([255; 4].into(), 2000);
        assert_eq!(
            one.sendto(client, b"all", 0, everybody),
            Err(WsaError::EACCES)
        );
        let on = 1_u32.to_le_bytes();
        one.setsockopt(client, SOL_SOCKET, SO_BROADCAST, &on)
            .unwrap();
        assert_eq!(one.sendto(client, b"all", 0, everybody), Ok(3));
        assert_eq!(two.recv(server, &mut [0; 4], 0), Ok(3));
    });
}

#[test]
fn what_cannot_be_sent_says_why() {
    with_winsock(|one, _| {
        let client = one.bound(1000);
        let large = vec![0; MAXIMUM_DATAGRAM_SIZE + 1];
        assert_eq!(
            one.sendto(client, &large, 0, at(2, 7)),
            Err(WsaError::EMSGSIZE)
        );
        let elsewhere = SocketAddress::new([192, 0, 2, 1].into(), 7);
        assert_eq!(
            one.sendto(client, b"x", 0, elsewhere),
            Err(WsaError::ENETUNREACH)
        );
        assert_eq!(
            one.sendto(client, b"x", 0, at(2, 0)),
            Err(WsaError::EADDRNOTAVAIL)
        );
        assert_eq!(
            one.sendto(client, b"x", MSG_OOB, at(2, 7)),
            Err(WsaError::EOPNOTSUPP)
        );
        one.closesocket(client).unwrap();
        one.device.assert_level();
    });
}

#[test]
fn a_closed_port_resets_a_connected_socket_once() {
    with_winsock(|one, two| {
        let client = one.bound(1000);
        one.connect(client, at(2, 2000)).unwrap();
        one.send(client, b"nobody", 0).unwrap();
        assert_eq!(one.recv(client, &mut [0; 4], 0), Err(WsaError::ECONNRESET));
        let server = two.bound(2000);
        one.send(client, b"x", 0).unwrap();
        two.sendto(server, b"y", 0, at(1, 1000)).unwrap();
        assert_eq!(one.recv(client, &mut [0; 4], 0), Ok(1));
    });
}

#[test]
fn without_packets_a_send_fails_and_nothing_is_lost() {
    with_winsock(|one, _| {
        let client = one.bound(1000);
        one.sendto(client, b"resolves the neighbour", 0, at(2, 2000))
            .unwrap();
        let mut taken = Vec::new();
        while let Some(packet) = one.device.packets.allocate(HEADROOM) {
            taken.push(packet);
        }
        let used = one.device.packets.usage().packets.used;
        assert_eq!(
            one.sendto(client, b"x", 0, at(2, 2000)),
            Err(WsaError::ENOBUFS)
        );
        taken.truncate(taken.len() - 2);
        assert_eq!(
            one.sendto(client, &[0; 9000], 0, at(2, 2000)),
            Err(WsaError::ENOBUFS)
        );
        assert_eq!(one.device.packets.usage().packets.used, used - 2);
        drop(taken);
        one.closesocket(client).unwrap();
        one.device.assert_level();
    });
}

#[test]
fn bytes_are_copied_into_chained_buffers_with_their_sum() {
    with_winsock(|one, _| {
        let bytes: Vec<u8> = (0..9001_u32).map(|index| (index * 13) as u8).collect();
        let (first, rest) = bytes.split_at(3333);
        let payload = one.gather(&[first, b"", rest]).unwrap();
        let copied = payload.packet.segments().collect::<Vec<_>>().concat();
        assert_eq!(copied, bytes);
        let mut sum = netstack::checksum::PayloadChecksum::new();
        sum.add_bytes(&bytes);
        assert_eq!(payload.checksum, Some(sum));
        assert!(payload.packet.headroom() >= HEADROOM);
    });
}

#[test]
fn a_blocked_receive_is_woken_by_a_datagram() {
    with_winsock(|one, two| {
        let (client, server) = pair(one, two);
        let start = one.device.world.executive.now();
        let task = two.spawn(move || {
            let mut buffer = [0; 10];
            assert_eq!(two.recv(server, &mut buffer, 0), Ok(5));
            assert_eq!(&buffer[..5], b"hello");
            let waited = two.device.world.executive.now() - start;
            assert_eq!(waited.as_secs(), 3600);
        });
        one.device.world.executive.sleep(Duration::from_secs(3600));
        one.sendto(client, b"hello", 0, at(2, 2000)).unwrap();
        assert_eq!(task.join(None), NtStatus::SUCCESS);
    });
}
