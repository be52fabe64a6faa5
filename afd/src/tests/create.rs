use executive::NtStatus;

use super::support::{DATAGRAMS, on_two_hosts, on_two_hosts_with};
use crate::ioctl::{
    ControlCode, EndpointFlags, InformationClass, OpenPacket, PollEvents, RAW_DEVICE, TCP_DEVICE,
    UDP_DEVICE,
};
use crate::{DEFAULT_WINDOW_SIZE, Handle, MajorFunction, State};

#[test]
fn seed_38_one_dispatch_serves_every_major_function() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let receiver = two.bound(2000);
        assert_eq!(
            one.try_connect(sender, super::support::at(2, 2000)),
            NtStatus::SUCCESS
        );
        let read = two.request(MajorFunction::Read, receiver, |request| {
            request.output_length = 9;
        });
        let data = one.payload(b"datagram");
        let written = one.request(MajorFunction::Write, sender, |request| {
            request.data = Some(data);
        });
        assert_eq!(written.result(), (NtStatus::SUCCESS, 8));
        assert_eq!(read.result(), (NtStatus::SUCCESS, 8));
        drop((written, read));
        assert_eq!(
            (one.try_close(sender), two.try_close(receiver)),
            (NtStatus::SUCCESS, NtStatus::SUCCESS)
        );
        one.assert_level();
        two.assert_level();
    });
}

#[test]
fn a_read_longer_than_its_room_is_a_buffer_too_small() {
    on_two_hosts(|one, two| {
        let (sender, receiver) = (one.bound(1000), two.bound(2000));
        one.send_to(sender, super::support::at(2, 2000), b"datagram");
        let read = two.request(MajorFunction::Read, receiver, |request| {
            request.output_length = 7;
        });
        assert_eq!(read.result(), (NtStatus::BUFFER_TOO_SMALL, 8));
    });
}

#[test]
fn unknown_control_codes_are_not_supported_and_counted() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let foreign = [ControlCode(0), ControlCode(0x12002), ControlCode(u32::MAX)];
        for code in foreign.into_iter().chain([ControlCode::START_LISTEN]) {
            assert_eq!(
                one.control(handle, code, &[], 0).result(),
                (NtStatus::NOT_SUPPORTED, 0)
            );
        }
        assert_eq!(one.counters().unsupported, 4);
    });
}

#[test]
fn seed_39_a_new_endpoint_has_six_empty_lists_and_is_writable() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        one.look(|afd, _| {
            let endpoint = afd.handles.endpoint(handle).unwrap();
            let block = afd.endpoints.get(endpoint).unwrap();
            assert_eq!(crate::endpoint::Queue::ALL.len(), 6);
            for queue in crate::endpoint::Queue::ALL {
                assert!(block.queues.get(queue).is_empty());
            }
            assert_eq!(block.state, State::Created);
            assert_eq!(block.poll_events(), PollEvents::SEND);
        });
    });
}

#[test]
fn seed_40_windows_have_16384_bytes() {
    on_two_hosts(|one, _| {
        assert_eq!(DEFAULT_WINDOW_SIZE, 16384);
        let handle = one.create();
        for class in [
            InformationClass::RECEIVE_WINDOW,
            InformationClass::SEND_WINDOW,
        ] {
            assert_eq!(one.get_info(handle, class), Ok(16384));
        }
    });
}

#[test]
fn the_transport_is_named_without_regard_to_case() {
    on_two_hosts(|one, _| {
        assert_eq!(one.open(DATAGRAMS, "\\device\\UDP").0, NtStatus::SUCCESS);
        for device in [
            TCP_DEVICE,
            RAW_DEVICE,
            "\\Device\\Udp2",
            "Udp",
            "\\Device\\Ünknown",
        ] {
            let status = one.open(DATAGRAMS, device).0;
            assert_eq!(status, NtStatus::PROTOCOL_NOT_SUPPORTED, "{device}");
        }
    });
}

#[test]
fn flags_that_do_not_go_with_the_transport_are_refused() {
    on_two_hosts(|one, _| {
        for flags in [
            EndpointFlags::empty(),
            EndpointFlags::CONNECTIONLESS,
            EndpointFlags::MESSAGE_ORIENTED,
            DATAGRAMS | EndpointFlags::RAW,
        ] {
            assert_eq!(one.open(flags, UDP_DEVICE).0, NtStatus::INVALID_PARAMETER);
        }
        one.assert_level();
    });
}

