use alloc::vec::Vec;

use executive::{Duration, NtStatus};

use super::support::{at, data, on_two_hosts, poll_payload, seen};
use crate::ioctl::{ControlCode, POLL_HEADER_SIZE, PollEvents, PollInfo, poll_size};
use crate::{Handle, MajorFunction};

const RECEIVE: PollEvents = PollEvents::RECEIVE;
const SEND: PollEvents = PollEvents::SEND;
const ALL: PollEvents = PollEvents::all();

/// Units of a payload's timeout in a millisecond.
const MILLISECOND: i64 = 10_000;

/// A timeout long enough never to matter.
const LONG: i64 = -1000 * MILLISECOND;

#[test]
fn wt_1_an_answer_shorter_than_the_payload_is_an_invalid_parameter() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let input = poll_payload(0, false, &[(handle, ALL)]);
        for room in [0, POLL_HEADER_SIZE, input.len() - 1] {
            let ticket = one.control(handle, ControlCode::SELECT, &input, room);
            assert_eq!(
                ticket.result(),
                (NtStatus::INVALID_PARAMETER, 0),
                "room of {room}"
            );
        }
        let ticket = one.control(handle, ControlCode::SELECT, &input, input.len() + 1);
        assert_eq!(ticket.result().0, NtStatus::SUCCESS);
    });
}

#[test]
fn wt_2_a_payload_shorter_than_its_count_is_an_invalid_parameter() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let input = poll_payload(0, false, &[(handle, ALL), (handle, ALL)]);
        for cut in 0..input.len() {
            let ticket = one.control(handle, ControlCode::SELECT, &input[..cut], input.len());
            assert_eq!(
                ticket.result(),
                (NtStatus::INVALID_PARAMETER, 0),
                "{cut} bytes"
            );
        }
    });
}

#[test]
fn wt_3_no_handle_is_an_invalid_parameter() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let input = poll_payload(0, false, &[]);
        let ticket = one.control(handle, ControlCode::SELECT, &input, 100);
        assert_eq!(ticket.result(), (NtStatus::INVALID_PARAMETER, 0));
    });
}

#[test]
fn wt_4_a_bad_handle_is_an_invalid_handle() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let closed = one.create();
        one.clean_up(closed);
        for bad in [Handle::NULL, Handle::from_raw(0xAB_ACAB), closed] {
            let ticket = one.select(handle, LONG, &[(handle, SEND), (bad, ALL)]);
            assert_eq!(ticket.result(), (NtStatus::INVALID_HANDLE, 0));
        }
        let ticket = one.select(Handle::NULL, LONG, &[(handle, SEND)]);
        assert_eq!(ticket.result(), (NtStatus::INVALID_HANDLE, 0));
    });
}

#[test]
fn wt_5_timeout_zero_with_nothing_ready_is_success_without_handles() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let mut ticket = one.select(handle, 0, &[(handle, RECEIVE)]);
        assert_eq!(ticket.result(), (NtStatus::SUCCESS, POLL_HEADER_SIZE));
        assert_eq!(seen(&mut ticket), []);
    });
}

#[test]
fn wt_6_relative_and_absolute_timeouts_expire_without_handles() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let executive = one.world.executive;
        let start = executive.now();
        let mut relative = one.select(handle, -30 * MILLISECOND, &[(handle, RECEIVE)]);
        let end = i64::try_from(start.as_micros() + 20_000).unwrap() * 10;
        let mut absolute = one.select(handle, end, &[(handle, RECEIVE)]);
        let past = one.select(handle, 1, &[(handle, RECEIVE)]);
        for (ticket, expected) in [(&absolute, 20), (&relative, 30)] {
            assert_eq!(ticket.result().0, NtStatus::PENDING);
            assert_eq!(ticket.wait(Some(Duration::from_secs(1))), NtStatus::SUCCESS);
            assert_eq!(ticket.result(), (NtStatus::TIMEOUT, POLL_HEADER_SIZE));
            assert_eq!((executive.now() - start).as_millis(), expected);
        }
        assert_eq!(past.result(), (NtStatus::TIMEOUT, POLL_HEADER_SIZE));
        assert_eq!(
            (seen(&mut relative), seen(&mut absolute)),
            (Vec::new(), Vec::new())
        );
        let output = relative.reply().unwrap().output.as_slice();
        assert_eq!(
            output[..8],
            (-30 * MILLISECOND).to_le_bytes(),
            "the timeout is given back"
        );
        assert_eq!(one.counters().polls_timed_out, 3);
    });
}

