//! Looking after a card from time to time: what no interrupt tells.

use executive::time::{Duration, Instant};

use super::{Card, State, TRANSMIT_CAUSES};
use crate::bus::RegisterBus;
use crate::registers::InterruptStatus;
use crate::transmit::TRANSMIT_TIMEOUT;

/// A recovery from an overwrite warning that takes this long has been forgotten.
const RECOVERY_TIMEOUT: Duration = Duration::from_millis(500);

/// What a look at the card found; see [`Card::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// All is well, as far as can be told.
    Good,
    /// An interrupt had got lost; the card was made to raise it again.
    InterruptLost,
    /// The card has to be reset.
    NeedsReset,
    /// No card answers.
    Absent,
}

impl<B: RegisterBus> Card<B> {
    /// Looks after the card from time to time: a transmission that never ends, a
    /// lost interrupt, a card that is gone (datasheet section 10.3 gives no
    /// longer time to any of them than [`TRANSMIT_TIMEOUT`]).
    pub fn check(&mut self, now: Instant) -> Health {
        match self.state {
            State::Running => {}
            State::Absent => return Health::Absent,
            State::Recovering { since, .. } if now.duration_since(since) >= RECOVERY_TIMEOUT => {
                return Health::NeedsReset;
            }
            State::Recovering { .. } | State::Stopped => return Health::Good,
        }
        if self.is_absent() {
            self.set_absent();
            return Health::Absent;
        }
        if self.broken || !self.stuck.is_empty() {
            return Health::NeedsReset;
        }
        let status = self.memory.registers.page0().interrupt_status();
        let overdue = self
            .transmitter
            .leaving_for(now)
            .is_some_and(|time| time >= TRANSMIT_TIMEOUT);
        if overdue && !status.intersects(TRANSMIT_CAUSES) {
            self.counters.transmit_timeouts += 1;
            return Health::NeedsReset;
        }
        if status.intersects(self.interrupt.in_force()) {
            // Below device level a pending interrupt would have been taken.
            self.counters.lost_interrupts += 1;
            drop(self.interrupt.suspend());
            return Health::InterruptLost;
        }
        Health::Good
    }

    /// Whether the registers read as all ones, which no card's do: RST and the
    /// other interrupt bits aren't set together, and STP contradicts STA.
    pub(crate) fn is_absent(&mut self) -> bool {
        self.memory.registers.raw_command() == 0xFF
            && self.memory.registers.page0().interrupt_status().bits() == 0xFF
    }

    pub(crate) fn set_absent(&mut self) {
        self.counters.card_absent += 1;
        self.state = State::Absent;
        self.counters.transmit_lost_in_reset += self.transmitter.clear();
        self.interrupt.set_causes(InterruptStatus::empty());
        self.interrupt.set_absent(true);
    }
}
