//! What a protocol does with a binding: send, ask, set, reset.

use executive::Irql;

use super::Ndis;
use crate::adapter::{Adapter, AdapterHandle};
use crate::binding::{Binding, BindingHandle};
use crate::counters::count;
use crate::miniport::AdapterContext;
use crate::oid::Oid;
use crate::packet::{Packet, PacketFlags, Passage, Sender};
use crate::protocol::Request;
use crate::status::NdisStatus;

impl Ndis {
    /// Sends a frame, which begins with its link-layer header. At or below Dispatch.
    ///
    /// SUCCESS: sent. PENDING: SendComplete follows; the miniport has the packet or it is queued.
    /// Else it is not sent: CLOSING, INVALID_PACKET (shorter than the header or longer than a
    /// frame), ADAPTER_NOT_READY, RESOURCES (the queue is full), or the miniport's status.
    pub fn send(&'static self, handle: &BindingHandle, mut packet: Packet) -> NdisStatus {
        let _raised = self.executive.raise_irql(Irql::Dispatch);
        let adapter = match self.begin_send(handle, &mut packet) {
            Ok(adapter) => adapter,
            Err(status) => return status,
        };
        let status = adapter.send(packet);
        if !status.is_pending() {
            handle.binding.count_send(status);
            handle.binding.release();
        }
        status
    }

    /// Sends frames; each one that is accepted is completed by SendComplete. Returns how many
    /// were. At or below Dispatch.
    pub fn send_packets(
        &'static self,
        handle: &BindingHandle,
        packets: impl Iterator<Item = Packet>,
    ) -> usize {
        let _raised = self.executive.raise_irql(Irql::Dispatch);
        let Some(target) = handle.binding.target(handle.generation) else {
            return 0;
        };
        let mut accepted = 0;
        let packets = packets.filter_map(|mut packet| {
            self.begin_send(handle, &mut packet).ok()?;
            accepted += 1;
            Some(packet)
        });
        target.adapter.send_all(packets);
        accepted
    }

