//! Two hosts, each a stack with the AFD device over it, joined by a wire in
//! memory, on a simulated machine.

mod device;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use executive::irp::{CancelRoutine, IrpId};
use executive::simulation::Simulation;
use executive::{Executive, Instant, Limits, NtStatus, SpinLock, Timer};
use ndis::packet::PacketPool;
use netstack::tdi::{Payload, ReceiveFlags};
use netstack::{
    HardwareAddress, InterfaceConfiguration, InterfaceId, Prefix, SocketAddress, Stack,
    StackConfiguration,
};
use std::sync::OnceLock;

use crate::ioctl::EndpointFlags;
use crate::winsock::AfdDevice;
use crate::{Afd, AfdConfiguration, AfdIrp, AfdIrpPool, FastReceive, Handle};
pub(crate) use device::{data, poll_payload, seen};

pub(crate) const DATAGRAMS: EndpointFlags =
    EndpointFlags::CONNECTIONLESS.union(EndpointFlags::MESSAGE_ORIENTED);

/// Sizes that are small enough to be exhausted.
pub(crate) const CONFIGURATION: AfdConfiguration = AfdConfiguration {
    endpoints: 24,
    handles: 32,
    irps: 48,
    datagrams: 64,
    datagrams_per_endpoint: 40,
    sends: 16,
    poll_registrations: 96,
};

const PACKETS: usize = 192;

pub(crate) fn address(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, host)
}

pub(crate) fn at(host: u8, port: u16) -> SocketAddress {
    SocketAddress::new(address(host), port)
}

pub(crate) fn anywhere(port: u16) -> SocketAddress {
    SocketAddress::new(Ipv4Addr::UNSPECIFIED, port)
}

/// One host.
struct Host {
    stack: Stack,
    interface: InterfaceId,
    afd: Afd,
    packets: &'static PacketPool,
}

struct State {
    hosts: [Host; 2],
    /// Whether frames reach the other side; they are lost otherwise.
    is_wire_up: bool,
}

impl State {
    /// Lets everything that is under way arrive; answers the completed IRPs.
    fn settle(&mut self, now: Instant) -> Vec<crate::CompletedIrp> {
        let mut completed = Vec::new();
        loop {
            let mut is_quiet = true;
            for from in 0..2 {
                let host = &mut self.hosts[from];
                while let Some(completion) = host.stack.next_completion() {
                    is_quiet = false;
                    host.afd.transport_completed(completion);
                }
                // One frame at a time, each host in its turn.
                if let Some((_, frame)) = self.hosts[from].stack.next_frame() {
                    is_quiet = false;
                    let to = &mut self.hosts[1 - from];
                    let bytes = frame.segments().collect::<Vec<_>>().concat();
                    drop(frame);
                    if let Some(mut packet) = to.packets.allocate(22).filter(|_| self.is_wire_up)
                        && packet.append_slice(&bytes)
                    {
                        to.stack.receive(to.interface, packet, now);
                    }
                }
                let afd = &mut self.hosts[from].afd;
                completed.extend(core::iter::from_fn(|| afd.next_completed()));
            }
            if is_quiet {
                return completed;
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self
            .hosts
            .iter()
            .flat_map(|host| [host.stack.next_deadline(), host.afd.next_deadline()]);
        deadlines.flatten().min()
    }
}

/// The two hosts and the wire.
pub(crate) struct World {
    pub(crate) executive: &'static Executive,
    state: SpinLock<State>,
    timer: OnceLock<Timer>,
}

/// The AFD device of one host, and what requests to it are made of.
#[derive(Clone, Copy)]
pub(crate) struct Device {
    pub(crate) world: &'static World,
    index: usize,
    pub(crate) irps: &'static AfdIrpPool,
    pub(crate) packets: &'static PacketPool,
    pub(crate) configuration: AfdConfiguration,
}

/// Runs a test in a thread of a simulated machine, with both hosts' devices.
pub(crate) fn on_two_hosts(body: impl FnOnce(Device, Device) + Send + 'static) {
    on_two_hosts_with(0, &CONFIGURATION, body);
}

pub(crate) fn on_two_hosts_with(
    seed: u64,
    configuration: &AfdConfiguration,
    body: impl FnOnce(Device, Device) + Send + 'static,
) {
    let limits = Limits {
        quantum_ticks: 1,
        ..Limits::default()
    };
    let machine = Simulation::with_limits(seed, &limits);
    let executive = machine.executive();
    let configuration = *configuration;
    machine.run(move || {
        let (one, two) = world(executive, &configuration);
        body(one, two);
    });
}

fn world(executive: &'static Executive, configuration: &AfdConfiguration) -> (Device, Device) {
    let hosts = [1, 2].map(|host| make_host(host, configuration, executive.now()));
    let packets = [hosts[0].packets, hosts[1].packets];
    let state = State {
        hosts,
        is_wire_up: true,
    };
    let world: &'static World = Box::leak(Box::new(World {
        executive,
        state: SpinLock::new(executive, state),
        timer: OnceLock::new(),
    }));
    let timer = Timer::new(executive, "network", move || world.poll()).unwrap();
    assert!(world.timer.set(timer).is_ok());
    let devices = [0, 1].map(|index| {
        let count = configuration.irps as usize;
        let irps = AfdIrpPool::new(executive, count, Default::default).unwrap();
        let packets = packets[index];
        &*Box::leak(Box::new(Device {
            world,
            index,
            irps,
            packets,
            configuration: *configuration,
        }))
    });
    for device in devices {
        let mut state = world.state.lock();
        state.hosts[device.index].afd.set_cancel_routine(device);
    }
    world.poll();
    (*devices[0], *devices[1])
}

