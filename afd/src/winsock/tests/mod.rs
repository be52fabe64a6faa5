//! Tests of the Winsock face on the simulated machine: every call goes through
//! IRPs to the device of a host.

mod option;
mod select;
mod socket;
mod threads;
mod transfer;

use alloc::boxed::Box;

use executive::{Priority, Thread};

use super::constants::{AF_INET, FIONBIO, IPPROTO_UDP, SOCK_DGRAM};
use super::{Socket, Winsock};
use crate::tests::support::{CONFIGURATION, Device, anywhere, on_two_hosts_with};

/// The Winsock of one host.
#[derive(Clone, Copy)]
pub(super) struct Host {
    winsock: &'static Winsock<Device>,
    device: Device,
}

impl core::ops::Deref for Host {
    type Target = Winsock<Device>;

    fn deref(&self) -> &Winsock<Device> {
        self.winsock
    }
}

/// Runs a test in a thread with both hosts' Winsocks, which are started.
pub(super) fn with_winsock(body: impl FnOnce(Host, Host) + Send + 'static) {
    with_winsock_seeded(0, body);
}

/// The same with preemption at places that the seed chooses.
pub(super) fn with_winsock_seeded(seed: u64, body: impl FnOnce(Host, Host) + Send + 'static) {
    on_two_hosts_with(seed, &CONFIGURATION, |one, two| {
        let [one, two] = [one, two].map(make);
        for host in [one, two] {
            host.startup(0x0202).unwrap();
        }
        body(one, two);
    });
}

fn make(device: Device) -> Host {
    let executive = device.world.executive;
    let place: &'static Device = Box::leak(Box::new(device));
    let handles = device.configuration.handles;
    let winsock = Winsock::new(executive, place, device.irps, device.packets, handles);
    Host {
        winsock: Box::leak(Box::new(winsock)),
        device,
    }
}

impl Host {
    /// A UDP socket.
    fn udp(&self) -> Socket {
        self.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP).unwrap()
    }

    /// A UDP socket at a port of every local address.
    fn bound(&self, port: u16) -> Socket {
        let socket = self.udp();
        self.bind(socket, anywhere(port)).unwrap();
        socket
    }

    /// A UDP socket at a port, whose calls do not wait.
    fn nonblocking(&self, port: u16) -> Socket {
        let socket = self.bound(port);
        self.ioctlsocket(socket, FIONBIO, &mut 1).unwrap();
        socket
    }

    /// Starts a thread.
    fn spawn(&self, body: impl FnOnce() + Send + 'static) -> Thread {
        self.device
            .world
            .executive
            .spawn("task", Priority::NORMAL, 0, body)
            .unwrap()
    }

    /// Lets the other threads run until they all wait, for a time that no
    /// timeout in these tests is as short as.
    fn let_others_run(&self) {
        self.device
            .world
            .executive
            .sleep(executive::Duration::from_micros(100));
    }
}
