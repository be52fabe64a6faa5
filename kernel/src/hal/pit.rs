//! The interval timer (8254), channel 0: the clock's interrupt on line 0, and the
//! reference the TSC is measured with.

use x86_64::instructions::port::Port;

/// Input clock, in Hz.
pub(crate) const FREQUENCY: u64 = 1_193_182;

/// Control word: channel 0, both bytes, mode 2 (rate generator), binary.
const CHANNEL_0_RATE: u8 = 0x34;

/// Control word: latch the count of channel 0.
const LATCH_CHANNEL_0: u8 = 0x00;

/// Channel 0 of the interval timer.
pub(crate) struct IntervalTimer {
    channel: Port<u8>,
    control: Port<u8>,
}

impl IntervalTimer {
    /// The timer at its usual ports.
    pub(crate) const fn new() -> Self {
        Self {
            channel: Port::new(0x40),
            control: Port::new(0x43),
        }
    }

    /// Makes the timer count down from `divisor` again and again, an interrupt each
    /// time; 0 stands for 65536.
    pub(crate) fn start(&mut self, divisor: u16) {
        let [low, high] = divisor.to_le_bytes();
        // SAFETY: these are the timer's ports, and nothing else uses channel 0.
        unsafe {
            self.control.write(CHANNEL_0_RATE);
            self.channel.write(low);
            self.channel.write(high);
        }
    }

    /// Makes the timer interrupt about `hertz` times a second, at least 19 times.
    pub(crate) fn start_at(&mut self, hertz: u64) {
        let divisor = (FREQUENCY + hertz / 2) / hertz.max(1);
        self.start(u16::try_from(divisor.max(1)).unwrap_or(0));
    }

    /// The present count.
    pub(crate) fn count(&mut self) -> u16 {
        // SAFETY: as in `start`; latching does not disturb the count.
        unsafe {
            self.control.write(LATCH_CHANNEL_0);
            u16::from_le_bytes([self.channel.read(), self.channel.read()])
        }
    }
}
