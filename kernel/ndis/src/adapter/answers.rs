//! What the wrapper answers of an adapter: its own identifiers in the list of those supported, and
//! what it knows itself when a miniport does not say.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{Adapter, AdapterState};
use crate::binding::MULTICAST_LIST_SIZE;
use crate::miniport::{AdapterContext, BATCH_SIZE, ErasedMiniport, RequestOutcome};
use crate::oid::Oid;
use crate::protocol::{REQUEST_BUFFER_SIZE, Request};
use crate::status::NdisStatus;

/// The identifiers that are answered whether the miniport knows them or not.
const OWN: [Oid; 19] = [
    Oid::GEN_SUPPORTED_LIST,
    Oid::GEN_HARDWARE_STATUS,
    Oid::GEN_MEDIA_SUPPORTED,
    Oid::GEN_MEDIA_IN_USE,
    Oid::GEN_MAXIMUM_LOOKAHEAD,
    Oid::GEN_MAXIMUM_FRAME_SIZE,
    Oid::GEN_CURRENT_PACKET_FILTER,
    Oid::GEN_CURRENT_LOOKAHEAD,
    Oid::GEN_DRIVER_VERSION,
    Oid::GEN_MAXIMUM_TOTAL_SIZE,
    Oid::GEN_PROTOCOL_OPTIONS,
    Oid::GEN_MEDIA_CONNECT_STATUS,
    Oid::GEN_MAXIMUM_SEND_PACKETS,
    Oid::GEN_XMIT_OK,
    Oid::GEN_RCV_OK,
    Oid::GEN_XMIT_ERROR,
    Oid::IEEE_802_3_CURRENT_ADDRESS,
    Oid::IEEE_802_3_MULTICAST_LIST,
    Oid::IEEE_802_3_MAXIMUM_LIST_SIZE,
];

/// GEN_HARDWARE_STATUS: ready, and being closed.
const HARDWARE_READY: u32 = 0;
const HARDWARE_CLOSING: u32 = 3;

/// Identifiers of four bytes each, as many as an answer has room for.
type OidList = heapless::Vec<u8, REQUEST_BUFFER_SIZE>;

impl Adapter {
    /// Has the miniport answer a query, and adds the wrapper's part: PENDING if the miniport
    /// answers later.
    pub(super) fn query(
        &self,
        request: &mut Request,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) -> NdisStatus {
        let oid = request.oid();
        if oid == Oid::GEN_SUPPORTED_LIST {
            // It becomes longer, and how long is known only with all of it.
            let mut list = [0; REQUEST_BUFFER_SIZE];
            let outcome = miniport.query(context, oid, &mut list);
            return match outcome {
                RequestOutcome::Done(length) => {
                    let list = list.get(..length).unwrap_or(&list);
                    self.complete_query(request, NdisStatus::SUCCESS, list)
                }
                RequestOutcome::Pending => NdisStatus::PENDING,
                _ => self.complete_query(request, NdisStatus::NOT_SUPPORTED, &[]),
            };
        }
        match miniport.query(context, oid, request.buffer_mut()) {
            RequestOutcome::Done(information) => {
                request.set_information(information);
                Self::bound_send_packets(request);
                NdisStatus::SUCCESS
            }
            RequestOutcome::Pending => NdisStatus::PENDING,
            RequestOutcome::TooShort(needed) => {
                request.set_needed(needed);
                NdisStatus::INVALID_LENGTH
            }
            RequestOutcome::Failure(status) => self.complete_query(request, status, &[]),
        }
    }

