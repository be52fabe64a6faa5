use alloc::vec;
use alloc::vec::Vec;

use executive::irp::{Completion, CompletionRoutine};
use executive::{Duration, NtStatus};
use netstack::SocketAddress;
use netstack::tdi::{AddressOptions, ReceiveFlags, ReceiveRequest, RequestId, Transport};
use std::sync::Mutex;

use super::support::{CONFIGURATION, at, data, on_two_hosts};
use crate::ioctl::{AfdFlags, ControlCode, InformationClass, PollEvents, ReceiveInfo};
use crate::{AfdReply, AfdRequest, MajorFunction};

const WHOLE: ReceiveFlags = ReceiveFlags::NORMAL;

#[test]
fn seed_40_the_window_bounds_what_waits_and_counts_the_rest() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        for _ in 0..20 {
            one.send_to(sender, at(2, 2000), &[7; 1024]);
        }
        assert_eq!(
            two.get_info(handle, InformationClass::RECEIVE_CONTENT),
            Ok(16384)
        );
        assert_eq!(two.counters().dropped_window_full, 4);
        for _ in 0..16 {
            assert_eq!(two.receive_now(handle), Ok(vec![7; 1024]));
        }
        assert_eq!(two.receive_now(handle), Err(NtStatus::CANT_WAIT));
        one.send_to(sender, at(2, 2000), b"room again");
        assert_eq!(two.receive_now(handle), Ok(b"room again".to_vec()));
    });
}

#[test]
fn a_datagram_larger_than_the_window_is_taken_when_none_waits() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        two.set_info(handle, InformationClass::RECEIVE_WINDOW, 100);
        one.send_to(sender, at(2, 2000), &[1; 1000]);
        one.send_to(sender, at(2, 2000), &[2; 10]);
        assert_eq!(two.counters().dropped_window_full, 1);
        assert_eq!(two.receive_now(handle), Ok(vec![1; 1000]));
    });
}

#[test]
fn datagrams_without_bytes_are_bounded_by_their_number() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let (first, second) = (two.bound(2000), two.bound(2001));
        for _ in 0..50 {
            one.send_to(sender, at(2, 2000), b"");
            one.send_to(sender, at(2, 2001), b"");
        }
        let counters = two.counters();
        let limit = u64::from(CONFIGURATION.datagrams_per_endpoint);
        let total = u64::from(CONFIGURATION.datagrams);
        assert_eq!(
            counters.dropped_queue_full + counters.dropped_pool_full,
            100 - total
        );
        assert!(counters.dropped_pool_full > 0 && total < 2 * limit);
        assert_eq!(two.receive_now(first), Ok(vec![]));
        assert_eq!(two.receive_now(second), Ok(vec![]));
    });
}

#[test]
fn seed_46_a_waiting_datagram_completes_a_receive_at_once() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        one.send_to(sender, at(2, 2000), b"waiting");
        let mut ticket = two.receive(handle, 100);
        assert_eq!(ticket.result(), (NtStatus::SUCCESS, 7));
        assert_eq!(
            ticket.reply().unwrap().datagram.as_ref().unwrap().source,
            at(1, 1000)
        );
        assert_eq!(data(&mut ticket), b"waiting");
    });
}

#[test]
fn seed_46_too_small_without_partial_puts_back_and_says_the_length() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        one.send_to(sender, at(2, 2000), b"datagram");
        let mut ticket = two.receive(handle, 7);
        assert_eq!(ticket.result(), (NtStatus::BUFFER_TOO_SMALL, 8));
        assert!(ticket.reply().unwrap().datagram.is_none());
        let mut poll = two.select(handle, 0, &[(handle, PollEvents::RECEIVE)]);
        assert_eq!(
            super::support::seen(&mut poll),
            [(handle, PollEvents::RECEIVE)]
        );
        assert_eq!(two.receive_now(handle), Ok(b"datagram".to_vec()));
    });
}

