//! What a filter costs for a frame: the difference to the same way without one.
//!
//! The miniport below drops what it is sent and indicates frames that need no transfer or, in
//! `receive packet`, packets; the protocol above accepts them.

use std::hint::black_box;
use std::time::Instant as Clock;

use executive::simulation::Simulation;
use executive::{Executive, Instant, Irql, NtStatus};
use filters::capture::Capture;
use filters::expression::Expression;
use filters::{FilterConfiguration, FilterKind, Filters};
use ndis::{
    AdapterHandle, BindingHandle, BusPlatform, Configuration, Initialized, InterruptService,
    Limits, Medium, MiniportCharacteristics, MiniportDriver, Ndis, NdisStatus, Oid,
    PROTOCOL_OPTION_NO_LOOPBACK, Packet, PacketFilter, PacketPool, ProtocolCharacteristics,
    ProtocolDriver, RequestOutcome, ResetOutcome, Resources, SendOutcome, TransferData,
};
use spin::Once;

const ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Frames in one batch.
const BATCH: u32 = 16;
const ROUNDS: usize = 41;
const FRAMES: u32 = 8_000;

/// A stack, and what is set when it stands.
type Stack = (&'static str, &'static [FilterKind], fn(&Filters));

const STACKS: [Stack; 7] = [
    ("none", &[], |_| {}),
    ("firewall", &[FilterKind::Firewall], |_| {}),
    ("netem", &[FilterKind::Netem], |_| {}),
    ("capture stopped", &[FilterKind::Capture], |filters| {
        let _ = filters.with_capture("capture1", Capture::stop);
    }),
    ("capture headers", &[FilterKind::Capture], |filters| {
        let _ = filters.with_capture("capture1", |capture| capture.set_snap_length(64));
    }),
    ("capture", &[FilterKind::Capture], |_| {}),
    ("capture filtered", &[FilterKind::Capture], |filters| {
        let words = Expression::parse("udp port 53 or arp").unwrap_or_default();
        let _ = filters.with_capture("capture1", |capture| capture.set_filter(words));
    }),
];

fn main() {
    println!("ns a frame, least of {ROUNDS} rounds of {FRAMES}");
    println!(
        "{:16} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "send", "", "receive", "", "packet", ""
    );
    println!(
        "{:16} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "stack", 60, 1514, 60, 1514, 60, 1514
    );
    for stack in STACKS {
        let machine = Simulation::new(0);
        machine.run(move || measure(machine, &stack));
    }
}

fn measure(machine: Simulation, (name, kinds, set): &Stack) {
    let bench = Bench::new(machine, kinds);
    set(bench.filters);
    let _raised = bench.executive.raise_irql(Irql::Dispatch);
    let cases: [fn(&Bench, usize); 3] = [Bench::send, Bench::receive, Bench::receive_packet];
    print!("{name:16}");
    for case in cases {
        for length in [60, 1514] {
            print!(" {:8.1}", bench.least(|| case(&bench, length)));
        }
    }
    println!();
}

struct Bench {
    executive: &'static Executive,
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    filters: &'static Filters,
    adapter: AdapterHandle,
    binding: BindingHandle,
}

impl Bench {
    fn new(machine: Simulation, kinds: &[FilterKind]) -> Self {
        let executive = machine.executive();
        let ndis = Ndis::new(executive, &Bare, &Bare, Limits::default());
        let ndis = ndis.expect("there is a timer");
        let pool = PacketPool::new(64, 64);
        let filters = Filters::new(ndis, pool, &FilterConfiguration::default());
        let filters = filters.expect("there is room");
        let length = MiniportCharacteristics::<Card>::LENGTH_5;
        let miniport = ndis.register_miniport("card", &miniport_table(), length, ());
        let miniport = miniport.expect("the table is good");
        let adapter = ndis.add_device(miniport, "card0", Resources::internal());
        let adapter = adapter.expect("there is room");
        ndis.start_device(&adapter).expect("it starts");
        let length = ProtocolCharacteristics::<Protocol>::LENGTH_5;
        let slot: &'static Once<BindingHandle> = Box::leak(Box::new(Once::new()));
        ndis.register_protocol("protocol", &protocol_table(), length, slot)
            .expect("the table is good");
        for kind in kinds {
            filters.add(*kind, &adapter.top()).expect("there is one");
        }
        Self {
            executive,
            ndis,
            pool,
            filters,
            adapter,
            binding: *slot.get().expect("it is bound"),
        }
    }

