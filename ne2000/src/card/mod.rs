//! One card: initialisation in the order of the datasheet, filter, reset,
//! sending. The deferred half of its interrupts is in [`service`](crate::service).

mod check;

use executive::time::Instant;

use crate::bus::RegisterBus;
use crate::counters::CardCounters;
use crate::filter::{Address, ReceiveFilter};
use crate::identify::{self, Identity, Limits, ProbeError, data_configuration};
use crate::interrupt::InterruptHalf;
use crate::memory::CardMemory;
use crate::receive::{Drained, ReceivedFrame, Receiver};
use crate::registers::{InterruptStatus, ReceiveConfiguration, TransmitConfiguration};
use crate::transmit::{SendRefusal, Transmitter};

pub use check::Health;

/// The causes that are always enabled while the card runs. Transmit causes are
/// added while a transmission is under way, so that QEMU's card, whose
/// transmissions end at once, interrupts for received frames only.
pub const RECEIVE_CAUSES: InterruptStatus = InterruptStatus::PACKET_RECEIVED
    .union(InterruptStatus::RECEIVE_ERROR)
    .union(InterruptStatus::OVERWRITE_WARNING)
    .union(InterruptStatus::COUNTER_OVERFLOW);

/// The causes that end a transmission.
pub const TRANSMIT_CAUSES: InterruptStatus =
    InterruptStatus::PACKET_TRANSMITTED.union(InterruptStatus::TRANSMIT_ERROR);

/// What the card is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Stopped: off the network.
    Stopped,
    /// Running.
    Running,
    /// Stopped after an overwrite warning, to be started again some time after
    /// `since`.
    Recovering {
        /// When it was stopped.
        since: Instant,
        /// A transmission was under way then.
        was_transmitting: bool,
    },
    /// All registers read as ones: no card answers.
    Absent,
}

/// One card.
#[derive(Debug)]
pub struct Card<B> {
    pub(crate) memory: CardMemory<B>,
    pub(crate) receiver: Receiver,
    pub(crate) transmitter: Transmitter,
    pub(crate) interrupt: InterruptHalf<B>,
    pub(crate) counters: CardCounters,
    pub(crate) state: State,
    /// Causes acknowledged but not yet served.
    pub(crate) pending: InterruptStatus,
    /// Something happened that only a reset mends.
    pub(crate) broken: bool,
    /// Causes that can't be cleared, left alone until the next reset.
    pub(crate) stuck: InterruptStatus,
    /// Passes of the deferred half in a row that were cut short and had
    /// achieved nothing.
    pub(crate) futile_passes: u8,
    identity: Identity,
    station_address: Address,
    filter: ReceiveFilter,
}

impl<B: RegisterBus> Card<B> {
    /// Looks for a card behind `bus`; it is left stopped.
    ///
    /// # Errors
    /// Why there is none that can be used.
    pub fn probe(bus: B, limits: Limits) -> Result<Self, ProbeError> {
        let (memory, identity) = identify::identify(bus, limits)?;
        let ring = identity.ring().ok_or(ProbeError::NoMemory)?;
        let interrupt =
            InterruptHalf::new(memory.registers.bus().clone(), memory.registers.latch());
        Ok(Self {
            receiver: Receiver::new(ring, !identity.has_readback),
            transmitter: Transmitter::new(identity.transmit_page(), identity.is_emulated),
            memory,
            interrupt,
            counters: CardCounters::default(),
            state: State::Stopped,
            pending: InterruptStatus::empty(),
            broken: false,
            stuck: InterruptStatus::empty(),
            futile_passes: 0,
            identity,
            station_address: identity.permanent_address,
            filter: ReceiveFilter::default(),
        })
    }

    /// What was found out about the card.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the card is doing.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The address unicast frames must carry.
    pub const fn station_address(&self) -> Address {
        self.station_address
    }

    /// The filter in force.
    pub const fn filter(&self) -> ReceiveFilter {
        self.filter
    }

    /// What happened so far.
    pub const fn counters(&self) -> &CardCounters {
        &self.counters
    }

    /// The interrupt half, sharing its state with this card.
    pub fn interrupt_half(&self) -> InterruptHalf<B> {
        self.interrupt.clone()
    }

