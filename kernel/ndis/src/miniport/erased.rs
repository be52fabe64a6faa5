//! A miniport as the wrapper sees it: without its types.

use alloc::boxed::Box;

use super::initialize::{FlushHandler, TimerHandler};
use super::interrupt::InterruptBlock;
use super::send_batch::Frames;
use super::{
    AdapterContext, HandleInterrupt, InitializeContext, MiniportCharacteristics, MiniportDriver,
    RequestOutcome, ResetOutcome, SendBatch, SendOutcome,
};
use crate::adapter::Adapter;
use crate::medium::Medium;
use crate::oid::Oid;
use crate::packet::Packet;
use crate::status::NdisStatus;

/// A handler for one frame.
type SendHandler<D> =
    fn(&mut <D as MiniportDriver>::Adapter, &mut AdapterContext, Packet) -> SendOutcome;

/// A handler for several frames.
type SendPacketsHandler<D> =
    fn(&mut <D as MiniportDriver>::Adapter, &mut AdapterContext, &mut SendBatch<'_>);

/// A registered miniport driver.
pub(crate) struct MiniportBlock<D: MiniportDriver> {
    pub(crate) name: &'static str,
    /// As far as its version goes, and checked.
    pub(crate) characteristics: MiniportCharacteristics<D>,
    pub(crate) driver: D::Driver,
}

/// A registered miniport driver of any type.
pub(crate) trait ErasedDriver: Send + Sync {
    fn name(&self) -> &'static str;
    fn version(&self) -> (u8, u8);
    /// The miniport's side of a new adapter, not initialized.
    fn new_adapter(&'static self) -> Box<dyn ErasedMiniport>;
}

impl<D: MiniportDriver> ErasedDriver for MiniportBlock<D> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> (u8, u8) {
        (
            self.characteristics.major_ndis_version,
            self.characteristics.minor_ndis_version,
        )
    }

    fn new_adapter(&'static self) -> Box<dyn ErasedMiniport> {
        let MiniportCharacteristics {
            send,
            send_packets,
            co_send_packets,
            ..
        } = self.characteristics;
        Box::new(MiniportAdapter {
            driver: self,
            adapter: None,
            interrupt: None,
            timer: None,
            flush: None,
            send,
            several: send_packets.or(co_send_packets.filter(|_| send.is_none())),
        })
    }
}

/// An adapter's handlers, with its context. All but `initialize` and `halt` are called at
/// Dispatch.
pub(crate) trait ErasedMiniport: Send {
    fn initialize(&mut self, adapter: &'static Adapter) -> Result<Medium, NdisStatus>;
    fn halt(&mut self, context: &mut AdapterContext);
    fn shutdown(&mut self);
    fn handle_interrupt(&mut self, context: &mut AdapterContext) -> HandleInterrupt;
    fn enable_interrupt(&self);
    fn timer(&mut self, context: &mut AdapterContext);
    /// Passes on or drops the packets that the driver holds.
    fn flush(&mut self, context: &mut AdapterContext);
    /// `None`: there is no such handler.
    fn check_for_hang(&mut self, context: &mut AdapterContext) -> Option<bool>;
    fn reconfigure(&mut self, context: &mut AdapterContext);
    fn reset(&mut self, context: &mut AdapterContext) -> ResetOutcome;
    fn query(
        &mut self,
        context: &mut AdapterContext,
        oid: Oid,
        buffer: &mut [u8],
    ) -> RequestOutcome;
    fn set(&mut self, context: &mut AdapterContext, oid: Oid, buffer: &mut [u8]) -> RequestOutcome;
    /// Sends a frame whose sender waits for the answer.
    fn send(&mut self, context: &mut AdapterContext, packet: Packet) -> SendOutcome;
    /// Sends frames from the front; those there is no room for stay.
    fn send_packets(&mut self, context: &mut AdapterContext, frames: &mut Frames);
}

struct MiniportAdapter<D: MiniportDriver> {
    driver: &'static MiniportBlock<D>,
    /// There while the adapter is started.
    adapter: Option<D::Adapter>,
    /// There once an interrupt has been registered.
    interrupt: Option<&'static InterruptBlock<D>>,
    timer: Option<TimerHandler<D>>,
    flush: Option<FlushHandler<D>>,
    /// The handlers to send with: at least one of the two.
    send: Option<SendHandler<D>>,
    several: Option<SendPacketsHandler<D>>,
}

impl<D: MiniportDriver> MiniportAdapter<D> {
    /// Takes the adapter off its interrupt line.
    fn disconnect_interrupt(&self, adapter: &'static Adapter) {
        if let (Some(block), Some(line)) = (self.interrupt, adapter.interrupt_line()) {
            adapter.ndis.platform().disconnect_interrupt(line, block);
            adapter.set_interrupt_line(None);
            drop(block.register(None));
        }
    }
}

impl<D: MiniportDriver> ErasedMiniport for MiniportAdapter<D> {
    fn initialize(&mut self, adapter: &'static Adapter) -> Result<Medium, NdisStatus> {
        let MiniportBlock {
            characteristics,
            driver,
            ..
        } = self.driver;
        let initialize = characteristics
            .initialize
            .ok_or(NdisStatus::BAD_CHARACTERISTICS)?;
        let mut context = InitializeContext::new(
            adapter,
            characteristics,
            &mut self.interrupt,
            &mut self.timer,
            &mut self.flush,
        );
        let initialized = initialize(driver, &mut context, Medium::ALL);
        let result = initialized.and_then(|initialized| {
            let medium = Medium::ALL.get(initialized.medium_index).copied();
            let medium = medium.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?;
            self.adapter = Some(initialized.adapter);
            Ok(medium)
        });
        if result.is_err() {
            self.disconnect_interrupt(adapter);
        }
        result
    }

    fn halt(&mut self, context: &mut AdapterContext) {
        if let (Some(halt), Some(adapter)) = (self.driver.characteristics.halt, self.adapter.take())
        {
            halt(adapter, context);
        }
        // Only now: until the card is quiet its interrupts need a service routine.
        self.disconnect_interrupt(context.adapter());
    }

    fn shutdown(&mut self) {
        if let (Some(shutdown), Some(adapter)) =
            (self.driver.characteristics.shutdown, &mut self.adapter)
        {
            shutdown(adapter);
        }
    }

    fn handle_interrupt(&mut self, context: &mut AdapterContext) -> HandleInterrupt {
        match (
            self.driver.characteristics.handle_interrupt,
            &mut self.adapter,
        ) {
            (Some(handle_interrupt), Some(adapter)) => handle_interrupt(adapter, context),
            _ => HandleInterrupt::Done,
        }
    }

    fn enable_interrupt(&self) {
        if let Some(interrupt) = self.interrupt {
            interrupt.enable();
        }
    }

    fn timer(&mut self, context: &mut AdapterContext) {
        if let (Some(handler), Some(adapter)) = (self.timer, &mut self.adapter) {
            handler(adapter, context);
        }
    }

    fn flush(&mut self, context: &mut AdapterContext) {
        if let (Some(handler), Some(adapter)) = (self.flush, &mut self.adapter) {
            handler(adapter, context);
        }
    }

    fn check_for_hang(&mut self, context: &mut AdapterContext) -> Option<bool> {
        let handler = self.driver.characteristics.check_for_hang?;
        Some(handler(self.adapter.as_mut()?, context))
    }

    fn reconfigure(&mut self, context: &mut AdapterContext) {
        if let (Some(reconfigure), Some(adapter)) =
            (self.driver.characteristics.reconfigure, &mut self.adapter)
        {
            let status = reconfigure(adapter, context);
            log::info!(target: "ndis", "{}: reconfigured: {status}", context.adapter_name());
        }
    }

    fn reset(&mut self, context: &mut AdapterContext) -> ResetOutcome {
        match (self.driver.characteristics.reset, &mut self.adapter) {
            (Some(reset), Some(adapter)) => reset(adapter, context),
            _ => ResetOutcome::Failure(NdisStatus::NOT_RESETTABLE),
        }
    }

    fn query(
        &mut self,
        context: &mut AdapterContext,
        oid: Oid,
        buffer: &mut [u8],
    ) -> RequestOutcome {
        let MiniportCharacteristics {
            query_information,
            co_request,
            ..
        } = &self.driver.characteristics;
        match (&mut self.adapter, query_information, co_request) {
            (Some(adapter), Some(query), _) => query(adapter, context, oid, buffer),
            (Some(adapter), None, Some(request)) => request(adapter, context, false, oid, buffer),
            _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
        }
    }

    fn set(&mut self, context: &mut AdapterContext, oid: Oid, buffer: &mut [u8]) -> RequestOutcome {
        let MiniportCharacteristics {
            set_information,
            co_request,
            ..
        } = &self.driver.characteristics;
        match (&mut self.adapter, set_information, co_request) {
            (Some(adapter), Some(set), _) => set(adapter, context, oid, buffer),
            (Some(adapter), None, Some(request)) => request(adapter, context, true, oid, buffer),
            _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
        }
    }

    fn send(&mut self, context: &mut AdapterContext, packet: Packet) -> SendOutcome {
        match (&mut self.adapter, self.send, self.several) {
            (Some(adapter), Some(send), _) => send(adapter, context, packet),
            (Some(adapter), None, Some(several)) => {
                send_one::<D>(several, adapter, context, packet)
            }
            // Not initialized, or nothing to send with, which registration refuses.
            _ => SendOutcome::Resources(packet),
        }
    }

    fn send_packets(&mut self, context: &mut AdapterContext, frames: &mut Frames) {
        let mut batch = SendBatch::new(frames);
        match (&mut self.adapter, self.several, self.send) {
            (Some(adapter), Some(several), _) => several(adapter, context, &mut batch),
            (Some(adapter), None, Some(send)) => {
                batch.send_each(context, |context, packet| send(adapter, context, packet));
            }
            _ => {}
        }
    }
}

/// Sends one frame by the handler for several.
#[inline(never)]
fn send_one<D: MiniportDriver>(
    several: SendPacketsHandler<D>,
    adapter: &mut D::Adapter,
    context: &mut AdapterContext,
    packet: Packet,
) -> SendOutcome {
    let mut frames = Frames::new();
    let mut answer = None;
    // It is empty, so there is room.
    let _ = frames.push_back(packet);
    several(
        adapter,
        context,
        &mut SendBatch::of_one(&mut frames, &mut answer),
    );
    answer
        .or_else(|| frames.pop_front().map(SendOutcome::Resources))
        // Not reached: a frame that was taken has an answer.
        .unwrap_or(SendOutcome::Failure(NdisStatus::FAILURE))
}
