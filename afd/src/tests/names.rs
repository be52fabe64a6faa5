//! BIND, CONNECT and the names of both ends.

use executive::NtStatus;

use super::support::{anywhere, at, data, on_two_hosts};
use crate::ioctl::{BindData, ConnectInfo, ControlCode, ShareType, TRANSPORT_ADDRESS_SIZE};

#[test]
fn seed_41_bind_makes_the_address_object_and_posts_one_receive() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        one.look(|_, stack| assert_eq!(stack.address_objects().count(), 0));
        assert_eq!(
            one.try_bind_as(handle, ShareType::Unique, anywhere(7)),
            NtStatus::SUCCESS
        );
        one.look(|_, stack| {
            let objects: alloc::vec::Vec<_> = stack.address_objects().collect();
            assert_eq!(objects.len(), 1);
            assert_eq!((objects[0].local, objects[0].receives), (anywhere(7), 1));
        });
    });
}

#[test]
fn seed_42_share_types_decide_who_shares_an_address() {
    use ShareType::{Exclusive, Reuse, Unique};
    let taken = NtStatus::SHARING_VIOLATION;
    let cases = [
        (Unique, Unique, taken),
        (Unique, Reuse, taken),
        (Reuse, Unique, taken),
        (Reuse, Reuse, NtStatus::SUCCESS),
        (Exclusive, Reuse, NtStatus::ACCESS_DENIED),
        (Exclusive, Unique, taken),
        (Reuse, Exclusive, taken),
    ];
    for (first, second, expected) in cases {
        on_two_hosts(move |one, _| {
            let (holder, other) = (one.create(), one.create());
            assert_eq!(one.try_bind_as(holder, first, at(1, 7)), NtStatus::SUCCESS);
            assert_eq!(
                one.try_bind_as(other, second, at(1, 7)),
                expected,
                "{first:?} {second:?}"
            );
        });
    }
}

#[test]
fn wt_48_a_bad_family_or_a_short_address_is_an_invalid_address() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let mut payload = [0; BindData::SIZE];
        BindData {
            share: ShareType::Unique,
            address: anywhere(7),
        }
        .encode(&mut payload)
        .unwrap();
        for cut in 4..BindData::SIZE {
            let ticket = one.control(handle, ControlCode::BIND, &payload[..cut], 0);
            assert_eq!(ticket.result().0, NtStatus::INVALID_ADDRESS, "{cut} bytes");
        }
        for (place, value) in [(4, 0), (8, 13), (10, 23)] {
            let mut bad = payload;
            bad[place] = value;
            let ticket = one.control(handle, ControlCode::BIND, &bad, 0);
            assert_eq!(ticket.result().0, NtStatus::INVALID_ADDRESS, "byte {place}");
        }
        let ticket = one.control(handle, ControlCode::BIND, &payload, 0);
        assert_eq!(ticket.result().0, NtStatus::SUCCESS);
    });
}

#[test]
fn an_unknown_share_type_is_an_invalid_parameter() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let mut payload = [0; BindData::SIZE];
        BindData {
            share: ShareType::Unique,
            address: anywhere(7),
        }
        .encode(&mut payload)
        .unwrap();
        payload[0] = 4;
        let ticket = one.control(handle, ControlCode::BIND, &payload, 0);
        assert_eq!(ticket.result().0, NtStatus::INVALID_PARAMETER);
    });
}

#[test]
fn wt_49_a_foreign_address_is_an_invalid_address_component() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let status = one.try_bind_as(handle, ShareType::Unique, at(2, 7));
        assert_eq!(status, NtStatus::INVALID_ADDRESS_COMPONENT);
    });
}

#[test]
fn wt_50_a_second_bind_is_already_associated() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let status = one.try_bind_as(handle, ShareType::Unique, anywhere(8));
        assert_eq!(status, NtStatus::ADDRESS_ALREADY_ASSOCIATED);
        assert_eq!(one.sock_name(handle), Ok(anywhere(7)));
    });
}

