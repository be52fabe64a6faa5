//! Several threads at once, and what belongs to each of them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use executive::{Duration, NtStatus};
use proptest::prelude::*;

use super::{with_winsock, with_winsock_seeded};
use crate::tests::support::{anywhere, at};
use crate::winsock::constants::{SO_RCVTIMEO, SOL_SOCKET};
use crate::winsock::{FdSet, WsaError};

#[test]
fn wt_80_successful_calls_clear_the_last_error() {
    with_winsock(|one, _| {
        let socket = one.udp();
        assert_eq!(one.getpeername(socket), Err(WsaError::ENOTCONN));
        assert_eq!(one.get_last_error(), Some(WsaError::ENOTCONN));
        one.bind(socket, anywhere(7)).unwrap();
        assert_eq!(one.get_last_error(), None);
        one.set_last_error(Some(WsaError::EFAULT));
        assert_eq!(one.get_last_error(), Some(WsaError::EFAULT));
    });
}

#[test]
fn seed_51_the_last_error_belongs_to_the_thread_and_ends_with_it() {
    with_winsock(|one, _| {
        let socket = one.udp();
        assert_eq!(one.getsockname(socket), Err(WsaError::EINVAL));
        let fail = move || {
            assert_eq!(
                one.get_last_error(),
                None,
                "a thread begins without an error"
            );
            assert_eq!(one.getpeername(socket), Err(WsaError::ENOTCONN));
            assert_eq!(one.get_last_error(), Some(WsaError::ENOTCONN));
        };
        let first = one.spawn(fail);
        assert_eq!(first.join(None), NtStatus::SUCCESS);
        let second = one.spawn(fail);
        assert_eq!(second.join(None), NtStatus::SUCCESS);
        assert_eq!(
            first.id().index(),
            second.id().index(),
            "the slot is used again"
        );
        assert_eq!(one.get_last_error(), Some(WsaError::EINVAL));
    });
}

#[test]
fn wt_66_closesocket_wakes_every_blocked_receive() {
    with_winsock(|_, two| {
        let socket = two.bound(2000);
        let receive = move || {
            assert_eq!(two.recv(socket, &mut [0; 4], 0), Err(WsaError::EINTR));
            assert_eq!(two.get_last_error(), Some(WsaError::EINTR));
        };
        let tasks = [two.spawn(receive), two.spawn(receive), two.spawn(receive)];
        two.let_others_run();
        two.device
            .look(|afd, _| assert_eq!(afd.usage().pending.used, 3));
        two.closesocket(socket).unwrap();
        for task in tasks {
            assert_eq!(task.join(None), NtStatus::SUCCESS);
        }
        two.device.assert_level();
    });
}

#[test]
fn wt_56_the_last_cleanup_wakes_blocked_calls() {
    with_winsock(|_, two| {
        let socket = two.bound(2000);
        let task = two.spawn(move || {
            assert_eq!(two.recv(socket, &mut [0; 4], 0), Err(WsaError::EINTR));
        });
        two.let_others_run();
        two.cleanup().unwrap();
        assert_eq!(task.join(None), NtStatus::SUCCESS);
        two.device.assert_level();
    });
}

#[test]
fn seed_45_a_blocked_send_goes_on_when_the_transport_has_sent() {
    with_winsock(|one, two| {
        let (client, server) = (one.bound(1000), two.bound(2000));
        let none = 0_u32.to_le_bytes();
        one.setsockopt(
            client,
            SOL_SOCKET,
            crate::winsock::constants::SO_SNDBUF,
            &none,
        )
        .unwrap();
        one.device.world.set_wire(false);
        let task = one.spawn(move || {
            assert_eq!(one.sendto(client, b"later", 0, at(2, 2000)), Ok(5));
        });
        one.let_others_run();
        one.device
            .look(|afd, _| assert_eq!(afd.usage().pending.used, 1));
        one.device.world.set_wire(true);
        assert_eq!(task.join(None), NtStatus::SUCCESS);
        assert_eq!(two.recv(server, &mut [0; 8], 0), Ok(5));
        let task = one.spawn(move || {
            assert_eq!(
                one.sendto(client, b"x", 0, at(9, 2000)),
                Err(WsaError::EHOSTUNREACH)
            );
        });
        assert_eq!(task.join(None), NtStatus::SUCCESS);
    });
}