#[test]
fn a_short_open_packet_is_an_invalid_parameter() {
    on_two_hosts(|one, _| {
        let mut packet = [0; 64];
        let length = OpenPacket::encode(&mut packet, DATAGRAMS, 0, UDP_DEVICE).unwrap();
        for cut in 1..length {
            let ticket = one.request(MajorFunction::Create, Handle::NULL, |request| {
                request.input.copy_from(&packet[..cut]).unwrap();
            });
            assert_eq!(
                ticket.result().0,
                NtStatus::INVALID_PARAMETER,
                "{cut} bytes"
            );
        }
        one.assert_level();
    });
}

#[test]
fn a_handle_to_the_device_itself_takes_no_part_in_transfers() {
    on_two_hosts(|one, _| {
        let opened = one
            .request(MajorFunction::Create, Handle::NULL, |_| ())
            .result();
        assert_eq!(opened.0, NtStatus::SUCCESS);
        let handle = Handle::from_raw(opened.1 as u64);
        let address = super::support::anywhere(7);
        let invalid = NtStatus::INVALID_PARAMETER;
        assert_eq!(
            one.try_bind_as(handle, crate::ioctl::ShareType::Unique, address),
            invalid
        );
        assert_eq!(one.receive(handle, 10).result().0, invalid);
        assert_eq!(
            one.try_send_to(handle, super::support::at(2, 7), b"").0,
            invalid
        );
        assert_eq!(one.try_connect(handle, super::support::at(2, 7)), invalid);
        assert_eq!(one.try_close(handle), NtStatus::SUCCESS);
        one.assert_level();
    });
}

#[test]
fn without_a_cancel_routine_nothing_may_wait() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        one.look(|afd, _| afd.cancel_routine = None);
        assert_eq!(
            one.receive(handle, 10).result(),
            (NtStatus::DEVICE_NOT_READY, 0)
        );
        one.close(handle);
        one.assert_level();
    });
}

#[test]
fn full_tables_are_insufficient_resources_and_counted() {
    on_two_hosts(|one, _| {
        let endpoints = super::support::CONFIGURATION.endpoints;
        let handles: alloc::vec::Vec<_> = (0..endpoints).map(|_| one.create()).collect();
        assert_eq!(
            one.open(DATAGRAMS, UDP_DEVICE).0,
            NtStatus::INSUFFICIENT_RESOURCES
        );
        let mut duplicates = alloc::vec::Vec::new();
        let refused = loop {
            let ticket = one.request(MajorFunction::DuplicateHandle, handles[0], |_| ());
            match ticket.result() {
                (NtStatus::SUCCESS, raw) => duplicates.push(Handle::from_raw(raw as u64)),
                (status, _) => break status,
            }
        };
        assert_eq!(refused, NtStatus::INSUFFICIENT_RESOURCES);
        let usage = one.look(|afd, _| afd.usage());
        assert_eq!((usage.endpoints.failures, usage.handles.failures), (1, 1));
        assert_eq!(usage.handles.used, usage.handles.size);
        for handle in handles.into_iter().chain(duplicates) {
            assert_eq!(one.try_close(handle), NtStatus::SUCCESS);
        }
        one.assert_level();
    });
}

#[test]
fn an_endpoint_that_is_closed_leaves_its_room_to_the_next() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        // More than there are endpoints, each with something unread.
        for _ in 0..=super::support::CONFIGURATION.endpoints {
            let handle = two.bound(2000);
            assert_eq!(two.receive_now(handle), Err(NtStatus::CANT_WAIT));
            for text in [b"read", b"left"] {
                one.send_to(sender, super::support::at(2, 2000), text);
            }
            assert_eq!(two.receive_now(handle), Ok(b"read".to_vec()));
            two.close(handle);
        }
        two.look(|afd, _| assert_eq!(afd.usage().datagrams.used, 0));
    });
}

#[test]
fn an_endpoint_without_a_handle_leaves_its_room_to_the_next() {
    let configuration = crate::AfdConfiguration {
        handles: 1,
        ..super::support::CONFIGURATION
    };
    on_two_hosts_with(0, &configuration, move |one, _| {
        let first = one.create();
        for _ in 0..=configuration.endpoints {
            let (refused, _) = one.open(DATAGRAMS, UDP_DEVICE);
            assert_eq!(refused, NtStatus::INSUFFICIENT_RESOURCES);
        }
        one.close(first);
        one.bound(1000);
    });
}
