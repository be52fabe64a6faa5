//! Requests made of anything, in any order.

use alloc::vec;
use alloc::vec::Vec;

use executive::{Duration, NtStatus};
use netstack::SocketAddress;
use netstack::tdi::ReceiveFlags;
use proptest::prelude::*;

use super::support::{Device, anywhere, at, on_two_hosts};
use crate::ioctl::{AfdFlags, ControlCode, PollEvents, ShareType};
use crate::{AfdTicket, Handle, MajorFunction, SYSTEM_BUFFER_SIZE};

/// The first of the ports that are used.
const FIRST_PORT: u16 = 1000;

/// Handles that are used at a time.
const HANDLES: usize = 8;

/// One step of somebody who means no good.
#[derive(Clone, Debug)]
enum Step {
    /// A request with any contents, on one of the known handles or any number.
    Anything {
        major: u8,
        handle: Name,
        code: u32,
        input: Vec<u8>,
        output: usize,
        data: Option<u8>,
    },
    /// A request that makes sense, to get into every state.
    Open,
    Bind {
        handle: Name,
        port: u16,
        share: u8,
    },
    Connect {
        handle: Name,
        remote: SocketAddress,
    },
    Send {
        handle: Name,
        remote: SocketAddress,
        size: usize,
        flags: u32,
    },
    Receive {
        handle: Name,
        capacity: usize,
        afd_flags: u32,
        tdi_flags: u32,
    },
    Poll {
        handle: Name,
        other: Name,
        timeout: i64,
        events: u32,
    },
    Duplicate {
        handle: Name,
    },
    Close {
        handle: Name,
    },
    CleanUp {
        handle: Name,
    },
    /// What the requester does besides.
    Cancel {
        which: usize,
    },
    Forget {
        which: usize,
    },
    Wire {
        is_up: bool,
    },
    Sleep {
        milliseconds: u64,
    },
}

/// Which handle a step means.
#[derive(Clone, Copy, Debug)]
enum Name {
    Known(usize),
    Raw(u64),
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![29 => any::<usize>().prop_map(Name::Known), 1 => any::<u64>().prop_map(Name::Raw)]
}

fn known_code() -> impl Strategy<Value = u32> {
    (0_u32..43, 0_u32..4).prop_map(|(operation, method)| 0x12 << 12 | operation << 2 | method)
}

fn anything() -> impl Strategy<Value = Step> {
    let code = prop_oneof![4 => known_code(), 1 => any::<u32>()];
    let input = prop::collection::vec(prop_oneof![3 => 0_u8..4, 1 => any::<u8>()], 0..80);
    let length = prop_oneof![0_usize..100, any::<usize>()];
    (
        0_u8..7,
        name(),
        code,
        input,
        length,
        prop::option::of(any::<u8>()),
    )
        .prop_map(
            |(major, handle, code, input, output, data)| Step::Anything {
                major,
                handle,
                code,
                input,
                output,
                data,
            },
        )
}

fn port() -> impl Strategy<Value = u16> {
    FIRST_PORT..FIRST_PORT + 6
}

fn remote() -> impl Strategy<Value = SocketAddress> {
    (1_u8..4, port()).prop_map(|(host, port)| at(host, port))
}

/// Flags that make sense, mostly.
fn flags(likely: u32) -> impl Strategy<Value = u32> {
    prop_oneof![5 => Just(0), 3 => any::<u32>().prop_map(move |flags| flags & likely), 1 => any::<u32>()]
}

