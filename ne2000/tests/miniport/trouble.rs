//! What goes wrong with a card, as NDIS sees it.

use ndis::{NdisStatus, Oid};
use ne2000::model::{Configuration, Faults, Transmission};
use ne2000::registers::InterruptStatus;

use crate::world::{frame, lock, with_card};

const PEER: [u8; 6] = [0x02, 0, 0, 0, 0, 9];

fn manual() -> Configuration {
    Configuration {
        transmit_accesses: None,
        ..Configuration::NE2000
    }
}

#[test]
fn overwrite_warning_is_recovered_from_by_the_timer() {
    with_card(manual(), |mut world, model| {
        let adapter = world.start();
        world.bind();
        let own = adapter.hardware_address().0;
        // More than the ring holds, before the processor looks at any.
        let burst: Vec<_> = (0..12).map(|seed| frame(own, 1514, seed)).collect();
        world.burst(&model, &burst);
        assert!(model.fate().missed > 0);
        world.sleep(5);
        let stored = model.fate().stored as usize;
        assert_eq!(world.observer.take_frames(), burst[..stored]);
        let next = frame(own, 700, 50);
        world.receives(&model, &next);
        assert!(model.take_violations().is_empty());
    });
}

#[test]
fn sends_during_a_recovery_wait_for_its_end() {
    with_card(manual(), |mut world, model| {
        world.start();
        let binding = world.bind();
        model.raise(InterruptStatus::OVERWRITE_WARNING);
        world.sleep(0);
        let sent = frame(PEER, 100, 1);
        assert_eq!(world.send(&binding, &sent), NdisStatus::PENDING);
        world.sleep(5);
        model.end_transmission();
        world.sleep(1);
        assert_eq!(model.take_sent(), [sent]);
        assert_eq!(*lock(&world.observer.sent), [NdisStatus::SUCCESS]);
    });
}

#[test]
fn hanging_transmission_is_found_and_the_card_is_reset() {
    with_card(manual(), |mut world, model| {
        let adapter = world.start();
        let binding = world.bind();
        model.plan_transmissions([Transmission::Hangs]);
        for seed in 0..4 {
            assert!(world.send(&binding, &frame(PEER, 60, seed)).is_success());
        }
        model.end_transmission();
        world.sleep(3000);
        let statuses = std::mem::take(&mut *lock(&world.observer.statuses));
        assert_eq!(statuses, [NdisStatus::RESET_START, NdisStatus::RESET_END]);
        for _ in 0..4 {
            model.end_transmission();
            world.sleep(1);
        }
        // The two that were on the card are lost, the two that waited are not.
        let sent = model.take_sent();
        assert!(sent.contains(&frame(PEER, 60, 3)), "{sent:?}");
        // Filter and address survived.
        let wanted = frame(adapter.hardware_address().0, 100, 9);
        world.receives(&model, &wanted);
    });
}

#[test]
fn lost_interrupt_costs_two_seconds_not_the_card() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        let wanted = frame(adapter.hardware_address().0, 100, 1);
        model.set_faults(Faults {
            lost_edges: 1,
            ..Faults::default()
        });
        model.inject(&wanted);
        world.sleep(1);
        assert!(world.observer.take_frames().is_empty());
        world.sleep(4000);
        assert_eq!(world.observer.take_frames(), [wanted]);
        assert!(lock(&world.observer.statuses).is_empty());
    });
}

#[test]
fn broken_ring_is_reset_at_once() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        let own = adapter.hardware_address().0;
        for seed in 0..3 {
            model.corrupt_next_header(|header| header[1] = 0);
            model.inject(&frame(own, 60, seed));
            world.sleep(1);
        }
        let wanted = frame(own, 100, 9);
        world.receives(&model, &wanted);
    });
}

