use alloc::vec;
use alloc::vec::Vec;

use executive::{Duration, NtStatus};
use netstack::SocketAddress;

use super::support::{CONFIGURATION, anywhere, at, on_two_hosts, seen};
use crate::ioctl::{AfdFlags, ControlCode, InformationClass, PollEvents, SendInfo};
use crate::{MAXIMUM_DATAGRAM_SIZE, MajorFunction};

#[test]
fn seed_44_sending_in_a_wrong_state_is_an_invalid_parameter() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        assert_eq!(
            one.try_send_to(handle, at(2, 7), b"x"),
            (NtStatus::INVALID_PARAMETER, 0)
        );
        let unconnected = one.bound(1000);
        let ticket = one.send(unconnected, None, b"x", AfdFlags::empty());
        assert_eq!(ticket.result(), (NtStatus::INVALID_CONNECTION, 0));
        drop(ticket);
        one.close(handle);
        one.close(unconnected);
        one.assert_level();
    });
}

#[test]
fn a_connected_endpoint_sends_to_its_peer_or_to_a_given_address() {
    on_two_hosts(|one, two| {
        let handle = one.bound(1000);
        let (peer, other) = (two.bound(2000), two.bound(2001));
        one.connect(handle, at(2, 2000));
        assert_eq!(
            one.send(handle, None, b"peer", AfdFlags::empty())
                .result()
                .0,
            NtStatus::SUCCESS
        );
        assert_eq!(
            one.try_send_to(handle, at(2, 2001), b"other").0,
            NtStatus::SUCCESS
        );
        assert_eq!(two.receive_now(peer), Ok(b"peer".to_vec()));
        assert_eq!(two.receive_now(other), Ok(b"other".to_vec()));
    });
}

#[test]
fn zero_bytes_are_a_datagram() {
    on_two_hosts(|one, two| {
        let (sender, handle) = (one.bound(1000), two.bound(2000));
        assert_eq!(
            one.try_send_to(sender, at(2, 2000), b""),
            (NtStatus::SUCCESS, 0)
        );
        assert_eq!(two.receive_now(handle), Ok(vec![]));
    });
}

#[test]
fn every_size_that_fits_a_frame_arrives_unchanged() {
    on_two_hosts(|one, two| {
        let (sender, handle) = (one.bound(1000), two.bound(2000));
        for size in 0..=1472 {
            let bytes: Vec<u8> = (0..size).map(|index| (index * 7 + size) as u8).collect();
            assert_eq!(
                one.try_send_to(sender, at(2, 2000), &bytes),
                (NtStatus::SUCCESS, size)
            );
            assert_eq!(two.receive_now(handle).as_ref(), Ok(&bytes), "{size} bytes");
        }
        one.close(sender);
        two.close(handle);
        one.assert_level();
        two.assert_level();
    });
}

/// While the wire is cut the neighbour cannot be resolved, so the transport
/// keeps what is sent.
#[test]
fn seed_45_a_send_without_a_window_completes_when_the_transport_does() {
    on_two_hosts(|one, two| {
        let (sender, receiver) = (one.bound(1000), two.bound(2000));
        one.set_info(sender, InformationClass::SEND_WINDOW, 0);
        one.world.set_wire(false);
        let ticket = one.send(sender, Some(at(2, 2000)), b"later", AfdFlags::empty());
        assert_eq!(ticket.result(), (NtStatus::PENDING, 0));
        one.world.set_wire(true);
        assert_eq!(
            ticket.wait(Some(Duration::from_secs(10))),
            NtStatus::SUCCESS
        );
        assert_eq!(ticket.result(), (NtStatus::SUCCESS, 5));
        assert_eq!(two.receive_now(receiver), Ok(b"later".to_vec()));
        assert_eq!(one.counters().sends_deferred, 1);
    });
}

#[test]
fn seed_45_a_send_that_fails_later_says_so() {
    on_two_hosts(|one, _| {
        let sender = one.bound(1000);
        one.set_info(sender, InformationClass::SEND_WINDOW, 0);
        let ticket = one.send(sender, Some(at(9, 2000)), b"nobody", AfdFlags::empty());
        assert_eq!(
            ticket.wait(Some(Duration::from_secs(60))),
            NtStatus::SUCCESS
        );
        assert_eq!(ticket.result(), (NtStatus::HOST_UNREACHABLE, 0));
        drop(ticket);
        one.close(sender);
        one.assert_level();
    });
}

#[test]
fn the_send_window_lets_callers_go_on_until_it_is_full() {
    on_two_hosts(|one, two| {
        let (sender, receiver) = (one.bound(1000), two.bound(2000));
        one.set_info(sender, InformationClass::SEND_WINDOW, 2000);
        one.world.set_wire(false);
        let writable = [(sender, PollEvents::SEND)];
        for _ in 0..2 {
            assert_eq!(
                one.try_send_to(sender, at(2, 2000), &[1; 1000]),
                (NtStatus::SUCCESS, 1000)
            );
        }
        assert_eq!(seen(&mut one.select(sender, 0, &writable)), []);
        assert_eq!(
            one.get_info(sender, InformationClass::SENDS_IN_PROGRESS),
            Ok(2)
        );
        let refused = one.send(sender, Some(at(2, 2000)), &[2; 10], AfdFlags::IMMEDIATE);
        assert_eq!(refused.result(), (NtStatus::CANT_WAIT, 0));
        let waiting = one.send(sender, Some(at(2, 2000)), &[3; 10], AfdFlags::empty());
        assert_eq!(waiting.result(), (NtStatus::PENDING, 0));
        one.set_info(sender, InformationClass::BLOCKING, 0);
        assert_eq!(
            one.try_send_to(sender, at(2, 2000), &[4; 10]).0,
            NtStatus::DEVICE_NOT_READY
        );
        let mut poll = one.select(sender, i64::MAX, &writable);
        one.world.set_wire(true);
        assert_eq!(poll.wait(Some(Duration::from_secs(10))), NtStatus::SUCCESS);
        assert_eq!(seen(&mut poll), [(sender, PollEvents::SEND)]);
        assert_eq!(waiting.result(), (NtStatus::SUCCESS, 10));
        assert_eq!(
            one.get_info(sender, InformationClass::SENDS_IN_PROGRESS),
            Ok(0)
        );
        let lengths: Vec<_> = (0..3)
            .map(|_| two.receive_now(receiver).unwrap().len())
            .collect();
        assert_eq!(lengths, [1000, 1000, 10]);
    });
}

