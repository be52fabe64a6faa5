//! Requests that are cancelled on their way.

use std::string::String;
use std::vec::Vec;

use afd::MajorFunction;
use afd::ioctl::{AfdFlags, ControlCode, SendInfo};
use afd::winsock::AfdDevice;
use afd::winsock::constants::{AF_INET, IPPROTO_UDP, SO_SNDBUF, SOCK_DGRAM, SOL_SOCKET};
use executive::{Duration, NtStatus};
use ndis::packet::HEADROOM;
use netstack::SocketAddress;
use netstack::tdi::Payload;

use super::machine::TestSystem;
use crate::system::System;

/// A send that waits for a neighbour who does not answer, until it is cancelled.
fn cancel_a_send(system: &'static System) {
    let winsock = system.winsock;
    winsock.startup(0x0202).unwrap();
    let socket = winsock.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP).unwrap();
    let own = SocketAddress::new([0; 4].into(), 5000);
    winsock.bind(socket, own).unwrap();
    // Without a window the caller waits until the datagram has left.
    winsock
        .setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &0_u32.to_le_bytes())
        .unwrap();
    let used = || {
        let mut used = Vec::new();
        system.pools(&mut |name, usage| used.push((String::from(name), usage.used)));
        used
    };
    let before = used();
    let (mut irp, ticket) = system.irps.allocate().unwrap();
    let request = irp.request_mut();
    request.major = MajorFunction::DeviceControl;
    request.handle = socket.handle();
    request.control_code = ControlCode::SEND_DATAGRAM;
    let silent = SocketAddress::new([10, 0, 2, 77].into(), 9);
    let info = |buffer: &mut [u8]| {
        SendInfo::encode(buffer, AfdFlags::empty(), Some(silent), [0].into_iter())
    };
    request.input.fill(info).unwrap();
    request.data = Some(Payload {
        packet: system.packets.allocate(HEADROOM).unwrap(),
        checksum: None,
    });
    system.network.submit(irp);
    let waited = ticket.wait(Some(Duration::from_millis(10)));
    assert_eq!(waited, NtStatus::TIMEOUT);
    ticket.cancel();
    let _ = ticket.wait(None);
    assert_eq!(ticket.result(), (NtStatus::CANCELLED, 0));
    drop(ticket);
    assert_eq!(used(), before);
}

#[test]
fn a_cancelled_send_leaves_nothing_behind() {
    let test = TestSystem::new(0, "Ne2000.Port=0x300 Ne2000.Irq=9");
    let system = test.system;
    test.simulation.run(move || cancel_a_send(system));
}