#[test]
fn wt_43_a_short_read_with_partial_has_the_bytes_that_fit() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        for _ in 0..2 {
            one.send_to(sender, at(2, 2000), b"datagram");
        }
        for room in [0, 5] {
            let mut ticket = two.receive_with(
                handle,
                room,
                AfdFlags::empty(),
                WHOLE | ReceiveFlags::PARTIAL,
            );
            assert_eq!(ticket.result(), (NtStatus::BUFFER_OVERFLOW, room));
            assert_eq!(data(&mut ticket), b"datagram"[..room]);
        }
        assert_eq!(
            two.receive_now(handle),
            Err(NtStatus::CANT_WAIT),
            "the rest is gone"
        );
        assert_eq!(two.counters().datagrams_truncated, 2);
    });
}

#[test]
fn seed_47_nothing_waiting_is_cant_wait_or_pending() {
    on_two_hosts(|one, two| {
        let handle = two.bound(2000);
        let refused = two.receive_with(handle, 10, AfdFlags::IMMEDIATE, WHOLE);
        assert_eq!(refused.result(), (NtStatus::CANT_WAIT, 0));
        let pending = two.receive(handle, 10);
        assert_eq!(pending.result(), (NtStatus::PENDING, 0));
        assert!(pending.cancel(), "it has a cancel routine");
        assert_eq!(pending.result(), (NtStatus::CANCELLED, 0));
        let sender = one.bound(1000);
        one.send_to(sender, at(2, 2000), b"next");
        assert_eq!(two.receive_now(handle), Ok(b"next".to_vec()));
    });
}

#[test]
fn seed_47_a_request_cancelled_before_it_waits_does_not_wait() {
    on_two_hosts(|_, two| {
        let handle = two.bound(2000);
        let (mut irp, ticket) = two.irps.allocate().unwrap();
        let request = irp.request_mut();
        request.major = MajorFunction::Read;
        request.handle = handle;
        ticket.cancel();
        crate::winsock::AfdDevice::submit(&two, irp);
        assert_eq!(ticket.result(), (NtStatus::CANCELLED, 0));
        two.look(|afd, _| assert_eq!(afd.usage().pending.used, 0));
    });
}

#[test]
fn wt_35_a_nonblocking_empty_endpoint_is_not_ready() {
    on_two_hosts(|_, two| {
        let handle = two.bound(2000);
        two.set_info(handle, InformationClass::BLOCKING, 0);
        assert_eq!(
            two.receive(handle, 10).result(),
            (NtStatus::DEVICE_NOT_READY, 0)
        );
        let overlapped = two.receive_with(handle, 10, AfdFlags::OVERLAPPED, WHOLE);
        assert_eq!(overlapped.result().0, NtStatus::PENDING);
        two.set_info(handle, InformationClass::BLOCKING, 1);
        assert_eq!(two.receive(handle, 10).result().0, NtStatus::PENDING);
    });
}

#[test]
fn seed_48_waiting_receives_are_satisfied_in_order_one_datagram_each() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        let mut tickets = [
            two.receive(handle, 10),
            two.receive(handle, 10),
            two.receive(handle, 10),
        ];
        one.send_to(sender, at(2, 2000), b"first");
        assert_eq!(tickets[0].result().0, NtStatus::SUCCESS);
        assert_eq!(tickets[1].result().0, NtStatus::PENDING);
        one.send_to(sender, at(2, 2000), b"second");
        one.send_to(sender, at(2, 2000), b"third");
        let received: Vec<_> = tickets.iter_mut().map(data).collect();
        assert_eq!(received, [&b"first"[..], b"second", b"third"]);
        two.look(|_, stack| {
            let posted: usize = stack.address_objects().map(|object| object.receives).sum();
            assert_eq!(posted, 1, "the receive is posted again");
        });
    });
}

