//! The deferred half of an interrupt (seed items 15 to 17), and the recovery
//! from an overwrite warning.

use executive::time::{Duration, Instant};

use crate::bus::RegisterBus;
use crate::card::{Card, RECEIVE_CAUSES, State, TRANSMIT_CAUSES};
use crate::receive::ReceivedFrame;
use crate::registers::{Command, InterruptStatus, TransmitConfiguration};

/// Rounds over the interrupt status in one pass (seed item 16).
pub const INTERRUPT_LIMIT: usize = 10;

/// Frames taken in one pass, so that no flood keeps the processor at dispatch
/// level for long: one of full size takes some 30 microseconds in an emulator.
pub const RECEIVE_BUDGET: usize = 16;

/// Passes in a row that may be cut short without having achieved anything.
const FUTILE_PASSES: u8 = 8;

/// How long the chip takes at most to end a transmission or reception under way
/// when it is stopped: a frame of full size at 10 Mbit/s, with some reserve
/// (datasheet section 7, overwrite warning).
pub const STOP_TIME: Duration = Duration::from_micros(1600);

/// What a pass is to do with what it finds.
pub trait CardEvents<B> {
    /// A frame was received.
    fn received(&mut self, frame: &mut ReceivedFrame<'_, B>);

    /// A transmit slot is free again.
    fn transmit_slot_free(&mut self);
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Nothing is pending: unmask the card.
    Done,
    /// More is pending than one pass may do: leave the card masked and come
    /// again.
    MoreWork,
    /// The card is stopped until this time; come again then. Unmasking it does
    /// no harm, no cause is enabled.
    WaitUntil(Instant),
    /// The card or the ring is in a state that only a reset mends.
    NeedsReset,
    /// No card answers.
    Absent,
}

impl<B: RegisterBus> Card<B> {
    /// One pass of the deferred half, at dispatch level with the card masked.
    ///
    /// Reads and acknowledges the interrupt status, serves its causes from the
    /// low bit to the high one and starts again, at most [`INTERRUPT_LIMIT`]
    /// times.
    pub fn service(&mut self, now: Instant, events: &mut impl CardEvents<B>) -> Service {
        self.counters.service_passes += 1;
        match self.state {
            State::Stopped => return Service::Done,
            State::Absent => return Service::Absent,
            State::Recovering {
                since,
                was_transmitting,
            } => {
                let ready = since + STOP_TIME;
                if now < ready {
                    return Service::WaitUntil(ready);
                }
                if !self.end_recovery(was_transmitting, now, events) {
                    return Service::NeedsReset;
                }
            }
            State::Running => {}
        }
        let mut budget = RECEIVE_BUDGET;
        let before = self.progress();
        for _ in 0..INTERRUPT_LIMIT {
            let due = match self.take_causes() {
                Some(due) if due.is_empty() => {
                    self.choose_causes();
                    return Service::Done;
                }
                Some(due) => due,
                None => return Service::Absent,
            };
            self.serve(due, now, &mut budget, events);
            if self.broken {
                return Service::NeedsReset;
            }
            if let State::Recovering { since, .. } = self.state {
                return Service::WaitUntil(since + STOP_TIME);
            }
            if budget == 0 {
                break;
            }
        }
        self.counters.service_passes_cut_short += 1;
        if self.is_futile(before) {
            self.leave_stuck_causes();
            return Service::Done;
        }
        Service::MoreWork
    }

    /// Frames received and transmissions ended, to tell whether a pass achieved
    /// anything.
    fn progress(&self) -> u64 {
        let counters = &self.counters;
        counters.frames_received + counters.transmissions_completed
    }

    /// Whether this pass, cut short, was one too many that achieved nothing.
    fn is_futile(&mut self, before: u64) -> bool {
        if self.progress() != before {
            self.futile_passes = 0;
            return false;
        }
        self.futile_passes += 1;
        self.futile_passes >= FUTILE_PASSES
    }

    /// Leaves the causes alone that are set all the time, or else the deferred
    /// half would never come to an end. The next [`check`](Card::check) wants a
    /// reset.
    fn leave_stuck_causes(&mut self) {
        self.futile_passes = 0;
        self.stuck |= self.memory.registers.page0().interrupt_status();
        self.counters.stuck_causes += 1;
        self.choose_causes();
    }

    /// Reads and acknowledges the interrupt status. `None` if no card answers.
    fn take_causes(&mut self) -> Option<InterruptStatus> {
        let page0 = self.memory.registers.page0();
        let status = page0.interrupt_status();
        if status.bits() == 0xFF && self.is_absent() {
            self.set_absent();
            return None;
        }
        let served = (status & self.served_causes()) - self.stuck;
        if !served.is_empty() {
            self.memory.registers.page0().acknowledge(served);
        }
        if served.contains(InterruptStatus::PACKET_RECEIVED) {
            self.receiver.note_acknowledged();
        }
        let due = served | self.pending;
        self.pending = InterruptStatus::empty();
        Some(due)
    }