    /// The receive ring's software half.
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Page that the chip stores the next frame at (CURR), for diagnostics. The
    /// card is masked for that long.
    pub fn current_page(&mut self) -> u8 {
        let _masked = self.interrupt.suspend();
        self.memory.registers.page1().current()
    }

    /// Chooses another station address than the PROM's, before the card is
    /// started.
    pub fn set_station_address(&mut self, address: Address) {
        self.station_address = address;
    }

    /// Works around the first DP8390's fault with remote writes; see
    /// [`CardMemory::set_read_before_write`].
    pub fn set_read_before_write(&mut self, on: bool) {
        self.memory.set_read_before_write(on);
    }

    /// Initialises the chip and puts it on the network (datasheet section 11).
    /// It stays masked; the causes of interrupts are chosen.
    pub fn start(&mut self) {
        self.initialize();
        self.memory.registers.start();
        if self.station_address != self.identity.permanent_address {
            self.write_prom();
        }
        self.receiver.arm_guard(&mut self.memory);
        let mut page0 = self.memory.registers.page0();
        page0.set_transmit_configuration(TransmitConfiguration::empty());
        page0.set_receive_configuration(self.filter.configuration());
        self.state = State::Running;
        self.interrupt.set_absent(false);
        self.interrupt.set_causes(RECEIVE_CAUSES);
    }

    /// Everything up to the start of the chip, in the order of the datasheet.
    fn initialize(&mut self) {
        let ring = self.receiver.ring();
        self.receiver.restart();
        self.counters.transmit_lost_in_reset += self.transmitter.clear();
        self.pending = InterruptStatus::empty();
        self.broken = false;
        self.stuck = InterruptStatus::empty();
        self.futile_passes = 0;

        let registers = &mut self.memory.registers;
        registers.stop();
        let mut page0 = registers.page0();
        page0.set_data_configuration(data_configuration(self.identity.width));
        page0.set_remote_count(0);
        page0.set_receive_configuration(ReceiveConfiguration::MONITOR);
        page0.set_transmit_configuration(TransmitConfiguration::INTERNAL_LOOPBACK);
        page0.set_transmit_page(self.transmitter.first_page());
        page0.set_page_start(ring.start());
        page0.set_page_stop(ring.stop());
        page0.set_boundary(self.receiver.boundary());
        page0.acknowledge(InterruptStatus::all());
        self.interrupt.disable();
        let mut page1 = registers.page1();
        page1.set_physical_address(self.station_address);
        page1.set_multicast_hash(self.filter.hash());
        page1.set_current(self.receiver.initial_current());
        drop(page1);
        self.memory.reopen_port();
    }

    /// QEMU's card (hw/net/ne2000.c, `ne2000_receive`) compares the destination
    /// with its PROM, which can be written there, instead of PAR. On a real card
    /// nothing is writable at these addresses.
    fn write_prom(&mut self) {
        let doubled = self.station_address.map(|byte| [byte; 2]);
        let doubled = doubled.as_flattened();
        if self.memory.write(0, [doubled], doubled.len()).is_err() {
            self.counters.remote_dma_timeouts += 1;
        }
    }

    /// Takes the card off the network and masks it. Frames in the transmit slots
    /// are lost.
    pub fn stop(&mut self) {
        self.interrupt.set_causes(InterruptStatus::empty());
        self.interrupt.disable();
        self.memory.registers.stop();
        self.counters.transmit_lost_in_reset += self.transmitter.clear();
        if self.state != State::Absent {
            self.state = State::Stopped;
        }
    }

    /// Resets the chip and starts it anew with address and filter as they were.
    /// Frames in card memory are lost. The card stays masked if it was; answers
    /// whether a card is still there.
    pub fn reset(&mut self) -> bool {
        // With no cause enabled it can't be told whether it was masked.
        let was_quiet = self.interrupt.causes().is_empty();
        let suspended = self.interrupt.suspend();
        self.counters.resets += 1;
        identify::reset(&mut self.memory.registers);
        if self.is_absent() {
            self.set_absent();
            return false;
        }
        self.start();
        drop(suspended);
        if was_quiet {
            self.interrupt.enable();
        }
        true
    }