    fn least(&self, case: impl Fn()) -> f64 {
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let start = Clock::now();
                case();
                start.elapsed().as_secs_f64() * 1e9 / f64::from(FRAMES)
            })
            .collect();
        assert_eq!(self.pool.usage().packets.used, 0);
        times.sort_by(f64::total_cmp);
        times[0]
    }

    fn packet(&self, destination: [u8; 6], length: usize) -> Packet {
        let mut packet = self.pool.allocate(0).expect("the pool is not empty");
        if let Some(space) = packet.append(length) {
            space[..6].copy_from_slice(&destination);
            space[12..15].copy_from_slice(&[8, 0, 0x45]);
        }
        packet
    }

    fn send(&self, length: usize) {
        for _ in 0..FRAMES {
            let packet = self.packet([2, 0, 0, 0, 0, 7], length);
            assert!(self.ndis.send(&self.binding, packet).is_success());
        }
    }

    fn receive(&self, length: usize) {
        let mut frame = [0; 1514];
        frame[..6].copy_from_slice(&ADDRESS);
        let (header, payload) = frame[..length].split_at(14);
        for _ in 0..FRAMES / BATCH {
            self.ndis.switch_to_miniport(&self.adapter, |context| {
                for _ in 0..BATCH {
                    context.indicate_receive(&mut Nothing, header, payload, payload.len());
                }
            });
        }
    }

    fn receive_packet(&self, length: usize) {
        for _ in 0..FRAMES / BATCH {
            self.ndis.switch_to_miniport(&self.adapter, |context| {
                for _ in 0..BATCH {
                    let mut packet = self.packet(ADDRESS, length);
                    packet.info_mut().timestamp = Instant::from_micros(1);
                    context.indicate_packet(packet);
                }
            });
        }
    }
}

struct Nothing;

impl TransferData for Nothing {
    fn transfer(&mut self, _: usize, _: &mut [u8]) -> Result<(), NdisStatus> {
        Err(NdisStatus::FAILURE)
    }
}

struct Card;

impl MiniportDriver for Card {
    type Driver = ();
    type Adapter = ();
    type Interrupt = ();
}

fn miniport_table() -> MiniportCharacteristics<Card> {
    MiniportCharacteristics {
        initialize: Some(|(), _, media| {
            let index = media.iter().position(|&medium| medium == Medium::Ieee802_3);
            Ok(Initialized {
                adapter: (),
                medium_index: index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?,
            })
        }),
        halt: Some(|(), _| {}),
        reset: Some(|(), _| ResetOutcome::Done {
            addressing_reset: false,
        }),
        query_information: Some(|(), _, oid, buffer| match oid {
            Oid::IEEE_802_3_CURRENT_ADDRESS => RequestOutcome::answer(buffer, &ADDRESS),
            Oid::GEN_MAXIMUM_FRAME_SIZE => RequestOutcome::answer_u32(buffer, 1500),
            // The wrapper loops frames back.
            Oid::GEN_MAC_OPTIONS => RequestOutcome::answer_u32(buffer, 0x08),
            _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
        }),
        set_information: Some(|(), _, _, buffer| RequestOutcome::Done(buffer.len())),
        send: Some(|(), _, packet| {
            drop(black_box(packet));
            SendOutcome::Success
        }),
        ..MiniportCharacteristics::new(5, 0)
    }
}

struct Protocol;

impl ProtocolDriver for Protocol {
    type Protocol = &'static Once<BindingHandle>;
    type Binding = ();
}

fn protocol_table() -> ProtocolCharacteristics<Protocol> {
    ProtocolCharacteristics {
        send_complete: Some(|(), completion| drop(completion)),
        receive: Some(|(), _, header, lookahead, _| {
            black_box((header, lookahead));
            NdisStatus::SUCCESS
        }),
        receive_packet: Some(|(), packet| {
            black_box(packet);
            NdisStatus::SUCCESS
        }),
        receive_complete: Some(|()| {}),
        bind_adapter: Some(|slot, protocol, adapter| {
            let ndis = protocol.ndis();
            let opened = ndis.open_adapter(protocol, adapter, &[Medium::Ieee802_3], &());
            let Ok(handle) = opened else {
                return NdisStatus::OPEN_FAILED;
            };
            slot.call_once(|| handle);
            let filter = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
            let settings = [
                (Oid::GEN_PROTOCOL_OPTIONS, PROTOCOL_OPTION_NO_LOOPBACK),
                (Oid::GEN_CURRENT_PACKET_FILTER, filter.bits()),
            ];
            let mut set = settings
                .iter()
                .map(|(oid, value)| ndis.set_information(&handle, *oid, &value.to_le_bytes()));
            set.find_map(Result::err).unwrap_or(NdisStatus::SUCCESS)
        }),
        ..ProtocolCharacteristics::new(5, 0)
    }
}

/// A bus without interrupts, and a configuration without values.
struct Bare;

impl BusPlatform for Bare {
    fn connect_interrupt(&self, _: u8, _: bool, _: &'static dyn InterruptService) -> NtStatus {
        NtStatus::INVALID_PARAMETER
    }

    fn disconnect_interrupt(&self, _: u8, _: &'static dyn InterruptService) {}

    fn begin_interrupt_probe(&self) {}

    fn end_interrupt_probe(&self) -> u16 {
        0
    }
}

impl Configuration for Bare {
    fn get(&self, _: &str, _: &str) -> Option<&str> {
        None
    }
}
