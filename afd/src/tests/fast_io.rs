//! Fast I/O: what it carries out, and what it leaves to IRPs.

use alloc::vec;

use executive::NtStatus;
use netstack::tdi::ReceiveFlags;

use super::support::{at, data, on_two_hosts};
use crate::ioctl::InformationClass;
use crate::winsock::AfdDevice;
use crate::{Handle, MAXIMUM_DATAGRAM_SIZE};

const ANY: ReceiveFlags = ReceiveFlags::NORMAL;

#[test]
fn fast_receive_takes_datagrams_first_in_first_out_and_tells_those_that_do_not_fit() {
    on_two_hosts(|one, two| {
        let (sender, handle) = (one.bound(1000), two.bound(2000));
        for bytes in [b"first", b"other"] {
            one.send_to(sender, at(2, 2000), bytes);
        }
        let mut source = at(0, 0);
        let first = two.fast_receive(handle, 100, ANY, Some(&mut source));
        let first = first.expect("one waits");
        assert_eq!(first.status, NtStatus::SUCCESS);
        assert_eq!(first.packet.data(), b"first");
        assert_eq!(source, at(1, 1000));
        let second = two.fast_receive(handle, 3, ANY, None).expect("one waits");
        assert_eq!(second.status, NtStatus::BUFFER_OVERFLOW);
        assert_eq!(second.packet.data(), b"other");
        assert!(
            two.fast_receive(handle, 100, ANY, None).is_none(),
            "none waits"
        );
        let counters = two.counters();
        assert_eq!(
            (counters.fast_receives, counters.datagrams_delivered),
            (2, 2)
        );
        assert_eq!(counters.datagrams_truncated, 1);
        assert_eq!(counters.requests, counters.completions);
    });
}

#[test]
fn fast_receive_leaves_to_irps_what_has_to_wait_or_is_more_than_a_receive() {
    on_two_hosts(|one, two| {
        let (sender, handle) = (one.bound(1000), two.bound(2000));
        let mut waiting = two.receive(handle, 100);
        one.send_to(sender, at(2, 2000), b"for the one that waits");
        assert!(two.fast_receive(handle, 100, ANY, None).is_none());
        assert_eq!(data(&mut waiting), b"for the one that waits");
        drop(waiting);

        one.send_to(sender, at(2, 2000), b"stays");
        for flags in [ReceiveFlags::PEEK, ReceiveFlags::EXPEDITED] {
            assert!(two.fast_receive(handle, 100, ANY | flags, None).is_none());
        }
        assert!(two.fast_receive(Handle::NULL, 100, ANY, None).is_none());
        assert_eq!(two.receive_now(handle), Ok(b"stays".to_vec()));
        assert_eq!(two.counters().fast_receives, 0);
    });
}

#[test]
fn fast_receive_leaves_an_error_to_be_reported_by_an_irp() {
    on_two_hosts(|one, two| {
        let handle = one.bound(1000);
        one.connect(handle, at(2, 9));
        // Nobody has the port, and the other host says so.
        one.send_to(handle, at(2, 9), b"x");
        two.close(two.bound(2000));
        assert!(one.fast_receive(handle, 100, ANY, None).is_none());
        assert!(
            one.receive_now(handle)
                .is_err_and(|status| status != NtStatus::CANT_WAIT)
        );
    });
}

#[test]
fn fast_send_sends_as_an_irp_would() {
    on_two_hosts(|one, two| {
        let (sender, handle) = (one.bound(1000), two.bound(2000));
        let sent = one.fast_send(sender, Some(at(2, 2000)), one.payload(b"fast"));
        assert!(matches!(sent, Ok(NtStatus::SUCCESS)));
        one.connect(sender, at(2, 2000));
        let sent = one.fast_send(sender, None, one.payload(b"to the peer"));
        assert!(matches!(sent, Ok(NtStatus::SUCCESS)));
        let refused = one.fast_send(sender, Some(at(2, 0)), one.payload(b"port 0"));
        assert!(matches!(refused, Ok(NtStatus::INVALID_ADDRESS)));
        assert_eq!(two.receive_now(handle), Ok(b"fast".to_vec()));
        assert_eq!(two.receive_now(handle), Ok(b"to the peer".to_vec()));
        let counters = one.counters();
        assert_eq!((counters.fast_sends, counters.datagrams_sent), (3, 2));
    });
}

#[test]
fn fast_send_gives_back_what_has_to_go_by_an_irp() {
    on_two_hosts(|one, two| {
        let unbound = one.create();
        let unconnected = one.bound(1000);
        let unbuffered = one.bound(1001);
        two.bound(2000);
        one.set_info(unbuffered, InformationClass::SEND_WINDOW, 0);
        let long = vec![0; MAXIMUM_DATAGRAM_SIZE + 1];
        let to = Some(at(2, 2000));
        for (handle, remote, bytes) in [
            (Handle::NULL, to, &b"no endpoint"[..]),
            (unbound, to, b"no address"),
            (unconnected, None, b"no peer"),
            (unbuffered, to, b"every caller waits for the transport"),
            (unconnected, to, &long),
        ] {
            let given_back = one.fast_send(handle, remote, one.payload(bytes));
            let length = given_back.map_err(|payload| payload.packet.len());
            assert_eq!(length, Err(bytes.len()));
        }
        assert_eq!(one.counters().fast_sends, 0);
    });
}