#[test]
fn a_larger_send_window_makes_a_full_endpoint_writable() {
    on_two_hosts(|one, _| {
        let sender = one.bound(1000);
        one.set_info(sender, InformationClass::SEND_WINDOW, 10);
        one.world.set_wire(false);
        one.send_to(sender, at(2, 2000), &[0; 10]);
        let mut poll = one.select(sender, i64::MAX, &[(sender, PollEvents::SEND)]);
        assert_eq!(poll.result().0, NtStatus::PENDING);
        one.set_info(sender, InformationClass::SEND_WINDOW, 11);
        assert_eq!(seen(&mut poll), [(sender, PollEvents::SEND)]);
    });
}

#[test]
fn a_buffered_send_that_fails_is_counted() {
    on_two_hosts(|one, _| {
        let sender = one.bound(1000);
        assert_eq!(
            one.try_send_to(sender, at(9, 2000), b"nobody"),
            (NtStatus::SUCCESS, 6)
        );
        one.world.executive.sleep(Duration::from_secs(60));
        assert_eq!(one.counters().buffered_sends_failed, 1);
        assert_eq!(
            one.get_info(sender, InformationClass::SENDS_IN_PROGRESS),
            Ok(0)
        );
    });
}

#[test]
fn a_pending_send_is_cancelled_by_its_caller_and_by_close() {
    on_two_hosts(|one, _| {
        let sender = one.bound(1000);
        one.set_info(sender, InformationClass::SEND_WINDOW, 0);
        one.world.set_wire(false);
        let first = one.send(sender, Some(at(2, 2000)), b"first", AfdFlags::empty());
        let second = one.send(sender, Some(at(2, 2000)), b"second", AfdFlags::empty());
        assert!(first.cancel());
        assert_eq!(first.result(), (NtStatus::CANCELLED, 0));
        assert_eq!(second.result().0, NtStatus::PENDING);
        one.close(sender);
        assert_eq!(second.result(), (NtStatus::CANCELLED, 0));
        drop((first, second));
        one.world.executive.sleep(Duration::from_secs(60));
        one.assert_level();
    });
}

#[test]
fn sends_in_progress_are_bounded() {
    on_two_hosts(|one, _| {
        let sender = one.bound(1000);
        one.world.set_wire(false);
        let mut statuses = Vec::new();
        for _ in 0..=CONFIGURATION.sends {
            statuses.push(one.try_send_to(sender, at(2, 2000), b"x").0);
        }
        assert_eq!(statuses.last(), Some(&NtStatus::INSUFFICIENT_RESOURCES));
        one.close(sender);
        one.world.executive.sleep(Duration::from_secs(60));
        one.assert_level();
    });
}

#[test]
fn what_cannot_be_sent_is_refused_at_once() {
    on_two_hosts(|one, _| {
        let sender = one.bound(1000);
        for (remote, expected) in [
            (at(2, 0), NtStatus::INVALID_ADDRESS),
            (anywhere(7), NtStatus::INVALID_ADDRESS),
            (
                SocketAddress::new([192, 0, 2, 1].into(), 7),
                NtStatus::NETWORK_UNREACHABLE,
            ),
        ] {
            assert_eq!(
                one.try_send_to(sender, remote, b"x"),
                (expected, 0),
                "{remote}"
            );
        }
        let large = vec![0; MAXIMUM_DATAGRAM_SIZE + 1];
        assert_eq!(
            one.try_send_to(sender, at(2, 7), &large),
            (NtStatus::BUFFER_OVERFLOW, 0)
        );
        one.close(sender);
        one.assert_level();
    });
}

#[test]
fn data_that_does_not_match_its_payload_is_an_access_violation() {
    on_two_hosts(|one, _| {
        let sender = one.bound(1000);
        let mut payload = [0; 64];
        let lengths = [4].into_iter();
        let length =
            SendInfo::encode(&mut payload, AfdFlags::empty(), Some(at(2, 7)), lengths).unwrap();
        for data in [None, Some(&b"abc"[..]), Some(b"abcde")] {
            let data = data.map(|bytes| one.payload(bytes));
            let ticket = one.request(MajorFunction::DeviceControl, sender, |request| {
                request.control_code = ControlCode::SEND_DATAGRAM;
                request.input.copy_from(&payload[..length]).unwrap();
                request.data = data;
            });
            assert_eq!(ticket.result(), (NtStatus::ACCESS_VIOLATION, 0));
        }
        for cut in 0..length {
            let ticket = one.control(sender, ControlCode::SEND_DATAGRAM, &payload[..cut], 0);
            let status = ticket.result().0;
            let in_address = (12..34).contains(&cut);
            let expected = if in_address {
                NtStatus::INVALID_ADDRESS
            } else {
                NtStatus::INVALID_PARAMETER
            };
            assert_eq!(status, expected, "{cut} bytes");
        }
        one.close(sender);
        one.assert_level();
    });
}
