//! Lists of multicast addresses.

use crate::address::HardwareAddress;

/// Most addresses in the list of a binding, and in that of an adapter.
pub const MULTICAST_LIST_SIZE: usize = 32;

/// A list of multicast addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MulticastList {
    addresses: heapless::Vec<HardwareAddress, MULTICAST_LIST_SIZE>,
}

/// Why bytes are not a list of multicast addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MulticastError {
    /// Not a multiple of six bytes.
    Length,
    /// An address without the group bit.
    NotGroup,
    /// More than [`MULTICAST_LIST_SIZE`] addresses.
    Full,
}

impl MulticastList {
    pub(crate) const fn new() -> Self {
        Self {
            addresses: heapless::Vec::new(),
        }
    }

    /// Reads addresses of six bytes each.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, MulticastError> {
        let mut list = Self::new();
        let chunks = bytes.chunks_exact(6);
        if !chunks.remainder().is_empty() {
            return Err(MulticastError::Length);
        }
        for address in chunks.filter_map(HardwareAddress::from_slice) {
            if !address.is_group() {
                return Err(MulticastError::NotGroup);
            }
            list.insert(address)?;
        }
        Ok(list)
    }

    /// Adds an address unless it is there.
    pub(crate) fn insert(&mut self, address: HardwareAddress) -> Result<(), MulticastError> {
        if self.contains(address) {
            return Ok(());
        }
        self.addresses
            .push(address)
            .map_err(|_| MulticastError::Full)
    }

    pub(crate) fn contains(&self, address: HardwareAddress) -> bool {
        self.addresses.contains(&address)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = HardwareAddress> {
        self.addresses.iter().copied()
    }

    /// The addresses as a request carries them: six bytes each.
    pub(crate) fn to_bytes(&self) -> heapless::Vec<u8, { MULTICAST_LIST_SIZE * 6 }> {
        let mut bytes = heapless::Vec::new();
        for address in self.iter() {
            // The capacities agree.
            let _ = bytes.extend_from_slice(&address.0);
        }
        bytes
    }
}
