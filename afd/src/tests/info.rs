use executive::NtStatus;

use super::support::{at, on_two_hosts};
use crate::MAXIMUM_DATAGRAM_SIZE;
use crate::ioctl::{ControlCode, Information, InformationClass};

#[test]
fn values_that_can_be_set_are_read_back() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        for (class, value) in [
            (InformationClass::BLOCKING, 0),
            (InformationClass::BLOCKING, 1),
            (InformationClass::BROADCAST, 1),
            (InformationClass::RECEIVE_WINDOW, 100_000),
            (InformationClass::SEND_WINDOW, 0),
        ] {
            assert_eq!(one.try_set_info(handle, class, value), NtStatus::SUCCESS);
            assert_eq!(one.get_info(handle, class), Ok(value), "{class:?}");
        }
    });
}

#[test]
fn values_that_describe_cannot_be_set() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        assert_eq!(
            one.get_info(handle, InformationClass::MAX_SEND_SIZE),
            Ok(MAXIMUM_DATAGRAM_SIZE as u64)
        );
        assert_eq!(one.get_info(handle, InformationClass::GROUP), Ok(0));
        for class in [
            InformationClass::MAX_SEND_SIZE,
            InformationClass::SENDS_IN_PROGRESS,
            InformationClass::RECEIVE_CONTENT,
            InformationClass::GROUP,
            InformationClass::ERROR,
            InformationClass(0),
            InformationClass(u32::MAX),
        ] {
            assert_eq!(
                one.try_set_info(handle, class, 1),
                NtStatus::INVALID_PARAMETER,
                "{class:?}"
            );
        }
        let unknown = one.get_info(handle, InformationClass(99));
        assert_eq!(unknown, Err(NtStatus::INVALID_PARAMETER));
    });
}

#[test]
fn windows_beyond_31_bits_are_refused() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        for value in [1 << 31, u64::MAX] {
            let status = one.try_set_info(handle, InformationClass::RECEIVE_WINDOW, value);
            assert_eq!(status, NtStatus::INVALID_PARAMETER);
        }
    });
}

#[test]
fn short_payloads_and_short_room_are_refused() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let payload = [6; Information::SIZE];
        for cut in 0..Information::SIZE {
            for code in [ControlCode::GET_INFO, ControlCode::SET_INFO] {
                let ticket = one.control(handle, code, &payload[..cut], Information::SIZE);
                assert_eq!(ticket.result().0, NtStatus::INVALID_PARAMETER);
            }
        }
        for room in 0..Information::SIZE {
            let ticket = one.control(handle, ControlCode::GET_INFO, &payload, room);
            assert_eq!(ticket.result().0, NtStatus::BUFFER_TOO_SMALL);
        }
    });
}

#[test]
fn receive_content_is_all_that_waits() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        let content = || two.get_info(handle, InformationClass::RECEIVE_CONTENT);
        assert_eq!(content(), Ok(0));
        one.send_to(sender, at(2, 2000), b"four");
        one.send_to(sender, at(2, 2000), b"seventy");
        assert_eq!(content(), Ok(11));
        two.receive_now(handle).unwrap();
        assert_eq!(content(), Ok(7));
    });
}

#[test]
fn broadcasts_need_permission_before_and_after_bind() {
    on_two_hosts(|one, two| {
        let listener = two.bound(2000);
        let limited = netstack::SocketAddress::new([255; 4].into(), 2000);
        let of_network = netstack::SocketAddress::new([10, 0, 0, 255].into(), 2000);
        let handle = one.bound(1000);
        for to in [limited, of_network] {
            assert_eq!(
                one.try_send_to(handle, to, b"all").0,
                NtStatus::ACCESS_DENIED
            );
        }
        one.set_info(handle, InformationClass::BROADCAST, 1);
        for to in [limited, of_network] {
            assert_eq!(one.try_send_to(handle, to, b"all"), (NtStatus::SUCCESS, 3));
            assert_eq!(two.receive_now(listener), Ok(b"all".to_vec()));
        }
        one.set_info(handle, InformationClass::BROADCAST, 0);
        assert_eq!(
            one.try_send_to(handle, limited, b"all").0,
            NtStatus::ACCESS_DENIED
        );
        let early = one.create();
        one.set_info(early, InformationClass::BROADCAST, 1);
        one.bind_as(
            early,
            crate::ioctl::ShareType::Unique,
            super::support::anywhere(1001),
        );
        assert_eq!(one.try_send_to(early, limited, b"all").0, NtStatus::SUCCESS);
    });
}