#[test]
fn removed_card_is_reported_once_and_its_sends_fail() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        let binding = world.bind();
        model.set_faults(Faults {
            absent: true,
            ..Faults::default()
        });
        world.sleep(10_000);
        let statuses = std::mem::take(&mut *lock(&world.observer.statuses));
        assert_eq!(statuses, [NdisStatus::MEDIA_DISCONNECT]);
        assert_eq!(
            world.send(&binding, &frame(PEER, 60, 1)),
            NdisStatus::ADAPTER_REMOVED
        );
        let _ = world.ndis.reset_adapter(&adapter);
        world.sleep(1);
        assert_eq!(*lock(&world.observer.resets), [NdisStatus::ADAPTER_REMOVED]);
        // Put back in, a reset brings it up.
        model.set_faults(Faults::default());
        assert!(world.ndis.reset_adapter(&adapter).is_success());
        world.sleep(1);
        assert!(lock(&world.observer.statuses).contains(&NdisStatus::MEDIA_CONNECT));
        let wanted = frame(adapter.hardware_address().0, 100, 9);
        world.receives(&model, &wanted);
        let sent = frame(PEER, 60, 2);
        assert_eq!(world.send(&binding, &sent), NdisStatus::SUCCESS);
        assert_eq!(model.take_sent(), [sent]);
    });
}

#[test]
fn interrupt_status_stuck_at_any_value_does_not_stop_the_machine() {
    let single_bits = (0..8).map(|bit| 1 << bit);
    for stuck in single_bits.chain([0x11, 0x35, 0x3F, 0x55, 0x7F, 0xAA, 0xFE, 0xFF]) {
        with_card(Configuration::QEMU, move |mut world, model| {
            let adapter = world.start();
            world.bind();
            let own = adapter.hardware_address().0;
            let wanted = frame(own, 100, 1);
            let raised = world
                .machine
                .executive()
                .raise_irql(executive::Irql::Dispatch);
            model.set_faults(Faults {
                stuck_status: stuck,
                ..Faults::default()
            });
            model.inject(&wanted);
            drop(raised);
            world.sleep(5);
            assert_eq!(
                world.observer.take_frames(),
                [wanted],
                "stuck at {stuck:#x}"
            );
            // However long it lasts, the deferred half comes to rest.
            model.take_accesses();
            world.sleep(1000);
            let accesses = model.take_accesses().total();
            assert!(
                accesses < 60_000,
                "stuck at {stuck:#x}: {accesses} in a second"
            );
            // Mended, the card is its old self after the next look at it.
            model.set_faults(Faults::default());
            world.sleep(5000);
            let wanted = frame(own, 100, 2);
            model.inject(&wanted);
            world.sleep(1);
            assert_eq!(
                world.observer.take_frames(),
                [wanted],
                "stuck at {stuck:#x}"
            );
        });
    }
}

#[test]
fn overwritten_frame_is_not_handed_to_the_protocol() {
    with_card(Configuration::QEMU, |mut world, model| {
        let adapter = world.start();
        world.bind();
        let own = adapter.hardware_address().0;
        // A lap of the ring in the middle of the transfer of a frame.
        let raised = world
            .machine
            .executive()
            .raise_irql(executive::Irql::Dispatch);
        model.inject(&frame(own, 1514, 0));
        model.take_accesses();
        let since: Vec<_> = (20..24).map(|seed| frame(own, 1514, seed)).collect();
        let fill = [frame(own, 60, 1)].into_iter();
        let fill = fill.chain((2..20).map(|seed| frame(own, 1514, seed)));
        for frame in fill.chain(since.iter().cloned()) {
            // Interrupt status and mask, status, acknowledge, CURR, address and
            // first bytes: then comes the transfer.
            model.inject_after(2 + 1 + 1 + 3 + 3, frame);
        }
        drop(raised);
        world.sleep(1);
        assert_eq!(model.fate().laps, 1);
        assert_eq!(world.observer.take_frames(), since);
        assert_eq!(*lock(&world.observer.refused), 1, "a transfer failed");
        let no_buffer = world.query_number(adapter, Oid::GEN_RCV_NO_BUFFER);
        assert_eq!(no_buffer, 1);
    });
}
