//! QueryInformation: what protocols and the console may ask.

use ndis::{AdapterContext, MULTICAST_LIST_SIZE, NdisStatus, Oid, RequestOutcome};

use super::{Adapter, NDIS_VERSION};
use crate::bus::RegisterBus;
use crate::card::State;
use crate::counters::CardCounters;
use crate::measure::OID_MEASURE;
use crate::memory::PAGE_SIZE;
use crate::receive::LOOKAHEAD_SIZE;
use crate::report::{CardReport, OID_CARD, OID_COUNTERS, counter_values};
use crate::transmit::{ETHERNET_HEADER_SIZE, MAXIMUM_FRAME, SLOT_PAGES, SLOTS};

/// The identifiers of this driver's own; it knows all those of `ndis` too.
const PRIVATE: [Oid; 6] = [
    Oid(OID_MEASURE),
    Oid(OID_CARD),
    Oid(OID_COUNTERS[0]),
    Oid(OID_COUNTERS[1]),
    Oid(OID_COUNTERS[2]),
    Oid(OID_COUNTERS[3]),
];

/// 10 Mbit/s in units of 100 bit/s.
const LINK_SPEED: u32 = 100_000;

/// Frames worth giving to SendPackets at once.
const MAXIMUM_SEND_PACKETS: u32 = 16;

/// Version of this driver: major in the upper half.
const VENDOR_DRIVER_VERSION: u32 = 0x0001_0000;

/// The lookahead is a copy, indications come one at a time, transfers never
/// pend, and the wrapper loops frames back (NDIS_MAC_OPTION_* of `ntddndis.h`).
const MAC_OPTIONS: u32 = 0x01 | 0x02 | 0x04 | 0x08;

/// GEN_HARDWARE_STATUS: ready, and not ready.
const HARDWARE_READY: u32 = 0;
const HARDWARE_NOT_READY: u32 = 4;

/// Answers a query. Dispatch.
pub(super) fn query_information<B: RegisterBus>(
    adapter: &mut Adapter<B>,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    if let Some(value) = adapter.number(oid) {
        return RequestOutcome::answer_u32(buffer, value);
    }
    let card = &mut adapter.card;
    match oid {
        Oid::GEN_SUPPORTED_LIST => {
            let supported = Oid::KNOWN.iter().chain(&PRIVATE);
            RequestOutcome::answer_list(buffer, supported.map(|oid| oid.0.to_le_bytes()))
        }
        Oid::GEN_VENDOR_DESCRIPTION => {
            RequestOutcome::answer(buffer, card.identity().chip.description().as_bytes())
        }
        Oid::GEN_DRIVER_VERSION => {
            let (major, minor) = NDIS_VERSION;
            RequestOutcome::answer(buffer, &[minor, major])
        }
        Oid::IEEE_802_3_PERMANENT_ADDRESS => {
            RequestOutcome::answer(buffer, &card.identity().permanent_address)
        }
        Oid::IEEE_802_3_CURRENT_ADDRESS => RequestOutcome::answer(buffer, &card.station_address()),
        Oid::IEEE_802_3_MULTICAST_LIST => {
            RequestOutcome::answer_list(buffer, adapter.multicast.iter().map(|address| address.0))
        }
        Oid(OID_MEASURE) => RequestOutcome::answer(buffer, &adapter.measurement.to_bytes()),
        Oid(OID_CARD) => {
            RequestOutcome::answer(buffer, &CardReport::of(card, adapter.placement).to_bytes())
        }
        Oid(private) => match OID_COUNTERS.iter().position(|known| *known == private) {
            Some(query) => {
                card.update_counters();
                RequestOutcome::answer_list(buffer, counter_values(card.counters(), query))
            }
            None => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
        },
    }
}

