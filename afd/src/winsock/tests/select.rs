use alloc::vec::Vec;

use executive::{Duration, NtStatus};

use super::{make, with_winsock};
use crate::tests::support::{CONFIGURATION, at, on_two_hosts_with};
use crate::winsock::constants::{SO_SNDBUF, SOL_SOCKET};
use crate::winsock::{FD_SETSIZE, FdSet, Socket, WsaError};
use crate::{AfdConfiguration, Handle};

fn set<const N: usize>(sockets: [Socket; N]) -> FdSet {
    FdSet::from_iter(sockets)
}

#[test]
fn wt_65_select_without_sets_is_invalid_and_a_bad_socket_is_none() {
    with_winsock(|one, _| {
        let mut sets = [const { FdSet::new() }; 3];
        let [read, write, except] = &mut sets;
        assert_eq!(one.select(read, write, except, None), Err(WsaError::EINVAL));
        let closed = one.udp();
        one.closesocket(closed).unwrap();
        read.insert(one.udp());
        for place in 0..3 {
            let mut sets = sets.clone();
            sets[place].insert(closed);
            let [read, write, except] = &mut sets;
            assert_eq!(
                one.select(read, write, except, None),
                Err(WsaError::ENOTSOCK)
            );
            assert!(sets[place].contains(closed), "the sets are unchanged");
        }
    });
}

#[test]
fn select_shows_what_can_be_read_and_written() {
    with_winsock(|one, two| {
        let client = one.udp();
        let (quiet, server) = (two.bound(2000), two.bound(2001));
        let (mut read, mut write) = (set([quiet, server]), set([server]));
        let mut except = set([server]);
        let found = two.select(&mut read, &mut write, &mut except, None);
        assert_eq!(found, Ok(1));
        assert_eq!(
            (read.len(), write.as_slice(), except.len()),
            (0, &[server][..], 0)
        );
        one.sendto(client, b"x", 0, at(2, 2001)).unwrap();
        let (mut read, mut write) = (set([quiet, server]), set([server]));
        assert_eq!(
            two.select(&mut read, &mut write, &mut FdSet::new(), None),
            Ok(2)
        );
        assert_eq!(
            (read.as_slice(), write.as_slice()),
            (&[server][..], &[server][..])
        );
    });
}

#[test]
fn a_waiting_select_is_woken_by_a_datagram() {
    with_winsock(|one, two| {
        let client = one.udp();
        let server = two.bound(2000);
        let task = two.spawn(move || {
            let mut read = set([server]);
            let none = (&mut FdSet::new(), &mut FdSet::new());
            assert_eq!(two.select(&mut read, none.0, none.1, None), Ok(1));
            assert_eq!(two.recv(server, &mut [0; 4], 0), Ok(1));
        });
        one.let_others_run();
        one.sendto(client, b"x", 0, at(2, 2000)).unwrap();
        assert_eq!(task.join(None), NtStatus::SUCCESS);
    });
}

#[test]
fn select_gives_up_after_its_timeout() {
    with_winsock(|_, two| {
        let server = two.bound(2000);
        let executive = two.device.world.executive;
        for timeout in [
            Duration::ZERO,
            Duration::from_millis(1500),
            Duration::from_secs(100),
        ] {
            let start = executive.now();
            let mut read = set([server]);
            let none = (&mut FdSet::new(), &mut FdSet::new());
            assert_eq!(two.select(&mut read, none.0, none.1, Some(timeout)), Ok(0));
            assert!(read.is_empty());
            assert_eq!((executive.now() - start).as_millis(), timeout.as_millis());
        }
    });
}

#[test]
fn wt_66_closesocket_wakes_select() {
    with_winsock(|_, two| {
        let other = two.bound(2000);
        // The first socket is the one the poll is issued on.
        for is_first in [true, false] {
            let socket = two.bound(0);
            let watched = if is_first {
                [socket, other]
            } else {
                [other, socket]
            };
            let task = two.spawn(move || {
                let mut read = set(watched);
                let none = (&mut FdSet::new(), &mut FdSet::new());
                assert_eq!(two.select(&mut read, none.0, none.1, None), Ok(1));
                assert_eq!(read.as_slice(), [socket]);
            });
            two.let_others_run();
            two.closesocket(socket).unwrap();
            assert_eq!(task.join(None), NtStatus::SUCCESS);
        }
    });
}

#[test]
fn a_socket_with_a_full_send_window_is_not_writable() {
    with_winsock(|one, _| {
        let client = one.bound(1000);
        let size = 100_u32.to_le_bytes();
        one.setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size)
            .unwrap();
        one.device.world.set_wire(false);
        assert_eq!(one.sendto(client, &[0; 100], 0, at(2, 2000)), Ok(100));
        let mut write = set([client]);
        let none = (&mut FdSet::new(), &mut FdSet::new());
        assert_eq!(
            one.select(none.0, &mut write, none.1, Some(Duration::ZERO)),
            Ok(0)
        );
        one.device.world.set_wire(true);
        let mut write = set([client]);
        assert_eq!(one.select(none.0, &mut write, none.1, None), Ok(1));
    });
}

#[test]
fn more_than_64_different_sockets_are_refused() {
    let configuration = AfdConfiguration {
        handles: 160,
        poll_registrations: 64,
        ..CONFIGURATION
    };
    on_two_hosts_with(0, &configuration, |one, _| {
        let one = make(one);
        one.startup(0x0202).unwrap();
        let first = one.bound(7);
        let sockets: Vec<_> = (0..80)
            .map(|_| one.duplicate_socket(first).unwrap())
            .collect();
        let (many, more) = sockets.split_at(FD_SETSIZE);
        let mut read: FdSet = many.iter().copied().collect();
        let (mut write, mut except) = (read.clone(), FdSet::new());
        let writable = one.select(&mut read, &mut write, &mut except, None);
        assert_eq!((writable, read.len(), write.len()), (Ok(64), 0, 64));
        read = many.iter().copied().collect();
        except.insert(more[0]);
        let refused = one.select(&mut read, &mut write, &mut except, None);
        assert_eq!((refused, read.len()), (Err(WsaError::ENOBUFS), 64));
    });
}

#[test]
fn a_set_holds_64_sockets_each_once() {
    let socket = |raw| Socket::from_handle(Handle::from_raw(raw));
    let mut set: FdSet = (0..100).map(socket).collect();
    assert_eq!(set.len(), FD_SETSIZE);
    assert!(!set.insert(socket(1000)));
    assert!(set.insert(socket(3)), "it is in the set already");
    assert!(set.remove(socket(3)) && !set.remove(socket(3)));
    assert!(set.insert(socket(1000)) && set.contains(socket(1000)));
    assert_eq!(set.as_slice().last(), Some(&socket(1000)));
    set.clear();
    assert!(set.is_empty());
}
