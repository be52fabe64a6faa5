//! The address PROM.

use crate::bus::RegisterBus;
use crate::filter::Address;
use crate::memory::CardMemory;

/// Size of the address PROM as it is read: 16 bytes, each twice on a 16-bit
/// card.
const PROM_SIZE: usize = 32;

/// The address PROM.
pub(super) struct Prom {
    bytes: [u8; PROM_SIZE / 2],
    /// Every byte appeared twice, as on a card with a 16-bit bus.
    pub(super) doubled: bool,
}

impl Prom {
    pub(super) fn read<B: RegisterBus>(memory: &mut CardMemory<B>) -> Self {
        let mut raw = [0; PROM_SIZE];
        memory.read(0, &mut raw);
        let (pairs, _) = raw.as_chunks::<2>();
        let doubled = pairs.iter().all(|[first, second]| first == second);
        let mut bytes = [0; PROM_SIZE / 2];
        let stride = if doubled { 2 } else { 1 };
        for (to, from) in bytes.iter_mut().zip(raw.iter().step_by(stride)) {
            *to = *from;
        }
        Self { bytes, doubled }
    }

    /// The signature: `W` twice, or `B` twice on early 8-bit cards.
    pub(super) fn has_signature(&self) -> bool {
        matches!(self.bytes, [.., b'W', b'W'] | [.., b'B', b'B'])
    }

    /// The station address, unless it is a group address or all zeros.
    pub(super) fn address(&self) -> Option<Address> {
        let address = *self.bytes.first_chunk::<6>()?;
        let [first, ..] = address;
        (first & 1 == 0 && address != [0; 6]).then_some(address)
    }
}