#[test]
fn seed_43_threads_that_bind_a_socket_by_sending_at_once_all_send() {
    for seed in 0..20 {
        with_winsock_seeded(seed, |one, two| {
            let (client, server) = (one.udp(), two.bound(2000));
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    one.spawn(move || {
                        assert_eq!(one.sendto(client, b"x", 0, at(2, 2000)), Ok(1));
                    })
                })
                .collect();
            for task in tasks {
                assert_eq!(task.join(None), NtStatus::SUCCESS);
            }
            for _ in 0..4 {
                assert_eq!(two.recv(server, &mut [0; 4], 0), Ok(1));
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// An echo server and several clients, preempted anywhere: no datagram is
    /// changed or comes to somebody else, and nothing is left over.
    #[test]
    fn clients_and_a_server_under_preemption(seed in 1_u64.., clients in 1_u16..5) {
        with_winsock_seeded(seed, move |one, two| {
            let server = two.bound(7);
            let echo = two.spawn(move || {
                let (mut buffer, mut from) = ([0; 1500], anywhere(0));
                while let Ok(length) = two.recvfrom(server, &mut buffer, 0, Some(&mut from)) {
                    two.sendto(server, &buffer[..length], 0, from).unwrap();
                }
            });
            let done = Arc::new(AtomicU32::new(0));
            let tasks: Vec<_> = (0..clients)
                .map(|client| {
                    let done = Arc::clone(&done);
                    one.spawn(move || {
                        let socket = one.bound(1000 + client);
                        for round in 0..10 {
                            let bytes = alloc::vec![client as u8; usize::from(client) * 100 + round];
                            one.sendto(socket, &bytes, 0, at(2, 7)).unwrap();
                            let mut buffer = [0; 1500];
                            assert_eq!(one.recv(socket, &mut buffer, 0), Ok(bytes.len()));
                            assert_eq!(&buffer[..bytes.len()], &bytes);
                        }
                        one.closesocket(socket).unwrap();
                        done.fetch_add(1, Ordering::Relaxed);
                    })
                })
                .collect();
            for task in tasks {
                assert_eq!(task.join(None), NtStatus::SUCCESS);
            }
            assert_eq!(done.load(Ordering::Relaxed), u32::from(clients));
            two.closesocket(server).unwrap();
            assert_eq!(echo.join(None), NtStatus::SUCCESS);
            one.device.assert_level();
            two.device.assert_level();
        });
    }

    /// Receives that time out, are satisfied and are cancelled by close at
    /// about the same time: each ends in one of these ways.
    #[test]
    fn timeouts_datagrams_and_close_race(seed in 1_u64.., pause in 0_u64..2000) {
        with_winsock_seeded(seed, move |one, two| {
            let (client, server) = (one.udp(), two.bound(2000));
            let timeout = 1_u32.to_le_bytes();
            two.setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &timeout).unwrap();
            let receivers: Vec<_> = (0..3)
                .map(|_| {
                    two.spawn(move || loop {
                        match two.recv(server, &mut [0; 4], 0) {
                            Ok(1) | Err(WsaError::ETIMEDOUT) => {}
                            Err(WsaError::EINTR | WsaError::ENOTSOCK | WsaError::ECONNRESET) => break,
                            other => panic!("{other:?}"),
                        }
                    })
                })
                .collect();
            let watcher = two.spawn(move || {
                let mut read = FdSet::from_iter([server]);
                let (mut write, mut except) = (FdSet::new(), FdSet::new());
                while two.select(&mut read, &mut write, &mut except, None).is_ok() {
                    read.insert(server);
                }
            });
            let executive = one.device.world.executive;
            for _ in 0..5 {
                executive.sleep(Duration::from_micros(pause));
                one.sendto(client, b"x", 0, at(2, 2000)).unwrap();
            }
            two.closesocket(server).unwrap();
            for task in receivers.into_iter().chain([watcher]) {
                assert_eq!(task.join(None), NtStatus::SUCCESS);
            }
            one.closesocket(client).unwrap();
            one.device.assert_level();
            two.device.assert_level();
        });
    }
}