    /// Notes the sender in the packet and begins its operation. Dispatch.
    #[inline]
    fn begin_send(
        &self,
        handle: &BindingHandle,
        packet: &mut Packet,
    ) -> Result<&'static Adapter, NdisStatus> {
        let binding = handle.binding;
        if !binding.acquire(handle.generation) {
            return Err(NdisStatus::CLOSING);
        }
        count(&binding.counters.sends);
        let place = binding.adapter_place();
        let Some(adapter) = self.adapters.get(place) else {
            return Err(refuse_send(binding, NdisStatus::ADAPTER_NOT_FOUND));
        };
        if !adapter.is_frame_length(packet.len()) {
            return Err(refuse_send(binding, NdisStatus::INVALID_PACKET));
        }
        let sender = Sender {
            slot: binding.slot,
            generation: handle.generation,
        };
        let info = packet.info_mut();
        info.flags.remove(PacketFlags::IS_LOOPBACK_PACKET);
        if !info.senders.push(Passage::new(sender, place)) {
            return Err(refuse_send(binding, NdisStatus::RESOURCES));
        }
        Ok(adapter)
    }

    /// Asks or sets. At or below Dispatch.
    ///
    /// PENDING: RequestComplete follows, with a copy of the request. Otherwise it is over;
    /// after SUCCESS of a query `request` has the answer, after INVALID_LENGTH the length needed.
    pub fn request(&'static self, handle: &BindingHandle, request: &mut Request) -> NdisStatus {
        let binding = handle.binding;
        if !binding.acquire(handle.generation) {
            return NdisStatus::CLOSING;
        }
        count(&binding.counters.requests);
        let status = match binding.target(handle.generation) {
            Some(target) => target.adapter.request(target.bound.sender, request),
            None => NdisStatus::CLOSING,
        };
        if !status.is_pending() {
            binding.count_request(status);
            binding.release();
        }
        status
    }

    /// Asks for information into `buffer`; returns its length. At or below Dispatch.
    ///
    /// # Errors
    /// Those of [`Ndis::request`], PENDING included, and INVALID_LENGTH when the answer is longer
    /// than `buffer`.
    pub fn query_information(
        &'static self,
        handle: &BindingHandle,
        oid: Oid,
        buffer: &mut [u8],
    ) -> Result<usize, NdisStatus> {
        let mut request = Request::query_of(oid, buffer.len());
        self.request(handle, &mut request).into_result()?;
        copy_answer(&request, buffer)
    }

    /// Sets information. At or below Dispatch.
    ///
    /// # Errors
    /// Those of [`Ndis::request`], PENDING included.
    pub fn set_information(
        &'static self,
        handle: &BindingHandle,
        oid: Oid,
        bytes: &[u8],
    ) -> Result<(), NdisStatus> {
        let mut request = Request::set(oid, bytes)?;
        self.request(handle, &mut request).into_result()
    }

    /// Resets the adapter. PENDING: ResetComplete follows at every binding. RESET_IN_PROGRESS
    /// when it is being reset. At or below Dispatch.
    pub fn reset(&'static self, handle: &BindingHandle) -> NdisStatus {
        match handle.binding.target(handle.generation) {
            Some(target) => target.adapter.reset(),
            None => NdisStatus::ADAPTER_NOT_OPEN,
        }
    }

    /// Lets an intermediate driver act as the miniport of its virtual adapter from a handler of
    /// its protocol edge: indicate a frame or a status, pass on a completion. The miniport's
    /// context is not taken, so this may be called at any time. At or below Dispatch.
    pub fn switch_to_miniport<R>(
        &'static self,
        adapter: &AdapterHandle,
        body: impl FnOnce(&mut AdapterContext) -> R,
    ) -> R {
        adapter.0.switch_to_miniport(body)
    }

    /// Resets an adapter for the console; see [`Ndis::reset`].
    pub fn reset_adapter(&'static self, adapter: &AdapterHandle) -> NdisStatus {
        adapter.0.reset()
    }

    /// Asks an adapter on behalf of nobody's binding: for the console, and for what a driver
    /// answers under identifiers of its own. Waits up to four seconds. Passive.
    ///
    /// # Errors
    /// Those of [`Ndis::request`]; RESOURCES while another such question waits.
    pub fn query_adapter(
        &'static self,
        adapter: &AdapterHandle,
        oid: Oid,
        buffer: &mut [u8],
    ) -> Result<usize, NdisStatus> {
        let mut request = Request::query_of(oid, buffer.len());
        adapter.0.console_request(&mut request).into_result()?;
        copy_answer(&request, buffer)
    }

    /// Sets something of an adapter on behalf of nobody's binding; see [`Ndis::query_adapter`].
    ///
    /// # Errors
    /// Those of [`Ndis::query_adapter`].
    pub fn set_adapter(
        &'static self,
        adapter: &AdapterHandle,
        oid: Oid,
        bytes: &[u8],
    ) -> Result<(), NdisStatus> {
        let mut request = Request::set(oid, bytes)?;
        adapter.0.console_request(&mut request).into_result()
    }
}

/// Ends the operation of a packet that is not sent.
#[cold]
fn refuse_send(binding: &Binding, status: NdisStatus) -> NdisStatus {
    if status == NdisStatus::INVALID_PACKET {
        count(&binding.counters.sends_invalid);
    }
    count(&binding.counters.sends_failed);
    binding.release();
    status
}

fn copy_answer(request: &Request, buffer: &mut [u8]) -> Result<usize, NdisStatus> {
    let bytes = request.bytes();
    let space = buffer
        .get_mut(..bytes.len())
        .ok_or(NdisStatus::INVALID_LENGTH)?;
    space.copy_from_slice(bytes);
    Ok(bytes.len())
}
