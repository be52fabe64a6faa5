//! What the stack gets of what comes.

use ndis::{Medium, NdisStatus};
use proptest::prelude::*;

use super::card::Way;
use super::machine::{lock, run};
use super::{bound, counter};
use crate::lan::receive::{check, is_ours};
use crate::lan::{LanBinding, LanEvent};
use crate::tests::support::udp;

#[test]
fn seed_20_any_length_of_lookahead_is_copied() {
    run(8, |machine| {
        bound(machine);
        for length in 0..=100 {
            // Unlike the one before, whose buffer it gets.
            let bytes: [u8; 200] = core::array::from_fn(|index| (index * 3 + length) as u8);
            let frame = udp(9, 7, &bytes);
            machine.receive(Way::Lookahead(length), &[&frame]);
            assert_eq!(machine.frames(), [&frame[..]], "{length} bytes");
            let transfer = (length, frame.len() - 14 - length);
            assert_eq!(lock(&machine.card.transfers).pop(), Some(transfer));
        }
    });
}

#[test]
fn frames_and_what_bindings_tell_are_taken_in_the_order_they_came() {
    run(2, |machine| {
        let first = bound(machine);
        *lock(&machine.takes) = false;
        let frame = udp(9, 7, b"hello");
        for _ in 0..3 {
            machine.receive(Way::Lookahead(46), &[&frame, &frame, &frame]);
        }
        machine.ndis.stop_device(&machine.adapter).expect("stopped");
        machine.settle();
        assert_eq!(counter(machine, "dropped_queue_full"), 7);
        let mut events = machine.lan.events();
        for _ in 0..2 {
            let event = events.next();
            assert!(
                matches!(event, Some(LanEvent::Frame { binding, .. }) if binding == first),
                "{event:?}"
            );
        }
        let event = events.next();
        assert!(
            matches!(event, Some(LanEvent::Unbound { binding }) if binding == first),
            "{event:?}"
        );
        assert!(events.next().is_none());
        drop(events);
        assert_eq!(machine.lan.queued_frames(), 0);
        assert_eq!(machine.pool.usage().packets.used, 0);
    });
}

#[test]
fn seed_19_a_stopped_adapter_takes_no_frames() {
    run(8, |machine| {
        let binding = bound(machine);
        machine.ndis.stop_device(&machine.adapter).expect("stopped");
        machine.settle();
        let closed = machine.lan.send(
            binding,
            machine.pool.allocate(14).expect("the pool has packets"),
        );
        assert_eq!(closed, NdisStatus::CLOSING);
        machine
            .ndis
            .start_device(&machine.adapter)
            .expect("started");
        machine.settle();
        let again = bound(machine);
        let frame = udp(9, 7, b"hello");
        machine.receive(Way::Lookahead(46), &[&frame]);
        let events = machine.events();
        assert!(
            matches!(&events[..], [LanEvent::Frame { binding, .. }] if *binding == again),
            "{events:?}"
        );
    });
}

proptest! {
    #[test]
    fn seed_19_the_short_check_finds_what_the_long_one_does(
        mut header in proptest::collection::vec(any::<u8>(), 0..20),
        is_known in any::<bool>(),
    ) {
        if let Some(ether_type) = header.get_mut(12..14).filter(|_| is_known) {
            ether_type[0] = 8;
            ether_type[1] &= 7;
        }
        let binding = LanBinding::new(0, 1);
        let ethernet = Some((binding, Medium::Ieee802_3 as u32));
        prop_assert_eq!(is_ours(&header), check(ethernet, &header).is_ok());
    }
}

#[test]
fn each_frame_indicated_is_counted_once_and_at_once() {
    run(2, |machine| {
        bound(machine);
        let frame = udp(9, 7, &[b'x'; 200]);
        let mut refused = frame.clone();
        refused[13] = 1;
        let indicated = || counter(machine, "indicated");
        for (count, (way, frame)) in (1..).zip([
            (Way::Lookahead(46), &frame),
            (Way::Lookahead(46), &refused),
            (Way::Lookahead(500), &frame),
            (Way::Packet, &frame),
            (Way::FailingTransfer(46), &frame),
            (Way::PendingTransfer(46), &frame),
            (Way::PendingFailure(46), &frame),
        ]) {
            machine.receive(way, &[frame]);
            assert_eq!(indicated(), count, "{way:?}");
        }
        machine.interrupt();
        assert_eq!((indicated(), counter(machine, "queued")), (7, 4));
        *lock(&machine.takes) = false;
        machine.receive(Way::Lookahead(46), &[&frame, &frame, &frame]);
        assert_eq!((indicated(), counter(machine, "queued")), (10, 6));
        assert_eq!(counter(machine, "dropped_queue_full"), 1);
    });
}