/// Steps that use handles as they are meant to be used.
fn transfer() -> impl Strategy<Value = Step> {
    let receive_flags = (ReceiveFlags::PEEK | ReceiveFlags::PARTIAL).bits();
    let immediate = AfdFlags::IMMEDIATE.bits();
    let timeout = prop_oneof![Just(0), -1_000_000_i64..1_000_000, any::<i64>()];
    prop_oneof![
        1 => (name(), remote()).prop_map(|(handle, remote)| Step::Connect { handle, remote }),
        8 => (name(), remote(), 0_usize..1600, flags(immediate))
            .prop_map(|(handle, remote, size, flags)| Step::Send { handle, remote, size, flags }),
        8 => (name(), 0_usize..1600, flags(immediate), flags(receive_flags)).prop_map(
            |(handle, capacity, afd_flags, tdi_flags)| Step::Receive {
                handle,
                capacity,
                afd_flags,
                tdi_flags,
            }
        ),
        5 => (name(), name(), timeout, flags(1)).prop_map(|(handle, other, timeout, events)| {
            Step::Poll { handle, other, timeout, events }
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let bind = (name(), port(), 0_u8..4);
    prop_oneof![
        8 => anything(),
        20 => transfer(),
        3 => Just(Step::Open),
        3 => bind.prop_map(|(handle, port, share)| Step::Bind { handle, port, share }),
        1 => name().prop_map(|handle| Step::Duplicate { handle }),
        1 => name().prop_map(|handle| Step::Close { handle }),
        1 => name().prop_map(|handle| Step::CleanUp { handle }),
        1 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        1 => any::<usize>().prop_map(|which| Step::Forget { which }),
        1 => any::<bool>().prop_map(|is_up| Step::Wire { is_up }),
        1 => (0_u64..100).prop_map(|milliseconds| Step::Sleep { milliseconds }),
    ]
}

/// One host's requester.
struct Requester {
    device: Device,
    handles: Vec<Handle>,
    tickets: Vec<AfdTicket>,
}

impl Requester {
    /// Somebody with a few endpoints at the first ports.
    fn new(device: Device) -> Self {
        let handles = (FIRST_PORT..FIRST_PORT + 4)
            .map(|port| device.bound(port))
            .collect();
        Self {
            device,
            handles,
            tickets: Vec::new(),
        }
    }

    fn handle(&self, name: Name) -> Handle {
        match name {
            Name::Known(index) => {
                let place = index.checked_rem(self.handles.len());
                place.map_or(Handle::NULL, |place| self.handles[place])
            }
            Name::Raw(raw) => Handle::from_raw(raw),
        }
    }

    /// Notes a handle that a request has made.
    fn note(&mut self, ticket: AfdTicket, makes_handle: bool) {
        let (status, information) = ticket.result();
        if makes_handle && status == NtStatus::SUCCESS {
            let handle = Handle::from_raw(information as u64);
            if self.handles.len() < HANDLES {
                self.handles.push(handle);
            } else {
                self.device.close(handle);
            }
        }
        self.tickets.push(ticket);
        if self.tickets.len() > 20 {
            drop(self.tickets.remove(0));
        }
    }

    fn act(&mut self, step: &Step) {
        let device = self.device;
        match *step {
            Step::Anything { .. } => self.request_anything(step),
            Step::Open => {
                if self.handles.len() < HANDLES {
                    self.handles.push(device.create());
                }
            }
            Step::Bind {
                handle,
                port,
                share,
            } => {
                let share = ShareType::from_raw(u32::from(share)).unwrap();
                let _ = device.try_bind_as(self.handle(handle), share, anywhere(port));
            }
            Step::Connect { handle, remote } => {
                let _ = device.try_connect(self.handle(handle), remote);
            }
            Step::Send {
                handle,
                remote,
                size,
                flags,
            } => {
                let bytes = &[0x5A; 3000][..size];
                let flags = AfdFlags::from_bits_truncate(flags);
                let ticket = device.send(self.handle(handle), Some(remote), bytes, flags);
                self.note(ticket, false);
            }
            Step::Receive {
                handle,
                capacity,
                afd_flags,
                tdi_flags,
            } => {
                let afd_flags = AfdFlags::from_bits_truncate(afd_flags);
                let tdi_flags = ReceiveFlags::from_bits_truncate(tdi_flags);
                let handle = self.handle(handle);
                self.note(
                    device.receive_with(handle, capacity, afd_flags, tdi_flags),
                    false,
                );
            }
            Step::Poll {
                handle,
                other,
                timeout,
                events,
            } => {
                let events = PollEvents::from_bits_truncate(events);
                let wanted = [(self.handle(handle), events), (self.handle(other), events)];
                self.note(device.select(self.handle(handle), timeout, &wanted), false);
            }
            Step::Duplicate { handle } => {
                let handle = self.handle(handle);
                let ticket = device.request(MajorFunction::DuplicateHandle, handle, |_| ());
                self.note(ticket, true);
            }
            Step::Close { handle } => {
                let handle = self.handle(handle);
                let _ = device.try_close(handle);
                self.handles.retain(|known| *known != handle);
            }
            Step::CleanUp { handle } => {
                let _ = device.try_clean_up(self.handle(handle));
            }
            Step::Cancel { which } => {
                if let Some(place) = which.checked_rem(self.tickets.len()) {
                    self.tickets[place].cancel();
                }
            }
            Step::Forget { which } => {
                if let Some(place) = which.checked_rem(self.tickets.len()) {
                    drop(self.tickets.swap_remove(place));
                }
            }
            Step::Wire { is_up } => device.world.set_wire(is_up),
            Step::Sleep { milliseconds } => {
                device
                    .world
                    .executive
                    .sleep(Duration::from_millis(milliseconds));
            }
        }
    }

    fn request_anything(&mut self, step: &Step) {
        let Step::Anything {
            major,
            handle,
            code,
            input,
            output,
            data,
        } = step
        else {
            return;
        };
        let major = [
            MajorFunction::Create,
            MajorFunction::Close,
            MajorFunction::Read,
            MajorFunction::Write,
            MajorFunction::DeviceControl,
            MajorFunction::Cleanup,
            MajorFunction::DuplicateHandle,
        ][usize::from(*major)];
        let data = data.map(|size| self.device.payload(&[0xA5; 255][..usize::from(size)]));
        let ticket = self.device.request(major, self.handle(*handle), |request| {
            request.control_code = ControlCode(*code);
            request.input.copy_from(input).unwrap();
            request.output_length = *output;
            request.data = data;
        });
        let makes = matches!(
            major,
            MajorFunction::Create | MajorFunction::DuplicateHandle
        );
        self.note(ticket, makes);
    }

    /// Closes everything; every request must have ended then.
    fn finish(mut self) {
        for handle in core::mem::take(&mut self.handles) {
            let _ = self.device.try_close(handle);
        }
        for ticket in self.tickets.drain(..) {
            assert!(ticket.is_complete(), "{ticket:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever is requested, nothing panics, every request ends exactly once,
    /// and in the end nothing is left of anything.
    #[test]
    fn any_requests_in_any_order_end_once_and_leave_nothing(
        steps in prop::collection::vec((any::<bool>(), step()), 1..200),
    ) {
        on_two_hosts(move |one, two| {
            let mut requesters = [one, two].map(Requester::new);
            for (which, step) in &steps {
                requesters[usize::from(*which)].act(step);
            }
            requesters.into_iter().for_each(Requester::finish);
            // What the transport still holds goes with its own timeouts.
            one.world.set_wire(true);
            one.world.executive.sleep(Duration::from_secs(120));
            one.assert_level();
            two.assert_level();
        });
    }
}

#[test]
fn a_payload_longer_than_the_system_buffer_is_refused_before_the_device() {
    let mut buffer = crate::SystemBuffer::new();
    let status = buffer.copy_from(&[0; SYSTEM_BUFFER_SIZE + 1]);
    assert_eq!(status, Err(NtStatus::INVALID_PARAMETER));
    assert!(buffer.as_slice().is_empty());
}

#[test]
fn more_waiting_requests_than_places_are_refused() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        one.look(|afd, _| {
            // As if the configuration had fewer places than the pool has IRPs.
            afd.pending = crate::pending::PendingTable::new(1);
        });
        let first = one.receive(handle, 10);
        let second = one.receive(handle, 10);
        assert_eq!(first.result().0, NtStatus::PENDING);
        assert_eq!(second.result(), (NtStatus::INSUFFICIENT_RESOURCES, 0));
        assert_eq!(one.counters().pending_full, 1);
    });
}
