//! What the wrapper costs for a frame, without card and protocol: the miniport drops what it is
//! sent, the protocol accepts what it is indicated.
//!
//! Without arguments it prints times. With a case and a number it does that case so often, so that
//! `valgrind --tool=callgrind` counts its instructions; the difference of two numbers is free of
//! the start.

use std::fmt;
use std::hint::black_box;
use std::time::Instant as Clock;

use executive::{Executive, Instant, Irql, NtStatus, Platform, ThreadId};
use ndis::{
    AdapterContext, AdapterHandle, BindingHandle, BusPlatform, Configuration, InitializeContext,
    Initialized, InterruptService, Limits, Medium, MiniportCharacteristics, MiniportDriver, Ndis,
    NdisStatus, Oid, PROTOCOL_OPTION_NO_LOOPBACK, Packet, PacketFilter, PacketPool,
    ProtocolCharacteristics, ProtocolDriver, RequestOutcome, ResetOutcome, Resources, SendOutcome,
    TransferData,
};
use spin::Once;

const ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Frames in one batch, as many as a card's ring of minimum-size frames gives at once.
const BATCH: u32 = 16;
const ROUNDS: usize = 41;
const FRAMES: u32 = 16_000;

/// Does something with so many frames.
type Case = fn(&Bench, u32);

fn main() {
    let bench = Bench::new();
    let _raised = bench.executive.raise_irql(Irql::Dispatch);
    let cases: [(&str, Case); 6] = [
        ("packet", Bench::allocate),
        ("send", Bench::send),
        ("send_packets", Bench::send_packets),
        ("send_pending", Bench::send_pending),
        ("indicate", Bench::indicate),
        ("indicate_packet", Bench::indicate_packet),
    ];
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    if let (Some(name), Some(count)) = (arguments.next(), arguments.next()) {
        let count = count.parse().expect("a number of frames");
        let case = cases.iter().find(|case| case.0 == name).expect("a case");
        (case.1)(&bench, count);
        return;
    }
    println!("ns a frame, medians of {ROUNDS} rounds of {FRAMES}");
    for (name, case) in cases {
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let start = Clock::now();
                case(&bench, FRAMES);
                start.elapsed().as_secs_f64() * 1e9 / f64::from(FRAMES)
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{name:16} {:8.1}", times[ROUNDS / 2]);
    }
}

struct Bench {
    executive: &'static Executive,
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    adapter: AdapterHandle,
    binding: BindingHandle,
}

impl Bench {
    fn new() -> Self {
        let executive = Executive::new(&Machine, &executive::limits::Limits::default());
        let limits = Limits::default();
        let ndis = Ndis::new(executive, &Machine, &Machine, limits).expect("there is a timer");
        let length = MiniportCharacteristics::<Card>::LENGTH_5;
        let miniport = ndis
            .register_miniport("card", &miniport_table(), length, NoState)
            .expect("the table is good");
        let adapter = ndis
            .add_device(miniport, "card0", Resources::internal())
            .expect("there is room");
        ndis.start_device(&adapter).expect("it starts");
        let length = ProtocolCharacteristics::<Protocol>::LENGTH_5;
        let protocol: &'static Once<BindingHandle> = Box::leak(Box::new(Once::new()));
        ndis.register_protocol("protocol", &protocol_table(), length, protocol)
            .expect("the table is good");
        Self {
            executive,
            ndis,
            pool: PacketPool::new(64, 64),
            adapter,
            binding: *protocol.get().expect("it is bound"),
        }
    }

    fn packet(&self) -> Packet {
        let mut packet = self.pool.allocate(0).expect("the pool is not empty");
        if let Some(space) = packet.append(60) {
            space[..6].copy_from_slice(&[2, 0, 0, 0, 0, 7]);
        }
        packet
    }

    fn allocate(&self, count: u32) {
        for _ in 0..count {
            drop(black_box(self.packet()));
        }
    }

    fn send(&self, count: u32) {
        for _ in 0..count {
            assert!(self.ndis.send(&self.binding, self.packet()).is_success());
        }
    }

    fn send_packets(&self, count: u32) {
        for _ in 0..count / BATCH {
            let packets = (0..BATCH).map(|_| self.packet());
            let sent = self.ndis.send_packets(&self.binding, packets);
            assert_eq!(sent, BATCH as usize);
        }
    }

    /// The miniport keeps each packet and completes it in its timer's stead.
    fn send_pending(&self, count: u32) {
        for _ in 0..count {
            let mut packet = self.packet();
            packet.info_mut().timestamp = Instant::from_micros(1);
            assert!(self.ndis.send(&self.binding, packet).is_pending());
        }
    }

    fn indicate(&self, count: u32) {
        let frame = frame();
        let (header, lookahead) = frame.split_at(14);
        for _ in 0..count / BATCH {
            self.ndis.switch_to_miniport(&self.adapter, |context| {
                for _ in 0..BATCH {
                    context.indicate_receive(&mut Nothing, header, lookahead, lookahead.len());
                }
            });
        }
    }