#[test]
fn wt_7_only_signalled_sockets_come_back() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handles = [two.bound(2000), two.bound(2001), two.bound(2002)];
        let wanted = handles.map(|handle| (handle, RECEIVE));
        let mut pending = two.select(handles[0], LONG, &wanted);
        assert_eq!(pending.result().0, NtStatus::PENDING);
        one.send_to(sender, at(2, 2001), b"x");
        assert_eq!(pending.result(), (NtStatus::SUCCESS, poll_size(1)));
        assert_eq!(seen(&mut pending), [(handles[1], RECEIVE)]);
        one.send_to(sender, at(2, 2002), b"x");
        let mut at_once = two.select(handles[0], LONG, &wanted);
        assert_eq!(at_once.result(), (NtStatus::SUCCESS, poll_size(2)));
        assert_eq!(
            seen(&mut at_once),
            [(handles[1], RECEIVE), (handles[2], RECEIVE)]
        );
    });
}

#[test]
fn wt_10_any_handle_serves_to_poll_another() {
    on_two_hosts(|one, _| {
        let opened = one
            .request(MajorFunction::Create, Handle::NULL, |_| ())
            .result();
        let device = Handle::from_raw(opened.1 as u64);
        let handle = one.create();
        let mut ticket = one.select(device, 0, &[(handle, ALL), (device, ALL)]);
        assert_eq!(seen(&mut ticket), [(handle, SEND)]);
    });
}

#[test]
fn wt_13_what_a_pending_receive_eats_does_not_signal() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        let mut poll = two.select(handle, LONG, &[(handle, RECEIVE)]);
        let mut receive = two.receive(handle, 10);
        one.send_to(sender, at(2, 2000), b"eaten");
        assert_eq!(data(&mut receive), b"eaten");
        assert_eq!(poll.result().0, NtStatus::PENDING);
        one.send_to(sender, at(2, 2000), b"seen");
        assert_eq!(seen(&mut poll), [(handle, RECEIVE)]);
    });
}

#[test]
fn wt_19_closing_the_polled_socket_is_seen_whatever_was_asked() {
    on_two_hosts(|_, two| {
        let handle = two.bound(2000);
        let other = two.bound(2001);
        let mut own = two.select(handle, LONG, &[(handle, PollEvents::empty())]);
        let mut foreign = two.select(other, LONG, &[(other, RECEIVE), (handle, RECEIVE)]);
        two.clean_up(handle);
        for ticket in [&mut own, &mut foreign] {
            assert_eq!(ticket.result(), (NtStatus::SUCCESS, poll_size(1)));
            assert_eq!(seen(ticket), [(handle, PollEvents::LOCAL_CLOSE)]);
        }
        drop((own, foreign));
        two.close(handle);
        two.close(other);
        two.assert_level();
    });
}

#[test]
fn wt_20_closing_the_issuing_handle_ends_the_poll_of_another() {
    on_two_hosts(|_, two| {
        let (issuer, polled) = (two.bound(2000), two.bound(2001));
        let mut ticket = two.select(issuer, i64::MAX, &[(polled, RECEIVE)]);
        two.close(issuer);
        assert_eq!(ticket.result(), (NtStatus::TIMEOUT, POLL_HEADER_SIZE));
        assert_eq!(seen(&mut ticket), []);
        drop(ticket);
        two.close(polled);
        two.assert_level();
    });
}

#[test]
fn wt_22_the_same_handle_thrice_comes_back_thrice() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        two.connect(handle, at(1, 1000));
        let wanted = [
            (handle, SEND),
            (handle, SEND | RECEIVE),
            (handle, SEND | PollEvents::CONNECT),
        ];
        let mut ticket = two.select(handle, LONG, &wanted);
        let expected = [
            (handle, SEND),
            (handle, SEND),
            (handle, SEND | PollEvents::CONNECT),
        ];
        assert_eq!(seen(&mut ticket), expected);
        let mut pending = two.select(handle, LONG, &[(handle, RECEIVE), (handle, RECEIVE)]);
        assert_eq!(pending.result().0, NtStatus::PENDING);
        one.send_to(sender, at(2, 2000), b"x");
        assert_eq!(
            seen(&mut pending),
            [(handle, RECEIVE)],
            "after waiting once"
        );
    });
}

#[test]
fn wt_24_a_datagram_socket_is_writable_bound_or_not() {
    on_two_hosts(|one, _| {
        for handle in [one.create(), one.bound(7)] {
            let mut ticket = one.select(handle, LONG, &[(handle, ALL)]);
            assert_eq!(seen(&mut ticket), [(handle, SEND)]);
        }
    });
}

