//! What a miniport's Initialize handler can do.

use alloc::boxed::Box;

use executive::Executive;
use executive::time::{Duration, Instant};

use super::interrupt::{InterruptBlock, Registration};
use super::{AdapterContext, BusType, MiniportCharacteristics, MiniportDriver, Resources};
use crate::adapter::Adapter;
use crate::address::HardwareAddress;
use crate::status::NdisStatus;

/// A handler of the driver's timer. Dispatch.
pub(super) type TimerHandler<D> = fn(&mut <D as MiniportDriver>::Adapter, &mut AdapterContext);

/// A handler that gives up the packets that the driver holds. Dispatch.
pub(super) type FlushHandler<D> = fn(&mut <D as MiniportDriver>::Adapter, &mut AdapterContext);

/// What Initialize makes.
pub struct Initialized<D: MiniportDriver> {
    /// The context for every other handler (seed item 12).
    pub adapter: D::Adapter,
    /// Place of the adapter's medium among those offered (seed item 9).
    pub medium_index: usize,
}

/// The wrapper, as a miniport's Initialize handler sees it. Passive.
pub struct InitializeContext<'a, D: MiniportDriver> {
    adapter: &'static Adapter,
    characteristics: &'a MiniportCharacteristics<D>,
    interrupt: &'a mut Option<&'static InterruptBlock<D>>,
    timer: &'a mut Option<TimerHandler<D>>,
    flush: &'a mut Option<FlushHandler<D>>,
}

impl<'a, D: MiniportDriver> InitializeContext<'a, D> {
    pub(super) fn new(
        adapter: &'static Adapter,
        characteristics: &'a MiniportCharacteristics<D>,
        interrupt: &'a mut Option<&'static InterruptBlock<D>>,
        timer: &'a mut Option<TimerHandler<D>>,
        flush: &'a mut Option<FlushHandler<D>>,
    ) -> Self {
        Self {
            adapter,
            characteristics,
            interrupt,
            timer,
            flush,
        }
    }

    /// The adapter's name.
    pub fn adapter_name(&self) -> &'static str {
        self.adapter.name
    }

    /// The executive, for what the driver needs besides.
    pub fn executive(&self) -> &'static Executive {
        self.adapter.executive()
    }

    /// The time since the machine started.
    pub fn now(&self) -> Instant {
        self.executive().now()
    }

    /// Waits for `duration` without giving up the processor.
    pub fn stall(&self, duration: Duration) {
        self.executive().stall(duration);
    }

    /// The adapter's hardware resources: from the bus, else from the configuration keys `Port`
    /// and `Irq` (seed item 11). A value out of range counts as none.
    pub fn resources(&self) -> Resources {
        let assigned = self.adapter.resources;
        if assigned.bus == BusType::Internal {
            return assigned;
        }
        let port = self
            .read_integer("Port")
            .and_then(|port| u16::try_from(port).ok());
        let interrupt = self
            .read_integer("Irq")
            .and_then(|line| u8::try_from(line).ok());
        assigned.or(port, interrupt.filter(|&line| line < 16))
    }

    /// The configured value of `key` for this adapter.
    pub fn read_configuration(&self, key: &str) -> Option<&'static str> {
        self.adapter
            .ndis
            .configuration()
            .get(self.adapter.section, key)
    }

    /// A configured number: decimal, or hexadecimal behind `0x`.
    pub fn read_integer(&self, key: &str) -> Option<u32> {
        let text = self.read_configuration(key)?.trim();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let number = match digits {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        if number.is_err() {
            log::warn!(target: "ndis", "{}: {key}={text} is not a number", self.adapter.name);
        }
        number.ok()
    }

    /// The configured hardware address (key `NetworkAddress`), to be used instead of the
    /// permanent one. Only six bytes count (seed item 11), and not a group address.
    pub fn read_network_address(&self) -> Option<HardwareAddress> {
        let text = self.read_configuration("NetworkAddress")?;
        let address = HardwareAddress::parse(text).filter(|address| !address.is_group());
        if address.is_none() {
            let name = self.adapter.name;
            log::warn!(target: "ndis", "{name}: NetworkAddress={text} is no station's address");
        }
        address
    }

    /// Begins to watch which interrupt lines fire, to find the card's.
    pub fn begin_interrupt_probe(&self) {
        self.adapter.ndis.platform().begin_interrupt_probe();
    }

    /// Ends the watch: bit n is set if line n fired.
    pub fn end_interrupt_probe(&self) -> u16 {
        self.adapter.ndis.platform().end_interrupt_probe()
    }

    /// Connects the adapter to interrupt `line`; from now on its service routine may run.
    ///
    /// With `request_isr` the driver's `isr` handler is asked whether an interrupt is the card's;
    /// else every one counts as such and `disable_interrupt` is called (seed item 14). The wrapper
    /// disconnects the line when the adapter is halted or Initialize fails.
    ///
    /// # Errors
    /// BAD_CHARACTERISTICS without the handlers this needs (`isr`, or `disable_interrupt`; and
    /// `handle_interrupt`), RESOURCE_CONFLICT when the line cannot be had, FAILURE for a second
    /// call.
    pub fn register_interrupt(
        &mut self,
        line: u8,
        interrupt: D::Interrupt,
        request_isr: bool,
        shared: bool,
    ) -> Result<(), NdisStatus> {
        let characteristics = self.characteristics;
        let service = if request_isr {
            characteristics.isr.is_some()
        } else {
            characteristics.disable_interrupt.is_some()
        };
        if !service || characteristics.handle_interrupt.is_none() {
            return Err(NdisStatus::BAD_CHARACTERISTICS);
        }
        if self.adapter.interrupt_line().is_some() {
            return Err(NdisStatus::FAILURE);
        }
        let (adapter, executive) = (self.adapter, self.executive());
        let block = *self.interrupt.get_or_insert_with(|| {
            Box::leak(Box::new(InterruptBlock::new(
                executive,
                adapter,
                *characteristics,
            )))
        });
        block.register(Some(Registration {
            interrupt,
            request_isr,
        }));
        let status = adapter
            .ndis
            .platform()
            .connect_interrupt(line, shared, block);
        if !status.is_success() {
            log::error!(target: "ndis", "{}: irq {line}: {status}", adapter.name);
            drop(block.register(None));
            return Err(NdisStatus::RESOURCE_CONFLICT);
        }
        adapter.set_interrupt_line(Some(line));
        Ok(())
    }

    /// Registers the handler that [`AdapterContext::set_timer`] has called.
    ///
    /// # Errors
    /// RESOURCES when no timer can be had.
    pub fn register_timer(&mut self, handler: TimerHandler<D>) -> Result<(), NdisStatus> {
        self.adapter
            .create_timer()
            .map_err(|_| NdisStatus::RESOURCES)?;
        *self.timer = Some(handler);
        Ok(())
    }

    /// Registers the handler that is called before the adapter is taken out of its stack or halted.
    ///
    /// It sends on, indicates or drops every packet that the driver holds, in order. No packet comes
    /// while it runs, nor afterwards. Called at Dispatch.
    pub fn register_flush(&mut self, handler: FlushHandler<D>) {
        *self.flush = Some(handler);
    }
}
