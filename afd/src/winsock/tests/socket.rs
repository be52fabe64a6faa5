use alloc::vec::Vec;

use executive::NtStatus;

use super::{make, with_winsock};
use crate::Handle;
use crate::tests::support::{CONFIGURATION, anywhere, at, on_two_hosts};
use crate::winsock::constants::{
    AF_INET, AF_UNSPEC, FIONREAD, IPPROTO_TCP, IPPROTO_UDP, SO_REUSEADDR, SO_TYPE, SOCK_DGRAM,
    SOCK_STREAM, SOL_SOCKET,
};
use crate::winsock::{FdSet, Socket, WsaData, WsaError};

#[test]
fn wt_55_every_call_before_startup_is_not_initialised() {
    on_two_hosts(|one, _| {
        let winsock = make(one).winsock;
        let socket = Socket::from_handle(Handle::from_raw(1 << 32));
        let mut set = FdSet::from_iter([socket]);
        let (mut empty, mut other) = (FdSet::new(), FdSet::new());
        let errors = [
            winsock.cleanup().err(),
            winsock.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP).err(),
            winsock.bind(socket, anywhere(7)).err(),
            winsock.connect(socket, at(2, 7)).err(),
            winsock.send(socket, b"", 0).err(),
            winsock.sendto(socket, b"", 0, at(2, 7)).err(),
            winsock.recv(socket, &mut [], 0).err(),
            winsock.recvfrom(socket, &mut [], 0, None).err(),
            winsock.select(&mut set, &mut empty, &mut other, None).err(),
            winsock.closesocket(socket).err(),
            winsock.duplicate_socket(socket).err(),
            winsock.getsockname(socket).err(),
            winsock.getpeername(socket).err(),
            winsock.ioctlsocket(socket, FIONREAD, &mut 0).err(),
            winsock
                .setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &[0; 4])
                .err(),
            winsock
                .getsockopt(socket, SOL_SOCKET, SO_TYPE, &mut [0; 4])
                .err(),
        ];
        assert!(
            errors
                .iter()
                .all(|error| *error == Some(WsaError::NOTINITIALISED)),
            "{errors:?}"
        );
        assert_eq!(winsock.get_last_error(), Some(WsaError::NOTINITIALISED));
        assert_eq!(one.counters().requests, 0);
    });
}

#[test]
fn startup_negotiates_the_version_and_counts() {
    on_two_hosts(|one, _| {
        let winsock = make(one).winsock;
        assert_eq!(winsock.startup(0), Err(WsaError::VERNOTSUPPORTED));
        assert_eq!(winsock.startup(0x0300), Err(WsaError::VERNOTSUPPORTED));
        let data = |version| {
            Ok(WsaData {
                version,
                high_version: 0x0202,
            })
        };
        assert_eq!(winsock.startup(0x0101), data(0x0101));
        assert_eq!(winsock.startup(0x0003), data(0x0202));
        assert_eq!(winsock.cleanup(), Ok(()));
        assert!(
            winsock.socket(AF_INET, SOCK_DGRAM, 0).is_ok(),
            "one startup is left"
        );
        assert_eq!(winsock.cleanup(), Ok(()));
        assert_eq!(winsock.cleanup(), Err(WsaError::NOTINITIALISED));
    });
}

#[test]
fn wt_56_sockets_die_at_the_last_cleanup() {
    with_winsock(|one, _| {
        let socket = one.bound(7);
        one.startup(0x0202).unwrap();
        one.cleanup().unwrap();
        assert_eq!(one.getsockname(socket), Ok(anywhere(7)));
        one.cleanup().unwrap();
        one.device.assert_level();
        one.startup(0x0202).unwrap();
        assert_eq!(one.getsockname(socket), Err(WsaError::ENOTSOCK));
        one.bound(7);
    });
}

#[test]
fn wt_57_what_no_provider_has_decides_the_error() {
    with_winsock(|one, _| {
        for (family, socket_type, protocol, error) in [
            (0, 0, 0, WsaError::EINVAL),
            (AF_INET, SOCK_STREAM, IPPROTO_UDP, WsaError::EPROTONOSUPPORT),
            (AF_INET, SOCK_DGRAM, IPPROTO_TCP, WsaError::EPROTONOSUPPORT),
            (AF_INET, -1, 0, WsaError::ESOCKTNOSUPPORT),
            (AF_INET, -1, IPPROTO_UDP, WsaError::ESOCKTNOSUPPORT),
            (-1, SOCK_DGRAM, IPPROTO_UDP, WsaError::EAFNOSUPPORT),
            (-1, 0, 0, WsaError::EAFNOSUPPORT),
        ] {
            let refused = one.socket(family, socket_type, protocol);
            assert_eq!(refused, Err(error), "{family} {socket_type} {protocol}");
        }
    });
}

#[test]
fn wt_58_the_protocol_implies_the_type() {
    with_winsock(|one, _| {
        for (family, socket_type, protocol) in [
            (AF_INET, 0, IPPROTO_UDP),
            (AF_UNSPEC, 0, IPPROTO_UDP),
            (AF_UNSPEC, SOCK_DGRAM, 0),
            (AF_INET, SOCK_DGRAM, 0),
        ] {
            let socket = one.socket(family, socket_type, protocol).unwrap();
            let mut value = [0; 4];
            assert_eq!(
                one.getsockopt(socket, SOL_SOCKET, SO_TYPE, &mut value),
                Ok(4)
            );
            assert_eq!(i32::from_le_bytes(value), SOCK_DGRAM);
        }
    });
}