    fn indicate_packet(&self, count: u32) {
        let frame = frame();
        for _ in 0..count / BATCH {
            self.ndis.switch_to_miniport(&self.adapter, |context| {
                for _ in 0..BATCH {
                    let mut packet = self.packet();
                    if let Some(space) = packet.data_mut() {
                        space.copy_from_slice(&frame);
                    }
                    packet.info_mut().timestamp = Instant::from_micros(1);
                    context.indicate_packet(packet);
                }
            });
        }
    }
}

/// A frame to the card.
fn frame() -> [u8; 60] {
    let mut frame = [0; 60];
    frame[..6].copy_from_slice(&ADDRESS);
    frame
}

struct Nothing;

impl TransferData for Nothing {
    fn transfer(&mut self, _: usize, _: &mut [u8]) -> Result<(), NdisStatus> {
        Err(NdisStatus::FAILURE)
    }
}

struct Card;

struct NoState;

impl MiniportDriver for Card {
    type Driver = NoState;
    type Adapter = ();
    type Interrupt = ();
}

fn miniport_table() -> MiniportCharacteristics<Card> {
    MiniportCharacteristics {
        initialize: Some(initialize),
        halt: Some(|(), _| {}),
        reset: Some(|(), _| ResetOutcome::Done {
            addressing_reset: false,
        }),
        query_information: Some(query),
        set_information: Some(|(), _, _, buffer| RequestOutcome::Done(buffer.len())),
        send: Some(|(), context, packet| send(context, packet)),
        send_packets: Some(|(), context, batch| batch.send_each(context, send)),
        ..MiniportCharacteristics::new(5, 0)
    }
}

fn initialize(
    _: &NoState,
    _: &mut InitializeContext<'_, Card>,
    media: &[Medium],
) -> Result<Initialized<Card>, NdisStatus> {
    let medium_index = media.iter().position(|&medium| medium == Medium::Ieee802_3);
    Ok(Initialized {
        adapter: (),
        medium_index: medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?,
    })
}

#[inline(never)]
fn send(context: &mut AdapterContext, packet: Packet) -> SendOutcome {
    if packet.info().timestamp == Instant::ZERO {
        drop(black_box(packet));
        return SendOutcome::Success;
    }
    context.send_complete(packet, NdisStatus::SUCCESS);
    SendOutcome::Pending
}

fn query((): &mut (), _: &mut AdapterContext, oid: Oid, buffer: &mut [u8]) -> RequestOutcome {
    match oid {
        Oid::IEEE_802_3_CURRENT_ADDRESS => RequestOutcome::answer(buffer, &ADDRESS),
        Oid::GEN_MAXIMUM_FRAME_SIZE => RequestOutcome::answer_u32(buffer, 1500),
        // The wrapper loops frames back.
        Oid::GEN_MAC_OPTIONS => RequestOutcome::answer_u32(buffer, 0x08),
        _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
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
            let options = PROTOCOL_OPTION_NO_LOOPBACK.to_le_bytes();
            let oid = Oid::GEN_PROTOCOL_OPTIONS;
            if let Err(status) = ndis.set_information(&handle, oid, &options) {
                return status;
            }
            let filter = PacketFilter::DIRECTED | PacketFilter::BROADCAST;
            let oid = Oid::GEN_CURRENT_PACKET_FILTER;
            let set = ndis.set_information(&handle, oid, &filter.bits().to_le_bytes());
            set.err().unwrap_or(NdisStatus::SUCCESS)
        }),
        ..ProtocolCharacteristics::new(5, 0)
    }
}

/// A machine without interrupts and with one thread.
struct Machine;

impl Platform for Machine {
    fn now(&self) -> Instant {
        Instant::from_micros(1)
    }

    fn disable_interrupts(&self) -> bool {
        false
    }

    fn restore_interrupts(&self, _: bool) {}

    fn create_context(&self, _: ThreadId, _: usize) -> Result<(), NtStatus> {
        Err(NtStatus::INSUFFICIENT_RESOURCES)
    }

    fn switch(&self, _: ThreadId, _: ThreadId) {}

    fn wait_for_interrupt(&self) {}

    fn bug_check(&self, message: fmt::Arguments<'_>) -> ! {
        panic!("{message}")
    }
}

impl BusPlatform for Machine {
    fn connect_interrupt(&self, _: u8, _: bool, _: &'static dyn InterruptService) -> NtStatus {
        NtStatus::INVALID_PARAMETER
    }

    fn disconnect_interrupt(&self, _: u8, _: &'static dyn InterruptService) {}

    fn begin_interrupt_probe(&self) {}

    fn end_interrupt_probe(&self) -> u16 {
        0
    }
}

impl Configuration for Machine {
    fn get(&self, _: &str, _: &str) -> Option<&str> {
        None
    }
}