    /// Makes the card raise its interrupt line, or ends that, to find out which
    /// line it is. The card runs and is masked otherwise.
    pub fn provoke_interrupt(&mut self, raised: bool) {
        let cause = InterruptStatus::REMOTE_DMA_COMPLETE;
        if raised {
            let mut page0 = self.memory.registers.page0();
            page0.acknowledge(cause);
            page0.set_interrupt_mask(cause);
            self.memory.acknowledged(cause);
            let address = u16::from_be_bytes([self.transmitter.first_page(), 0]);
            // An open port doesn't report its completion.
            self.memory.set_open_port(false);
            if self.memory.write(address, [&[0; 4][..]], 4).is_err() {
                self.counters.remote_dma_timeouts += 1;
            }
            self.memory.set_open_port(self.identity.is_emulated);
        } else {
            let mut page0 = self.memory.registers.page0();
            page0.set_interrupt_mask(InterruptStatus::empty());
            page0.acknowledge(cause);
        }
    }

    /// Changes the filter, in force at once if the card runs.
    pub fn set_filter(&mut self, filter: ReceiveFilter) {
        let old_hash = self.filter.hash();
        self.filter = filter;
        if self.state != State::Running {
            return;
        }
        let _masked = self.interrupt.suspend();
        if filter.hash() != old_hash {
            self.memory
                .registers
                .page1()
                .set_multicast_hash(filter.hash());
        }
        self.memory
            .registers
            .page0()
            .set_receive_configuration(filter.configuration());
    }

    /// Whether [`send`](Self::send) would find a free slot.
    pub fn can_send(&self) -> bool {
        self.state == State::Running && self.transmitter.has_room()
    }

    /// Sends a frame of `length` bytes, header included, that `segments` make
    /// up. It has been copied to the card when this returns. `now` gives the
    /// time, where it is needed. Page 0, any level up to dispatch.
    ///
    /// # Errors
    /// Why it wasn't taken; nothing was sent then.
    pub fn send<'s>(
        &mut self,
        segments: impl IntoIterator<Item = &'s [u8]>,
        length: usize,
        now: impl FnOnce() -> Instant,
    ) -> Result<(), SendRefusal> {
        if self.state != State::Running {
            let is_recovering = matches!(self.state, State::Recovering { .. });
            return Err(if is_recovering {
                SendRefusal::Busy
            } else {
                SendRefusal::NotRunning
            });
        }
        let sent = self
            .transmitter
            .send(&mut self.memory, segments, length, now);
        match sent {
            Ok(bytes) => {
                self.counters.frames_sent += 1;
                self.counters.bytes_sent += u64::from(bytes);
                if self.identity.is_emulated {
                    self.counters.transmissions_completed += 1;
                } else {
                    self.choose_causes();
                }
                Ok(())
            }
            Err(refusal) => {
                match refusal {
                    SendRefusal::Busy => self.counters.transmit_slots_busy += 1,
                    SendRefusal::BadLength => self.counters.transmit_bad_length += 1,
                    SendRefusal::Stuck => {
                        self.counters.remote_dma_timeouts += 1;
                        self.broken = true;
                    }
                    SendRefusal::NotRunning => {}
                }
                Err(refusal)
            }
        }
    }

    /// Chooses the causes for what the card is doing.
    pub(crate) fn choose_causes(&self) {
        let causes = if self.transmitter.is_leaving() {
            RECEIVE_CAUSES | TRANSMIT_CAUSES
        } else {
            RECEIVE_CAUSES
        };
        self.interrupt.set_causes(causes - self.stuck);
    }

    /// Takes frames from the ring without a look at the interrupt status, for
    /// benchmarks and for cards that are polled. The card must be masked.
    pub fn drain(
        &mut self,
        budget: &mut usize,
        sink: impl FnMut(&mut ReceivedFrame<'_, B>),
    ) -> Drained {
        self.memory
            .registers
            .page0()
            .acknowledge(InterruptStatus::PACKET_RECEIVED);
        self.receiver.note_acknowledged();
        self.drain_acknowledged(budget, sink)
    }

    /// Takes frames from the ring and remembers what is left to do.
    pub(crate) fn drain_acknowledged(
        &mut self,
        budget: &mut usize,
        sink: impl FnMut(&mut ReceivedFrame<'_, B>),
    ) -> Drained {
        let drained = self
            .receiver
            .drain(&mut self.memory, &mut self.counters, budget, sink);
        match drained {
            Drained::All => {}
            Drained::BudgetSpent => self.pending |= InterruptStatus::PACKET_RECEIVED,
            Drained::Broken => self.broken = true,
        }
        drained
    }
}