#[test]
fn seed_48_a_waiting_receive_with_too_little_room_leaves_the_datagram_to_the_next() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        let (small, mut large) = (two.receive(handle, 3), two.receive(handle, 10));
        one.send_to(sender, at(2, 2000), b"datagram");
        assert_eq!(small.result(), (NtStatus::BUFFER_TOO_SMALL, 8));
        assert_eq!(data(&mut large), b"datagram");
    });
}

#[test]
fn seed_48_udp_does_not_go_deaf_after_an_error() {
    on_two_hosts(|one, two| {
        let handle = one.bound(1000);
        assert_eq!(one.try_connect(handle, at(2, 2000)), NtStatus::SUCCESS);
        let pending = one.receive(handle, 10);
        drop(one.send(handle, None, b"nobody", AfdFlags::empty()));
        assert_eq!(pending.result(), (NtStatus::PORT_UNREACHABLE, 0));
        drop(one.send(handle, None, b"again nobody", AfdFlags::empty()));
        let mut poll = one.select(handle, 0, &[(handle, PollEvents::RECEIVE)]);
        assert_eq!(
            super::support::seen(&mut poll),
            [(handle, PollEvents::RECEIVE)]
        );
        assert_eq!(
            one.receive(handle, 10).result(),
            (NtStatus::PORT_UNREACHABLE, 0)
        );
        assert_eq!(one.counters().receive_errors, 2);
        let peer = two.bound(2000);
        two.send_to(peer, at(1, 1000), b"somebody");
        assert_eq!(one.receive_now(handle), Ok(b"somebody".to_vec()));
    });
}

#[test]
fn seed_48_a_receive_that_the_transport_refused_is_posted_later() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let foreign = two.look(|_, stack| {
            let address = SocketAddress::UNSPECIFIED;
            let object = stack
                .open_address(Transport::Udp, address, AddressOptions::default())
                .unwrap();
            let mut id = 1 << 40;
            while stack
                .receive_datagram(object, RequestId(id), ReceiveRequest::new(1))
                .is_success()
            {
                id += 1;
            }
            object
        });
        let handle = two.bound(2000);
        let mut pending = two.receive(handle, 10);
        one.send_to(sender, at(2, 2000), b"lost");
        assert!(two.counters().receive_posts_refused > 0);
        two.look(|_, stack| assert!(stack.close_address(foreign).is_success()));
        two.world.executive.sleep(Duration::from_millis(60));
        one.send_to(sender, at(2, 2000), b"heard");
        assert_eq!(data(&mut pending), b"heard");
    });
}

#[test]
fn wt_38_peeking_twice_shows_the_same() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        one.send_to(sender, at(2, 2000), b"datagram");
        let peek = WHOLE | ReceiveFlags::PEEK;
        for _ in 0..2 {
            let mut ticket = two.receive_with(handle, 100, AfdFlags::IMMEDIATE, peek);
            assert_eq!(data(&mut ticket), b"datagram");
        }
        let mut part =
            two.receive_with(handle, 4, AfdFlags::IMMEDIATE, peek | ReceiveFlags::PARTIAL);
        assert_eq!(part.result(), (NtStatus::BUFFER_OVERFLOW, 4));
        assert_eq!(data(&mut part), b"data");
        assert_eq!(two.receive_now(handle), Ok(b"datagram".to_vec()));
    });
}

#[test]
fn a_waiting_peek_leaves_the_datagram_for_the_next_receive() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        let peek = WHOLE | ReceiveFlags::PEEK;
        let mut peeking = two.receive_with(handle, 100, AfdFlags::empty(), peek);
        let mut taking = two.receive(handle, 100);
        one.send_to(sender, at(2, 2000), b"datagram");
        assert_eq!(data(&mut peeking), b"datagram");
        assert_eq!(data(&mut taking), b"datagram");
    });
}

#[test]
fn wt_42_an_unbound_receive_is_an_invalid_parameter() {
    on_two_hosts(|_, two| {
        let handle = two.create();
        assert_eq!(
            two.receive(handle, 10).result(),
            (NtStatus::INVALID_PARAMETER, 0)
        );
    });
}

