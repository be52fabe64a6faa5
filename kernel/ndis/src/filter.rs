//! The packet filter: which frames an adapter, and each binding, wants.

use bitflags::bitflags;

bitflags! {
    /// Kinds of frames, with the values of `NDIS_PACKET_TYPE_*` in the Windows `ntddndis.h` header.
    ///
    /// Nothing is received until a binding has set one of them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct PacketFilter: u32 {
        /// Frames to the adapter's own address.
        const DIRECTED = 0x01;
        /// Frames to an address of the multicast list.
        const MULTICAST = 0x02;
        /// Frames to any multicast address.
        const ALL_MULTICAST = 0x04;
        /// Frames to the broadcast address.
        const BROADCAST = 0x08;
        /// Every frame on the medium.
        const PROMISCUOUS = 0x20;
        /// Frames sent by this machine.
        const ALL_LOCAL = 0x80;
    }
}