#[test]
fn wt_25_connecting_a_datagram_socket_signals_connect() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let mut ticket = one.select(handle, LONG, &[(handle, PollEvents::CONNECT)]);
        assert_eq!(ticket.result().0, NtStatus::PENDING);
        one.connect(handle, at(2, 7));
        assert_eq!(seen(&mut ticket), [(handle, PollEvents::CONNECT)]);
    });
}

#[test]
fn wt_27_to_29_an_exclusive_poll_ends_only_an_exclusive_main_poll() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let submit = |exclusive| {
            let input = poll_payload(i64::MAX, exclusive, &[(handle, RECEIVE)]);
            one.control(handle, ControlCode::SELECT, &input, input.len())
        };
        let pending = NtStatus::PENDING;
        let first = submit(true);
        let bystander = submit(false);
        assert_eq!((first.result().0, bystander.result().0), (pending, pending));
        let second = submit(true);
        assert_eq!(first.result(), (NtStatus::SUCCESS, POLL_HEADER_SIZE));
        assert_eq!(
            (bystander.result().0, second.result().0),
            (pending, pending)
        );
        drop((first, bystander, second));

        let main = submit(false);
        let exclusive = [submit(true), submit(true)];
        assert_eq!(main.result().0, pending);
        assert!(exclusive.iter().all(|ticket| ticket.result().0 == pending));
    });
}

#[test]
fn a_poll_is_level_triggered() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        one.send_to(sender, at(2, 2000), b"x");
        for _ in 0..3 {
            let mut ticket = two.select(handle, LONG, &[(handle, RECEIVE)]);
            assert_eq!(seen(&mut ticket), [(handle, RECEIVE)]);
        }
        two.receive_now(handle).unwrap();
        let mut ticket = two.select(handle, 0, &[(handle, RECEIVE)]);
        assert_eq!(seen(&mut ticket), []);
    });
}

#[test]
fn one_event_ends_every_poll_that_waits_for_it() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let (handle, other) = (two.bound(2000), two.bound(2001));
        let wanted = [(other, RECEIVE), (handle, RECEIVE)];
        let mut tickets = [(); 5].map(|()| two.select(other, LONG, &wanted));
        one.send_to(sender, at(2, 2000), b"x");
        for ticket in &mut tickets {
            assert_eq!(seen(ticket), [(handle, RECEIVE)]);
        }
        two.look(|afd, _| assert_eq!(afd.usage().poll_registrations.used, 0));
    });
}

#[test]
fn a_cancelled_poll_ends_with_cancelled() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let ticket = one.select(handle, LONG, &[(handle, RECEIVE)]);
        assert!(ticket.cancel());
        assert_eq!(ticket.result(), (NtStatus::CANCELLED, 0));
        one.look(|afd, _| {
            assert_eq!(afd.usage().poll_registrations.used, 0);
            assert_eq!(afd.next_deadline(), None);
        });
    });
}

#[test]
fn polls_beyond_the_room_for_registrations_are_refused_whole() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let wanted = [(handle, RECEIVE); 40];
        let waiting = [
            one.select(handle, LONG, &wanted),
            one.select(handle, LONG, &wanted),
        ];
        let refused = one.select(handle, LONG, &wanted);
        assert_eq!(refused.result(), (NtStatus::INSUFFICIENT_RESOURCES, 0));
        assert!(
            waiting
                .iter()
                .all(|ticket| ticket.result().0 == NtStatus::PENDING)
        );
        one.look(|afd, _| assert_eq!(afd.usage().poll_registrations.used, 80));
        drop((waiting, refused));
        one.close(handle);
        one.assert_level();
    });
}

#[test]
fn a_poll_survives_the_closing_of_a_duplicate() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        let duplicate = two.duplicate(handle);
        let mut ticket = two.select(handle, LONG, &[(duplicate, RECEIVE)]);
        two.close(duplicate);
        assert_eq!(ticket.result().0, NtStatus::PENDING);
        one.send_to(sender, at(2, 2000), b"x");
        assert_eq!(seen(&mut ticket), [(duplicate, RECEIVE)]);
    });
}

#[test]
fn more_than_64_handles_are_refused() {
    let payload = [
        &0_i64.to_le_bytes()[..],
        &65_u32.to_le_bytes(),
        &[0; 4 + 65 * 16],
    ]
    .concat();
    assert_eq!(PollInfo::parse(&payload), Err(NtStatus::INVALID_PARAMETER));
}
