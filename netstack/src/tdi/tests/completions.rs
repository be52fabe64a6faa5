//! Completions that a client leaves to be fetched later.

use executive::status::NtStatus;
use proptest::prelude::*;

use super::super::{ReceiveRequest, RequestId, ShareAccess, Transport};
use super::open;
use crate::StackConfiguration;
use crate::tests::support::{Host, OUR_HARDWARE, OUR_IP, udp, udp_frame};

/// A host with `objects` that get everything for port 7, each with a receive
/// that stays posted, and places for `requests`.
fn listening(objects: usize, requests: usize) -> Host {
    let mut host = Host::with(&StackConfiguration {
        requests,
        ..StackConfiguration::default()
    });
    for id in 0..objects {
        let object = open(&mut host, Transport::Udp, [0; 4], 7, ShareAccess::Reuse);
        let staying = ReceiveRequest::new(100).staying_posted();
        let status =
            host.stack
                .receive_datagram(object.expect("an object"), RequestId(id as u64), staying);
        assert_eq!(status, NtStatus::PENDING);
    }
    host
}

proptest! {
    #[test]
    fn a_client_that_fetches_completions_when_they_may_not_wait_loses_nothing(
        objects in 1..6_usize,
        places in 0..20_usize,
        most in 0..9_usize,
        frames in 0..30_usize,
    ) {
        let mut host = listening(objects, 2 * objects + places);
        let mut fetched = 0;
        for _ in 0..frames {
            if !host.stack.completions_may_wait(most) {
                fetched += host.completions().len();
            }
            prop_assert!(host.stack.completions_may_wait(most));
            host.receive(&udp(9, 7, b"hello"));
        }
        fetched += host.completions().len();
        prop_assert_eq!(fetched, frames * objects);
        prop_assert_eq!(host.stack.counters().tdi.dropped_no_receive, 0);
    }
}

#[test]
fn completions_may_wait_for_a_frame_and_what_is_received_with_it() {
    let mut host = listening(1, 6);
    let looped = udp_frame(OUR_HARDWARE, (OUR_IP, 9), (OUR_IP, 7), b"to myself");
    for may_wait in [true, true, true, false] {
        assert_eq!(host.stack.completions_may_wait(0), may_wait);
        let mut packet = host.pool.allocate(0).expect("a packet");
        assert!(packet.append_slice(&looped[14..]));
        assert!(host.stack.ip.loopback.push(packet).is_ok());
    }
    host.receive(&udp(4000, 7, b"from the wire"));
    assert_eq!(host.completions().len(), 5);
    assert_eq!(host.stack.counters().tdi.dropped_no_receive, 0);
}