#[test]
fn wt_32_short_parameters_are_invalid() {
    on_two_hosts(|_, two| {
        let handle = two.bound(2000);
        let mut payload = [0; 16];
        ReceiveInfo::encode(&mut payload, AfdFlags::IMMEDIATE, WHOLE, [10].into_iter()).unwrap();
        for cut in 0..16 {
            let ticket = two.control(handle, ControlCode::RECV, &payload[..cut], 0);
            assert_eq!(
                ticket.result().0,
                NtStatus::INVALID_PARAMETER,
                "{cut} bytes"
            );
        }
        payload[0] = 2;
        let ticket = two.control(handle, ControlCode::RECV, &payload, 0);
        assert_eq!(ticket.result().0, NtStatus::INVALID_PARAMETER);
    });
}

#[test]
fn wt_33_a_pending_receive_leaves_the_status_alone() {
    on_two_hosts(|_, two| {
        let handle = two.bound(2000);
        let ticket = two.receive(handle, 10);
        assert_eq!(ticket.result(), (NtStatus::PENDING, 0));
        assert!(!ticket.is_complete() && !ticket.event().is_set());
    });
}

#[test]
fn datagrams_have_no_out_of_band_data() {
    on_two_hosts(|_, two| {
        let handle = two.bound(2000);
        let ticket = two.receive_with(handle, 10, AfdFlags::empty(), ReceiveFlags::EXPEDITED);
        assert_eq!(ticket.result().0, NtStatus::NOT_SUPPORTED);
    });
}

/// Records what a completion routine is told.
#[derive(Default)]
struct Recorder(Mutex<Vec<(NtStatus, usize)>>);

impl CompletionRoutine<AfdRequest, AfdReply> for Recorder {
    fn completed(&self, completion: Completion<'_, AfdRequest, AfdReply>) {
        self.0
            .lock()
            .unwrap()
            .push((completion.status, completion.information));
    }
}

#[test]
fn seed_50_overlapped_requests_set_their_event_and_call_their_routine() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        let recorder: &'static Recorder = alloc::boxed::Box::leak(alloc::boxed::Box::default());
        let (mut irp, ticket) = two.irps.allocate().unwrap();
        irp.set_completion_routine(recorder);
        let request = irp.request_mut();
        request.major = MajorFunction::DeviceControl;
        request.control_code = ControlCode::RECV_DATAGRAM;
        request.handle = handle;
        let lengths = [100].into_iter();
        let encode =
            |buffer: &mut [u8]| ReceiveInfo::encode(buffer, AfdFlags::OVERLAPPED, WHOLE, lengths);
        request.input.fill(encode).unwrap();
        crate::winsock::AfdDevice::submit(&two, irp);
        assert!(!ticket.event().is_set());
        one.send_to(sender, at(2, 2000), b"datagram");
        assert!(ticket.event().is_set());
        assert_eq!(ticket.result(), (NtStatus::SUCCESS, 8));
        assert_eq!(*recorder.0.lock().unwrap(), [(NtStatus::SUCCESS, 8)]);
    });
}

#[test]
fn several_endpoints_that_share_an_address_all_get_a_broadcast() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        one.set_info(sender, InformationClass::BROADCAST, 1);
        let handles = [two.create(), two.create()];
        for handle in handles {
            let address = super::support::anywhere(2000);
            let status = two.try_bind_as(handle, crate::ioctl::ShareType::Reuse, address);
            assert_eq!(status, NtStatus::SUCCESS);
        }
        one.send_to(sender, SocketAddress::new([255; 4].into(), 2000), b"all");
        for handle in handles {
            let mut ticket = two.receive(handle, 10);
            let flags = ticket.reply().unwrap().datagram.as_ref().unwrap().flags;
            assert_eq!(flags, ReceiveFlags::NORMAL | ReceiveFlags::BROADCAST);
            assert_eq!(data(&mut ticket), b"all");
        }
    });
}