    /// The status of a query after the wrapper's part in the answer: the miniport answered it
    /// with `status` and `bytes`.
    pub(super) fn complete_query(
        &self,
        request: &mut Request,
        status: NdisStatus,
        bytes: &[u8],
    ) -> NdisStatus {
        let is_unknown = matches!(status, NdisStatus::NOT_SUPPORTED | NdisStatus::INVALID_OID);
        let answered = match request.oid() {
            Oid::GEN_SUPPORTED_LIST if is_unknown || status.is_success() => {
                Self::answer_list(request, bytes)
            }
            _ if status.is_success() => request
                .answer(bytes)
                .map(|()| Self::bound_send_packets(request)),
            _ if is_unknown => self.answer_instead(request, status),
            _ => Err(status),
        };
        answered.err().unwrap_or(NdisStatus::SUCCESS)
    }

    /// Answers with the miniport's list and what is missing of the wrapper's.
    fn answer_list(request: &mut Request, of_miniport: &[u8]) -> Result<(), NdisStatus> {
        let mut list = OidList::new();
        list.extend_from_slice(of_miniport)
            .map_err(|_| NdisStatus::RESOURCES)?;
        for oid in OWN {
            let number = oid.0.to_le_bytes();
            if !of_miniport.chunks_exact(4).any(|other| other == number) {
                list.extend_from_slice(&number)
                    .map_err(|_| NdisStatus::RESOURCES)?;
            }
        }
        request.answer(&list)
    }

    /// The wrapper gives a miniport so many packets at once at most, whatever it takes.
    fn bound_send_packets(request: &mut Request) {
        let most = request.bytes().first_chunk().copied();
        if request.oid() == Oid::GEN_MAXIMUM_SEND_PACKETS
            && let Some(most) = most.map(u32::from_le_bytes)
        {
            // It has the four bytes.
            let _ = request.answer(&most.min(BATCH_SIZE as u32).to_le_bytes());
        }
    }

    /// Answers what the wrapper knows.
    fn answer_instead(&self, request: &mut Request, status: NdisStatus) -> Result<(), NdisStatus> {
        match request.oid() {
            Oid::GEN_DRIVER_VERSION => {
                let (major, minor) = self.driver.version();
                request.answer(&[minor, major])
            }
            Oid::IEEE_802_3_CURRENT_ADDRESS => {
                let address = self.hardware_address();
                if address.0 == [0; 6] {
                    return Err(status);
                }
                request.answer(&address.0)
            }
            oid => {
                let number = self.number(oid).ok_or(status)?;
                request.answer(&number.to_le_bytes())
            }
        }
    }

    /// The answers that are numbers; counts keep their lower half.
    fn number(&self, oid: Oid) -> Option<u32> {
        let counters = &self.counters;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as u32;
        let frame_size = self.maximum_frame_size();
        Some(match oid {
            // Requests wait while it is reset.
            Oid::GEN_HARDWARE_STATUS if self.state() == AdapterState::Stopping => HARDWARE_CLOSING,
            Oid::GEN_HARDWARE_STATUS => HARDWARE_READY,
            Oid::GEN_MEDIA_SUPPORTED | Oid::GEN_MEDIA_IN_USE => self.medium() as u32,
            Oid::GEN_MAXIMUM_TOTAL_SIZE => (frame_size + self.header_size()) as u32,
            Oid::GEN_CURRENT_PACKET_FILTER => self.core.lock().hardware_filter.bits(),
            // Lookahead can be the whole payload.
            Oid::GEN_MAXIMUM_FRAME_SIZE
            | Oid::GEN_MAXIMUM_LOOKAHEAD
            | Oid::GEN_CURRENT_LOOKAHEAD => frame_size as u32,
            Oid::GEN_MEDIA_CONNECT_STATUS => u32::from(!self.is_media_connected()),
            Oid::GEN_MAXIMUM_SEND_PACKETS => BATCH_SIZE as u32,
            Oid::GEN_XMIT_OK => count(&counters.sends_done),
            Oid::GEN_RCV_OK => count(&counters.frames_received),
            Oid::GEN_XMIT_ERROR => count(&counters.sends_failed),
            Oid::IEEE_802_3_MAXIMUM_LIST_SIZE => MULTICAST_LIST_SIZE as u32,
            _ => return None,
        })
    }
}