fn make_host(host: u8, configuration: &AfdConfiguration, now: Instant) -> Host {
    let packets = PacketPool::new(PACKETS, PACKETS);
    let mut stack = Stack::new(
        &StackConfiguration::default(),
        packets,
        [u64::from(host), 7],
    );
    let interface = stack
        .add_interface(&InterfaceConfiguration {
            name: "ne0",
            hardware_address: HardwareAddress([2, 0, 0, 0, 0, host]),
            mtu: 1500,
            address: Prefix::new(address(host), 24),
            gateway: None,
        })
        .unwrap();
    stack.interface_up(interface, now);
    Host {
        stack,
        interface,
        afd: Afd::new(configuration),
        packets,
    }
}

impl World {
    /// Works on the network under its lock, and completes afterwards what was
    /// completed by it, as the kernel's wiring does.
    fn with<T>(&self, work: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (result, completed) = {
            let mut state = self.state.lock();
            let now = self.executive.now();
            let result = work(&mut state, now);
            let completed = state.settle(now);
            if let (Some(timer), Some(deadline)) = (self.timer.get(), state.next_deadline()) {
                timer.set_at(deadline);
            }
            (result, completed)
        };
        for irp in completed {
            irp.finish();
        }
        result
    }

    fn poll(&self) {
        self.with(|state, now| {
            for host in &mut state.hosts {
                host.stack.poll(now);
                host.afd.poll(&mut host.stack, now);
            }
        });
    }

    /// Joins or cuts the wire.
    pub(crate) fn set_wire(&self, is_up: bool) {
        self.with(|state, _| state.is_wire_up = is_up);
    }
}

impl CancelRoutine for Device {
    fn cancel(&self, id: IrpId) {
        self.world.with(|state, _| {
            let host = &mut state.hosts[self.index];
            host.afd.cancel(id, &mut host.stack);
        });
    }
}

impl AfdDevice for Device {
    fn submit(&self, irp: AfdIrp) {
        self.world.with(|state, now| {
            let host = &mut state.hosts[self.index];
            host.afd.dispatch(irp, &mut host.stack, now);
        });
    }

    fn fast_receive(
        &self,
        handle: Handle,
        capacity: usize,
        flags: ReceiveFlags,
        from: Option<&mut SocketAddress>,
    ) -> Option<FastReceive> {
        self.world.with(|state, _| {
            let host = &mut state.hosts[self.index];
            host.afd.fast_receive(handle, capacity, flags, from)
        })
    }

    fn fast_send(
        &self,
        handle: Handle,
        remote: Option<SocketAddress>,
        data: Payload,
    ) -> Result<NtStatus, Payload> {
        self.world.with(|state, now| {
            let host = &mut state.hosts[self.index];
            host.afd
                .fast_send(handle, remote, data, &mut host.stack, now)
        })
    }
}
