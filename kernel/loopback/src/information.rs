//! Query- and SetInformation.

use ndis::{
    AdapterContext, HardwareAddress, MULTICAST_LIST_SIZE, Medium, NdisStatus, Oid, PacketFilter,
    RequestOutcome,
};

use crate::adapter::{Adapter, NDIS_VERSION, QUEUE_LENGTH};

/// The address of all zeros, under which the adapter sends and receives.
pub const HARDWARE_ADDRESS: HardwareAddress = HardwareAddress([0; 6]);

/// Bytes of payload in a frame at most: the longest IPv4 datagram.
pub const MAXIMUM_FRAME_SIZE: u32 = 0xFFFF;

/// Bytes of a frame at most, its header included.
const MAXIMUM_TOTAL_SIZE: u32 = MAXIMUM_FRAME_SIZE + Medium::Loopback.header_size() as u32;

/// 1 Gbit/s in units of 100 bit/s: no medium has a say, and the question needs an answer.
const LINK_SPEED: u32 = 10_000_000;

/// Version of this driver: major in the upper half.
const VENDOR_DRIVER_VERSION: u32 = 0x0001_0000;

/// No vendor: NDIS's value for a driver without an organisation's number.
const VENDOR_ID: u32 = 0x00FF_FFFF;

/// Indications come one at a time and transfers never pend; NDIS_MAC_OPTION_NO_LOOPBACK is not
/// there, since the adapter itself is what loops frames back (`ntddndis.h`).
const MAC_OPTIONS: u32 = 0x02 | 0x04;

/// Answers a query. Dispatch.
pub(crate) fn query_information(
    adapter: &mut Adapter,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    if let Some(value) = number(adapter, oid) {
        return RequestOutcome::answer_u32(buffer, value);
    }
    match oid {
        Oid::GEN_SUPPORTED_LIST => {
            let supported = Oid::KNOWN.iter().filter(|oid| !oid.is_802_3_statistic());
            RequestOutcome::answer_list(buffer, supported.map(|oid| oid.0.to_le_bytes()))
        }
        Oid::GEN_VENDOR_DESCRIPTION => RequestOutcome::answer(buffer, b"Loopback adapter"),
        Oid::GEN_DRIVER_VERSION => {
            let (major, minor) = NDIS_VERSION;
            RequestOutcome::answer(buffer, &[minor, major])
        }
        Oid::IEEE_802_3_PERMANENT_ADDRESS | Oid::IEEE_802_3_CURRENT_ADDRESS => {
            RequestOutcome::answer(buffer, &HARDWARE_ADDRESS.0)
        }
        Oid::IEEE_802_3_MULTICAST_LIST => {
            RequestOutcome::answer_list(buffer, adapter.multicast.iter().map(|address| address.0))
        }
        _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
    }
}

/// The answers that are numbers.
fn number(adapter: &Adapter, oid: Oid) -> Option<u32> {
    Some(match oid {
        Oid::GEN_MEDIA_SUPPORTED | Oid::GEN_MEDIA_IN_USE => Medium::Loopback as u32,
        Oid::GEN_MAXIMUM_LOOKAHEAD | Oid::GEN_MAXIMUM_FRAME_SIZE => MAXIMUM_FRAME_SIZE,
        Oid::GEN_LINK_SPEED => LINK_SPEED,
        Oid::GEN_TRANSMIT_BUFFER_SPACE | Oid::GEN_RECEIVE_BUFFER_SPACE => {
            QUEUE_LENGTH as u32 * MAXIMUM_TOTAL_SIZE
        }
        Oid::GEN_TRANSMIT_BLOCK_SIZE
        | Oid::GEN_RECEIVE_BLOCK_SIZE
        | Oid::GEN_MAXIMUM_TOTAL_SIZE => MAXIMUM_TOTAL_SIZE,
        Oid::GEN_VENDOR_ID => VENDOR_ID,
        Oid::GEN_CURRENT_PACKET_FILTER => adapter.packet_filter.bits(),
        Oid::GEN_CURRENT_LOOKAHEAD => adapter.lookahead,
        Oid::GEN_MAC_OPTIONS => MAC_OPTIONS,
        Oid::GEN_MAXIMUM_SEND_PACKETS => QUEUE_LENGTH as u32,
        Oid::GEN_VENDOR_DRIVER_VERSION => VENDOR_DRIVER_VERSION,
        Oid::GEN_XMIT_OK => adapter.sent,
        Oid::GEN_RCV_OK => adapter.received,
        // Ready and connected, and nothing goes wrong.
        Oid::GEN_HARDWARE_STATUS
        | Oid::GEN_MEDIA_CONNECT_STATUS
        | Oid::GEN_XMIT_ERROR
        | Oid::GEN_RCV_ERROR
        | Oid::GEN_RCV_NO_BUFFER => 0,
        Oid::IEEE_802_3_MAXIMUM_LIST_SIZE => MULTICAST_LIST_SIZE as u32,
        _ => return None,
    })
}

/// Sets what can be set. Dispatch.
pub(crate) fn set_information(
    adapter: &mut Adapter,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &[u8],
) -> RequestOutcome {
    match oid {
        Oid::GEN_CURRENT_PACKET_FILTER => RequestOutcome::set_u32(buffer, |value| {
            let filter = PacketFilter::from_bits(value);
            adapter.packet_filter = filter.ok_or(NdisStatus::NOT_SUPPORTED)?;
            Ok(())
        }),
        Oid::GEN_CURRENT_LOOKAHEAD => RequestOutcome::set_u32(buffer, |value| {
            adapter.lookahead = value.min(MAXIMUM_FRAME_SIZE);
            Ok(())
        }),
        // None of the options changes what the driver does.
        Oid::GEN_PROTOCOL_OPTIONS => RequestOutcome::set_u32(buffer, |_| Ok(())),
        Oid::IEEE_802_3_MULTICAST_LIST => set_multicast_list(adapter, buffer),
        _ => RequestOutcome::Failure(NdisStatus::NOT_SUPPORTED),
    }
}

fn set_multicast_list(adapter: &mut Adapter, buffer: &[u8]) -> RequestOutcome {
    let (addresses, rest) = buffer.as_chunks::<6>();
    if !rest.is_empty() {
        return RequestOutcome::Failure(NdisStatus::INVALID_LENGTH);
    }
    if addresses.len() > MULTICAST_LIST_SIZE {
        return RequestOutcome::Failure(NdisStatus::MULTICAST_FULL);
    }
    adapter.multicast = addresses.iter().copied().map(HardwareAddress).collect();
    RequestOutcome::Done(buffer.len())
}
