use executive::Duration;

use super::{Host, with_winsock};
use crate::MAXIMUM_DATAGRAM_SIZE;
use crate::tests::support::{anywhere, at};
use crate::winsock::constants::{
    FIONBIO, FIONREAD, SO_BROADCAST, SO_ERROR, SO_EXCLUSIVEADDRUSE, SO_LINGER, SO_MAX_MSG_SIZE,
    SO_RCVBUF, SO_RCVTIMEO, SO_REUSEADDR, SO_SNDBUF, SO_TYPE, SOL_SOCKET,
};
use crate::winsock::{Socket, WsaError};

fn set(host: Host, socket: Socket, option: i32, value: u32) -> Result<(), WsaError> {
    host.setsockopt(socket, SOL_SOCKET, option, &value.to_le_bytes())
}

fn get(host: Host, socket: Socket, option: i32) -> Result<u32, WsaError> {
    let mut value = [0; 4];
    host.getsockopt(socket, SOL_SOCKET, option, &mut value)?;
    Ok(u32::from_le_bytes(value))
}

#[test]
fn wt_59_options_round_trip() {
    with_winsock(|one, _| {
        let socket = one.udp();
        for (option, first) in [
            (SO_RCVBUF, 16384),
            (SO_SNDBUF, 16384),
            (SO_BROADCAST, 0),
            (SO_REUSEADDR, 0),
            (SO_RCVTIMEO, 0),
        ] {
            assert_eq!(get(one, socket, option), Ok(first), "{option:#x}");
            assert_eq!(set(one, socket, option, 1), Ok(()));
            assert_eq!(get(one, socket, option), Ok(1), "{option:#x}");
            assert_eq!(set(one, socket, option, 0), Ok(()));
            assert_eq!(get(one, socket, option), Ok(0), "{option:#x}");
        }
        assert_eq!(get(one, socket, SO_TYPE), Ok(2));
    });
}

#[test]
fn wt_60_a_missing_value_is_a_fault_and_a_bad_level_is_invalid() {
    with_winsock(|one, _| {
        let socket = one.udp();
        for length in 0..4 {
            let value = &mut [0; 4][..length];
            let written = one.setsockopt(socket, SOL_SOCKET, SO_RCVBUF, value);
            assert_eq!(written, Err(WsaError::EFAULT));
            let read = one.getsockopt(socket, SOL_SOCKET, SO_RCVBUF, value);
            assert_eq!(read, Err(WsaError::EFAULT));
        }
        assert_eq!(
            one.setsockopt(socket, -1, SO_RCVBUF, &[0; 4]),
            Err(WsaError::EINVAL)
        );
        assert_eq!(
            one.getsockopt(socket, -1, SO_RCVBUF, &mut [0; 4]),
            Err(WsaError::EINVAL)
        );
    });
}

#[test]
fn wt_72_the_largest_datagram_is_known_and_linger_is_not_for_datagrams() {
    with_winsock(|one, _| {
        let socket = one.udp();
        assert_eq!(
            get(one, socket, SO_MAX_MSG_SIZE),
            Ok(MAXIMUM_DATAGRAM_SIZE as u32)
        );
        for option in [SO_LINGER, SO_TYPE, SO_MAX_MSG_SIZE, SO_ERROR, 0x7777] {
            assert_eq!(
                set(one, socket, option, 1),
                Err(WsaError::ENOPROTOOPT),
                "{option:#x}"
            );
        }
        assert_eq!(get(one, socket, SO_LINGER), Err(WsaError::ENOPROTOOPT));
    });
}

#[test]
fn wt_74_fionread_is_0_then_4() {
    with_winsock(|one, two| {
        let server = two.bound(2000);
        let mut waiting = 7;
        two.ioctlsocket(server, FIONREAD, &mut waiting).unwrap();
        assert_eq!(waiting, 0);
        one.sendto(one.udp(), b"data", 0, at(2, 2000)).unwrap();
        two.ioctlsocket(server, FIONREAD, &mut waiting).unwrap();
        assert_eq!(waiting, 4);
        assert_eq!(
            two.ioctlsocket(server, 0x1234, &mut waiting),
            Err(WsaError::EINVAL)
        );
    });
}

#[test]
fn fionbio_switches_between_waiting_and_not() {
    with_winsock(|_, two| {
        let server = two.nonblocking(2000);
        assert_eq!(two.recv(server, &mut [0; 4], 0), Err(WsaError::EWOULDBLOCK));
        two.ioctlsocket(server, FIONBIO, &mut 0).unwrap();
        set(two, server, SO_RCVTIMEO, 10).unwrap();
        assert_eq!(two.recv(server, &mut [0; 4], 0), Err(WsaError::ETIMEDOUT));
    });
}

#[test]
fn the_receive_timeout_is_enforced() {
    with_winsock(|one, two| {
        let server = two.bound(2000);
        set(two, server, SO_RCVTIMEO, 2500).unwrap();
        let executive = two.device.world.executive;
        for _ in 0..2 {
            let start = executive.now();
            assert_eq!(two.recv(server, &mut [0; 4], 0), Err(WsaError::ETIMEDOUT));
            assert_eq!((executive.now() - start).as_millis(), 2500);
        }
        let client = one.udp();
        let task = one.spawn(move || {
            executive.sleep(Duration::from_millis(2400));
            one.sendto(client, b"x", 0, at(2, 2000)).unwrap();
        });
        assert_eq!(two.recv(server, &mut [0; 4], 0), Ok(1));
        assert!(task.join(None).is_success());
        two.closesocket(server).unwrap();
        two.device.assert_level();
    });
}

#[test]
fn exclusive_use_keeps_others_away_and_excludes_reuse() {
    with_winsock(|one, _| {
        let socket = one.udp();
        set(one, socket, SO_EXCLUSIVEADDRUSE, 1).unwrap();
        assert_eq!(set(one, socket, SO_REUSEADDR, 1), Err(WsaError::EINVAL));
        one.bind(socket, anywhere(7)).unwrap();
        assert_eq!(get(one, socket, SO_EXCLUSIVEADDRUSE), Ok(1));
        let sharing = one.udp();
        set(one, sharing, SO_REUSEADDR, 1).unwrap();
        assert_eq!(
            set(one, sharing, SO_EXCLUSIVEADDRUSE, 1),
            Err(WsaError::EINVAL)
        );
        assert_eq!(one.bind(sharing, anywhere(7)), Err(WsaError::EACCES));
        assert_eq!(one.bind(one.udp(), anywhere(7)), Err(WsaError::EADDRINUSE));
        let bound = one.bound(8);
        assert_eq!(
            set(one, bound, SO_EXCLUSIVEADDRUSE, 1),
            Err(WsaError::EINVAL)
        );
    });
}

#[test]
fn so_error_reports_an_error_once() {
    with_winsock(|one, _| {
        let client = one.bound(1000);
        one.connect(client, at(2, 2000)).unwrap();
        assert_eq!(get(one, client, SO_ERROR), Ok(0));
        one.send(client, b"nobody", 0).unwrap();
        assert_eq!(get(one, client, SO_ERROR), Ok(WsaError::ECONNRESET.0));
        assert_eq!(get(one, client, SO_ERROR), Ok(0));
    });
}