impl<B: RegisterBus> Adapter<B> {
    /// The answers that are numbers.
    fn number(&mut self, oid: Oid) -> Option<u32> {
        let ring_bytes = u32::from(self.card.receiver().ring().pages()) * u32::from(PAGE_SIZE);
        let absent = self.card.state() == State::Absent;
        Some(match oid {
            Oid::GEN_HARDWARE_STATUS if absent => HARDWARE_NOT_READY,
            Oid::GEN_HARDWARE_STATUS => HARDWARE_READY,
            // NdisMedium802_3
            Oid::GEN_MEDIA_SUPPORTED | Oid::GEN_MEDIA_IN_USE => 0,
            Oid::GEN_MAXIMUM_LOOKAHEAD => LOOKAHEAD_SIZE as u32,
            Oid::GEN_CURRENT_LOOKAHEAD => self.lookahead,
            Oid::GEN_MAXIMUM_FRAME_SIZE => (MAXIMUM_FRAME - ETHERNET_HEADER_SIZE) as u32,
            Oid::GEN_MAXIMUM_TOTAL_SIZE => MAXIMUM_FRAME as u32,
            Oid::GEN_LINK_SPEED => LINK_SPEED,
            Oid::GEN_TRANSMIT_BUFFER_SPACE => {
                u32::from(SLOTS) * u32::from(SLOT_PAGES) * u32::from(PAGE_SIZE)
            }
            Oid::GEN_RECEIVE_BUFFER_SPACE => ring_bytes,
            Oid::GEN_TRANSMIT_BLOCK_SIZE | Oid::GEN_RECEIVE_BLOCK_SIZE => u32::from(PAGE_SIZE),
            Oid::GEN_VENDOR_ID => {
                let [a, b, c, ..] = self.card.identity().permanent_address;
                u32::from_le_bytes([a, b, c, 0])
            }
            Oid::GEN_CURRENT_PACKET_FILTER => self.packet_filter.bits(),
            Oid::GEN_MAC_OPTIONS => MAC_OPTIONS,
            Oid::GEN_MEDIA_CONNECT_STATUS => u32::from(absent),
            Oid::GEN_MAXIMUM_SEND_PACKETS => MAXIMUM_SEND_PACKETS,
            Oid::GEN_VENDOR_DRIVER_VERSION => VENDOR_DRIVER_VERSION,
            Oid::IEEE_802_3_MAXIMUM_LIST_SIZE => MULTICAST_LIST_SIZE as u32,
            _ => return self.statistic(oid),
        })
    }

    /// The answers that are counts. The tally counters are added first.
    fn statistic(&mut self, oid: Oid) -> Option<u32> {
        let value = match oid {
            Oid::GEN_XMIT_OK => |counters: &CardCounters| counters.transmissions_completed,
            Oid::GEN_RCV_OK => {
                |counters: &CardCounters| counters.frames_received - counters.frames_overwritten
            }
            Oid::GEN_XMIT_ERROR => transmit_errors,
            Oid::GEN_RCV_ERROR => receive_errors,
            Oid::GEN_RCV_NO_BUFFER => {
                |counters: &CardCounters| counters.tally_missed + counters.ring_laps
            }
            Oid::IEEE_802_3_RCV_ERROR_ALIGNMENT => |counters: &CardCounters| {
                counters.tally_alignment_errors + counters.receive_alignment_errors
            },
            Oid::IEEE_802_3_XMIT_ONE_COLLISION => {
                |counters: &CardCounters| counters.transmit_one_collision
            }
            Oid::IEEE_802_3_XMIT_MORE_COLLISIONS => {
                |counters: &CardCounters| counters.transmit_more_collisions
            }
            _ => return None,
        };
        self.card.update_counters();
        Some(value(self.card.counters()) as u32)
    }
}

fn transmit_errors(counters: &CardCounters) -> u64 {
    counters.transmit_excessive_collisions
        + counters.transmit_carrier_lost
        + counters.transmit_fifo_underrun
        + counters.transmit_late_collision
        + counters.transmit_failed_otherwise
        + counters.transmit_lost_in_reset
        + counters.transmit_bad_length
        + counters.remote_dma_timeouts
}

fn receive_errors(counters: &CardCounters) -> u64 {
    counters.tally_crc_errors
        + counters.tally_alignment_errors
        + counters.receive_crc_errors
        + counters.receive_alignment_errors
        + counters.receive_fifo_overruns
        + counters.receive_marked_missed
        + counters.receive_bad_length
        + counters.resynchronisations
}