#[test]
fn seed_51_the_provider_is_in_use_during_each_call_only() {
    with_winsock(|one, _| {
        let socket = one.bound(7);
        let references = move || {
            one.winsock
                .providers()
                .iter()
                .map(super::super::Provider::references)
        };
        assert!(references().all(|count| count == 0));
        let receiver = one.spawn(move || {
            assert_eq!(one.recv(socket, &mut [0; 10], 0), Err(WsaError::EINTR));
        });
        one.let_others_run();
        assert_eq!(references().collect::<Vec<_>>(), [0, 1, 0]);
        one.closesocket(socket).unwrap();
        assert_eq!(receiver.join(None), NtStatus::SUCCESS);
        assert!(references().all(|count| count == 0));
    });
}

#[test]
fn wt_62_a_second_bind_needs_reuse_of_both() {
    with_winsock(|one, _| {
        let reuse = |socket| {
            one.setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &1_u32.to_le_bytes())
                .unwrap();
        };
        let (first, second) = (one.udp(), one.udp());
        reuse(first);
        one.bind(first, at(1, 7)).unwrap();
        assert_eq!(one.bind(second, at(1, 7)), Err(WsaError::EADDRINUSE));
        reuse(second);
        assert_eq!(one.bind(second, at(1, 7)), Ok(()));
        assert_eq!(
            one.bind(second, at(1, 8)),
            Err(WsaError::EINVAL),
            "bound already"
        );
        assert_eq!(one.bind(one.udp(), at(2, 7)), Err(WsaError::EADDRNOTAVAIL));
    });
}

#[test]
fn wt_73_the_name_of_an_unbound_socket_is_invalid() {
    with_winsock(|one, _| {
        let socket = one.udp();
        assert_eq!(one.getsockname(socket), Err(WsaError::EINVAL));
        assert_eq!(one.getpeername(socket), Err(WsaError::ENOTCONN));
        one.bind(socket, at(1, 7)).unwrap();
        assert_eq!(one.getsockname(socket), Ok(at(1, 7)));
        one.connect(socket, at(2, 9)).unwrap();
        assert_eq!(one.getpeername(socket), Ok(at(2, 9)));
    });
}

#[test]
fn seed_43_connecting_an_unbound_socket_binds_it() {
    with_winsock(|one, _| {
        let socket = one.udp();
        one.connect(socket, at(2, 9)).unwrap();
        let name = one.getsockname(socket).unwrap();
        assert_eq!(name.address, at(1, 0).address);
        assert!(name.port >= 49152);
    });
}

#[test]
fn what_is_no_socket_is_refused() {
    with_winsock(|one, _| {
        let closed = one.udp();
        one.closesocket(closed).unwrap();
        let raws = [
            0,
            1,
            u64::MAX,
            u64::from(CONFIGURATION.handles),
            closed.handle().to_raw(),
        ];
        for raw in raws {
            let socket = Socket::from_handle(Handle::from_raw(raw));
            assert_eq!(one.bind(socket, anywhere(7)), Err(WsaError::ENOTSOCK));
            assert_eq!(one.recv(socket, &mut [0], 0), Err(WsaError::ENOTSOCK));
            assert_eq!(one.closesocket(socket), Err(WsaError::ENOTSOCK));
        }
    });
}

#[test]
fn seed_59_an_endpoint_lives_until_its_last_socket_is_closed() {
    with_winsock(|one, two| {
        let first = two.bound(2000);
        let second = two.duplicate_socket(first).unwrap();
        two.closesocket(first).unwrap();
        one.sendto(one.udp(), b"x", 0, at(2, 2000)).unwrap();
        assert_eq!(two.recv(second, &mut [0; 4], 0), Ok(1));
        assert_eq!(two.getsockname(first), Err(WsaError::ENOTSOCK));
        two.closesocket(second).unwrap();
        two.device
            .look(|afd, _| assert_eq!(afd.endpoints().count(), 0));
    });
}

#[test]
fn more_sockets_than_endpoints_are_refused_and_leave_nothing() {
    with_winsock(|one, _| {
        let sockets: Vec<_> = (0..CONFIGURATION.endpoints).map(|_| one.udp()).collect();
        let refused = one.socket(AF_INET, SOCK_DGRAM, 0);
        assert_eq!(refused, Err(WsaError::ENOBUFS));
        for socket in sockets {
            one.closesocket(socket).unwrap();
        }
        one.device.assert_level();
    });
}

#[test]
fn without_an_irp_a_socket_stays_open_and_can_be_closed_later() {
    with_winsock(|one, _| {
        let socket = one.bound(7);
        let mut taken = Vec::new();
        while let Ok(irp) = one.device.irps.allocate() {
            taken.push(irp);
        }
        assert_eq!(one.closesocket(socket), Err(WsaError::ENOBUFS));
        assert_eq!(one.socket(AF_INET, SOCK_DGRAM, 0), Err(WsaError::ENOBUFS));
        assert_eq!(one.cleanup(), Err(WsaError::ENOBUFS));
        for (irp, _ticket) in taken {
            irp.complete(NtStatus::SUCCESS, 0);
        }
        assert_eq!(one.getsockname(socket), Ok(anywhere(7)));
        assert_eq!(one.closesocket(socket), Ok(()));
        one.device.assert_level();
    });
}

#[test]
fn a_provider_whose_transport_is_not_there_makes_no_socket() {
    with_winsock(|one, _| {
        let stream = one.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
        assert_eq!(stream, Err(WsaError::EAFNOSUPPORT));
        one.device.assert_level();
    });
}