#[test]
fn wt_51_a_taken_port_is_a_sharing_violation() {
    on_two_hosts(|one, _| {
        one.bound(7);
        let status = one.try_bind_as(one.create(), ShareType::Unique, anywhere(7));
        assert_eq!(status, NtStatus::SHARING_VIOLATION);
    });
}

#[test]
fn wt_52_the_name_of_an_unbound_endpoint_and_short_room() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        assert_eq!(one.sock_name(handle), Err(NtStatus::INVALID_PARAMETER));
        one.bind_as(handle, ShareType::Unique, at(1, 7));
        for room in 0..TRANSPORT_ADDRESS_SIZE {
            let ticket = one.control(handle, ControlCode::GET_SOCK_NAME, &[], room);
            assert_eq!(ticket.result(), (NtStatus::BUFFER_TOO_SMALL, 0));
        }
        assert_eq!(one.sock_name(handle), Ok(at(1, 7)));
    });
}

#[test]
fn port_zero_becomes_an_ephemeral_port_that_bind_answers() {
    on_two_hosts(|one, _| {
        let handle = one.create();
        let data = BindData {
            share: ShareType::Wildcard,
            address: anywhere(0),
        };
        let room = TRANSPORT_ADDRESS_SIZE;
        let mut ticket = one.control_with(handle, ControlCode::BIND, room, |buffer| {
            data.encode(buffer)
        });
        assert_eq!(ticket.result(), (NtStatus::SUCCESS, room));
        let output = ticket.reply().unwrap().output.as_slice();
        let given = crate::ioctl::parse_transport_address(output).unwrap();
        assert!(given.port >= 49152);
        assert_eq!(one.sock_name(handle), Ok(given));
    });
}

#[test]
fn a_connected_endpoint_hears_only_its_peer() {
    on_two_hosts(|one, two| {
        let (peer, stranger) = (one.bound(1000), one.bound(1001));
        let handle = two.bound(2000);
        assert_eq!(two.peer_name(handle), Err(NtStatus::INVALID_CONNECTION));
        assert_eq!(two.try_connect(handle, at(1, 1000)), NtStatus::SUCCESS);
        assert_eq!(two.peer_name(handle), Ok(at(1, 1000)));
        assert_eq!(two.sock_name(handle), Ok(at(2, 2000)));
        one.send_to(stranger, at(2, 2000), b"stranger");
        one.send_to(peer, at(2, 2000), b"peer");
        assert_eq!(two.receive_now(handle), Ok(b"peer".to_vec()));
        assert_eq!(two.receive_now(handle), Err(NtStatus::CANT_WAIT));
    });
}

#[test]
fn connecting_to_nobody_ends_the_association() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1001);
        let handle = two.bound(2000);
        two.connect(handle, at(1, 1000));
        assert_eq!(two.try_connect(handle, anywhere(0)), NtStatus::SUCCESS);
        assert_eq!(two.peer_name(handle), Err(NtStatus::INVALID_CONNECTION));
        one.send_to(sender, at(2, 2000), b"anybody");
        let mut ticket = two.receive(handle, 100);
        assert_eq!(data(&mut ticket), b"anybody");
    });
}

#[test]
fn connect_needs_an_address_of_its_own_and_a_usable_peer() {
    on_two_hosts(|one, _| {
        let unbound = one.create();
        assert_eq!(
            one.try_connect(unbound, at(2, 7)),
            NtStatus::INVALID_PARAMETER
        );
        let handle = one.bound(7);
        assert_eq!(one.try_connect(handle, at(2, 0)), NtStatus::INVALID_ADDRESS);
        let mut payload = [0; ConnectInfo::SIZE];
        ConnectInfo { remote: at(2, 7) }
            .encode(&mut payload)
            .unwrap();
        for cut in 0..ConnectInfo::SIZE {
            let status = one
                .control(handle, ControlCode::CONNECT, &payload[..cut], 0)
                .result()
                .0;
            let expected = if cut < 12 {
                NtStatus::INVALID_PARAMETER
            } else {
                NtStatus::INVALID_ADDRESS
            };
            assert_eq!(status, expected, "{cut} bytes");
        }
    });
}