    /// PTX says nothing where transmissions end with the command: it may stay.
    const fn served_causes(&self) -> InterruptStatus {
        if self.identity().is_emulated {
            RECEIVE_CAUSES
        } else {
            RECEIVE_CAUSES.union(TRANSMIT_CAUSES)
        }
    }

    /// Serves the causes in the order of their bits. An error cause reads the
    /// tally counters and then does what its good twin does.
    fn serve(
        &mut self,
        due: InterruptStatus,
        now: Instant,
        budget: &mut usize,
        events: &mut impl CardEvents<B>,
    ) {
        for cause in due.iter() {
            match cause {
                InterruptStatus::PACKET_RECEIVED => self.receive(budget, events),
                InterruptStatus::PACKET_TRANSMITTED => self.transmitted(due, now, events),
                InterruptStatus::RECEIVE_ERROR => {
                    self.counters.receive_error_interrupts += 1;
                    self.update_counters();
                    if !due.contains(InterruptStatus::PACKET_RECEIVED) {
                        self.receive(budget, events);
                    }
                }
                InterruptStatus::TRANSMIT_ERROR => {
                    self.counters.transmit_error_interrupts += 1;
                    self.update_counters();
                    if !due.contains(InterruptStatus::PACKET_TRANSMITTED) {
                        self.transmitted(due, now, events);
                    }
                }
                InterruptStatus::OVERWRITE_WARNING => self.begin_recovery(now),
                InterruptStatus::COUNTER_OVERFLOW => {
                    self.counters.counter_interrupts += 1;
                    self.update_counters();
                }
                _ => {}
            }
        }
    }

    fn receive(&mut self, budget: &mut usize, events: &mut impl CardEvents<B>) {
        self.drain_acknowledged(budget, |frame| events.received(frame));
    }

    fn transmitted(&mut self, due: InterruptStatus, now: Instant, events: &mut impl CardEvents<B>) {
        let freed = self
            .transmitter
            .ended(&mut self.memory, due, now, &mut self.counters);
        if freed {
            events.transmit_slot_free();
        }
    }

    /// Adds the chip's tally counters, which reading clears, to the counters, and
    /// what the interrupt half has seen.
    pub fn update_counters(&mut self) {
        let seen = self.interrupt.counters();
        self.counters.interrupts = seen.recognised;
        self.counters.interrupts_not_mine = seen.not_mine;
        self.counters.interrupts_while_masked = seen.while_masked;
        if self.state == State::Absent {
            return;
        }
        let tally = self.memory.registers.page0().take_tally();
        self.counters.tally_alignment_errors += u64::from(tally.frame_alignment_errors);
        self.counters.tally_crc_errors += u64::from(tally.crc_errors);
        self.counters.tally_missed += u64::from(tally.missed);
    }

    /// First part of the recovery from an overwrite warning (datasheet section
    /// 7): stops the chip. The wait for it to come to rest is the caller's.
    fn begin_recovery(&mut self, now: Instant) {
        // TXP is clear again if the transmission has ended; PTX or TXE follows.
        let command = self.memory.registers.command();
        let was_transmitting = self.transmitter.is_leaving() && command.contains(Command::TRANSMIT);
        self.memory.registers.stop();
        self.interrupt.set_causes(InterruptStatus::empty());
        self.state = State::Recovering {
            since: now,
            was_transmitting,
        };
    }

    /// Second part, after [`STOP_TIME`]: makes room in the ring in loopback, and
    /// goes back to the network. Answers false if the ring is broken.
    fn end_recovery(
        &mut self,
        was_transmitting: bool,
        now: Instant,
        events: &mut impl CardEvents<B>,
    ) -> bool {
        let mut page0 = self.memory.registers.page0();
        page0.set_remote_count(0);
        // A transmission that was cut off leaves neither PTX nor TXE.
        let status = page0.interrupt_status();
        let resend = was_transmitting && !status.intersects(TRANSMIT_CAUSES);
        page0.set_transmit_configuration(TransmitConfiguration::INTERNAL_LOOPBACK);
        self.memory.registers.start();
        self.memory.reopen_port();
        let mut everything = usize::from(self.receiver.ring().pages());
        self.receive(&mut everything, events);
        let mut page0 = self.memory.registers.page0();
        page0.acknowledge(InterruptStatus::OVERWRITE_WARNING);
        // In loopback no frame can have set it again.
        let lasting = page0.interrupt_status() & InterruptStatus::OVERWRITE_WARNING;
        page0.set_transmit_configuration(TransmitConfiguration::empty());
        if !lasting.is_empty() {
            self.stuck |= lasting;
            self.counters.stuck_causes += 1;
        }
        self.state = State::Running;
        self.counters.overwrite_recoveries += 1;
        if resend {
            self.counters.overwrite_resends += 1;
            self.transmitter.resend(&mut self.memory, now);
        }
        self.choose_causes();
        // Frames were refused meanwhile, even with a slot free.
        events.transmit_slot_free();
        !self.broken
    }
}
