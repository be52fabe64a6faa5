//! Media: the link layers a miniport can drive and a protocol can bind to.

use core::fmt;

/// A link layer, with the values of `NDIS_MEDIUM` in the Windows `ntddndis.h` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Medium {
    /// Ethernet (IEEE 802.3 and Ethernet II).
    Ieee802_3 = 0,
    /// Token ring (IEEE 802.5).
    Ieee802_5 = 1,
    /// FDDI.
    Fddi = 2,
    /// Wide area network.
    Wan = 3,
    /// LocalTalk.
    LocalTalk = 4,
    /// The machine itself, without hardware: frames are Ethernet's, to and from the address of all
    /// zeros.
    Loopback = 17,
}

impl Medium {
    /// The media the wrapper offers to a miniport's Initialize handler, in order of preference.
    pub const ALL: &'static [Self] = &[
        Self::Ieee802_3,
        Self::Ieee802_5,
        Self::Fddi,
        Self::Wan,
        Self::LocalTalk,
        Self::Loopback,
    ];

    /// Bytes of the link-layer header in front of the payload.
    pub const fn header_size(self) -> usize {
        match self {
            Self::Ieee802_3 | Self::Wan | Self::Loopback => 14,
            Self::Ieee802_5 => 14 + 18,
            Self::Fddi => 13,
            Self::LocalTalk => 3,
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Ieee802_3 => "802.3",
            Self::Ieee802_5 => "802.5",
            Self::Fddi => "FDDI",
            Self::Wan => "WAN",
            Self::LocalTalk => "LocalTalk",
            Self::Loopback => "loopback",
        })
    }
}
