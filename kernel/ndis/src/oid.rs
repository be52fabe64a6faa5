//! Object identifiers of the requests a protocol makes of an adapter, with the
//! values of the Windows `ntddndis.h` header.

use core::fmt;

/// An object identifier: names one piece of information of an adapter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub u32);

macro_rules! identifiers {
    ($($(#[$documentation:meta])* $name:ident = $value:literal;)*) => {
        impl Oid {
            $($(#[$documentation])* pub const $name: Self = Self($value);)*

            /// Every identifier known here, in ascending order.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The name in `ntddndis.h` without its `OID_`, if it is one of those known here.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

impl Oid {
    /// Whether it counts events of an 802.3 wire: what an adapter without a wire leaves out of
    /// [`Self::KNOWN`] in its answer to GEN_SUPPORTED_LIST.
    pub const fn is_802_3_statistic(self) -> bool {
        self.0 >> 16 == 0x0102
    }

    /// Whether it can be set but not asked of an adapter. Such a one is in the answer to
    /// GEN_SUPPORTED_LIST all the same: that lists what can be queried or set.
    pub const fn is_set_only(self) -> bool {
        self.0 == Self::GEN_PROTOCOL_OPTIONS.0
    }
}

identifiers! {
    /// Query: the identifiers the adapter supports, for queries or sets, `u32` each.
    GEN_SUPPORTED_LIST = 0x0001_0101;
    /// Query: state of the hardware, `u32` (0 ready, 1 initializing, 2 reset, 3 closing, 4 not ready).
    GEN_HARDWARE_STATUS = 0x0001_0102;
    /// Query: media the card supports, `u32` each.
    GEN_MEDIA_SUPPORTED = 0x0001_0103;
    /// Query: media in use, `u32` each.
    GEN_MEDIA_IN_USE = 0x0001_0104;
    /// Query: most bytes the card can give as lookahead, `u32`.
    GEN_MAXIMUM_LOOKAHEAD = 0x0001_0105;
    /// Query: most bytes of payload in a frame (without its header), `u32`.
    GEN_MAXIMUM_FRAME_SIZE = 0x0001_0106;
    /// Query: speed of the link in units of 100 bit/s, `u32`.
    GEN_LINK_SPEED = 0x0001_0107;
    /// Query: bytes of memory on the card for transmission, `u32`.
    GEN_TRANSMIT_BUFFER_SPACE = 0x0001_0108;
    /// Query: bytes of memory on the card for reception, `u32`.
    GEN_RECEIVE_BUFFER_SPACE = 0x0001_0109;
    /// Query: unit of transmit memory in bytes, `u32`.
    GEN_TRANSMIT_BLOCK_SIZE = 0x0001_010A;
    /// Query: unit of receive memory in bytes, `u32`.
    GEN_RECEIVE_BLOCK_SIZE = 0x0001_010B;
    /// Query: organisation number of the permanent address, `u32`.
    GEN_VENDOR_ID = 0x0001_010C;
    /// Query: name of the card, text.
    GEN_VENDOR_DESCRIPTION = 0x0001_010D;
    /// Query and set: kinds of frames wanted, [`crate::filter::PacketFilter`] as `u32`.
    GEN_CURRENT_PACKET_FILTER = 0x0001_010E;
    /// Query and set: bytes of lookahead wanted, `u32`.
    GEN_CURRENT_LOOKAHEAD = 0x0001_010F;
    /// Query: NDIS version of the driver, `u16` (major in the high byte).
    GEN_DRIVER_VERSION = 0x0001_0110;
    /// Query: most bytes in a frame, header included, `u32`.
    GEN_MAXIMUM_TOTAL_SIZE = 0x0001_0111;
    /// Set: options of the protocol on its binding, `u32`. The protocol that set them may ask
    /// for them, an adapter has none.
    GEN_PROTOCOL_OPTIONS = 0x0001_0112;
    /// Query: options of the adapter, `u32`.
    GEN_MAC_OPTIONS = 0x0001_0113;
    /// Query: whether the medium is connected, `u32` (0 connected, 1 disconnected).
    GEN_MEDIA_CONNECT_STATUS = 0x0001_0114;
    /// Query: most packets in one call of SendPackets, `u32`.
    GEN_MAXIMUM_SEND_PACKETS = 0x0001_0115;
    /// Query: version of the driver, `u32`.
    GEN_VENDOR_DRIVER_VERSION = 0x0001_0116;
    /// Query: frames sent, `u32`.
    GEN_XMIT_OK = 0x0002_0101;
    /// Query: frames received, `u32`.
    GEN_RCV_OK = 0x0002_0102;
    /// Query: frames not sent, `u32`.
    GEN_XMIT_ERROR = 0x0002_0103;
    /// Query: frames received with an error, `u32`.
    GEN_RCV_ERROR = 0x0002_0104;
    /// Query: frames missed for want of a buffer, `u32`.
    GEN_RCV_NO_BUFFER = 0x0002_0105;
    /// Query: address in the card's PROM, 6 bytes.
    IEEE_802_3_PERMANENT_ADDRESS = 0x0101_0101;
    /// Query: address in use, 6 bytes.
    IEEE_802_3_CURRENT_ADDRESS = 0x0101_0102;
    /// Query and set: multicast addresses wanted, 6 bytes each.
    IEEE_802_3_MULTICAST_LIST = 0x0101_0103;
    /// Query: most multicast addresses the card takes, `u32`.
    IEEE_802_3_MAXIMUM_LIST_SIZE = 0x0101_0104;
    /// Query: frames received with an alignment error, `u32`.
    IEEE_802_3_RCV_ERROR_ALIGNMENT = 0x0102_0101;
    /// Query: frames sent after one collision, `u32`.
    IEEE_802_3_XMIT_ONE_COLLISION = 0x0102_0102;
    /// Query: frames sent after more than one collision, `u32`.
    IEEE_802_3_XMIT_MORE_COLLISIONS = 0x0102_0103;
}

impl fmt::Display for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.pad(name),
            None => write!(formatter, "{:#010x}", self.0),
        }
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
