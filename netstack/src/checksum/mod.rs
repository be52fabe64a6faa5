//! The Internet checksum (RFC 1071), with the copy folded in where there is
//! one to make.
//!
//! The sum of 16-bit ones' complement words may be taken over wider words and
//! in either byte order (RFC 1071 section 2, B and C), so it is accumulated
//! here over little-endian 64-bit words, and only its folded end result is
//! turned into the wire's order. Plain integer additions are used and nothing
//! that a compiler turns into vector instructions: those are what an emulated
//! processor is slowest at.

#[cfg(test)]
mod tests;

use core::net::Ipv4Addr;

use ndis::packet::Packet;

/// Adds two numbers in 64-bit ones' complement arithmetic.
const fn add(sum: u64, word: u64) -> u64 {
    let (sum, carry) = sum.overflowing_add(word);
    sum + carry as u64
}

/// Folds a 64-bit ones' complement sum into 16 bits. A number plus itself with
/// the halves exchanged has in its upper half the ones' complement sum of both
/// halves: the carry comes from the lower one.
const fn fold(sum: u64) -> u16 {
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}

/// A word as it lies in memory, at any address.
type Word = [u8; 8];

/// The 64-bit ones' complement sum of `bytes`, the last word padded with
/// zeros. Most words are added in large blocks, since a loop costs as much as
/// one and a half words each time around.
#[inline(always)]
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let (total, words) = sum_blocks::<16>(0, words);
    let (total, words) = sum_blocks::<4>(total, words);
    let (total, words) = sum_blocks::<2>(total, words);
    let (total, _) = sum_blocks::<1>(total, words);
    add(total, last_word(rest))
}

/// Adds all whole blocks of `words`; gives the others back.
#[inline(always)]
fn sum_blocks<const BLOCK: usize>(mut total: u64, words: &[Word]) -> (u64, &[Word]) {
    let (blocks, rest) = words.as_chunks::<BLOCK>();
    for block in blocks {
        total = block.map(u64::from_le_bytes).into_iter().fold(total, add);
    }
    (total, rest)
}

/// Copies `source` over `destination`, which has the same length, and sums it
/// on the way.
#[inline(always)]
fn copy_words(destination: &mut [u8], source: &[u8]) -> u64 {
    let (places, to_tail) = destination.as_chunks_mut();
    let (words, from_tail) = source.as_chunks();
    let (total, places, words) = copy_groups::<4, 4>(0, places, words);
    let (total, places, words) = copy_groups::<4, 1>(total, places, words);
    let (total, ..) = copy_groups::<1, 1>(total, places, words);
    for (to, &from) in to_tail.iter_mut().zip(from_tail) {
        *to = from;
    }
    add(total, last_word(from_tail))
}

/// Copies and adds all whole blocks of `GROUPS` times `GROUP` words; gives the
/// others back.
#[inline(always)]
fn copy_groups<'to, 'from, const GROUP: usize, const GROUPS: usize>(
    mut total: u64,
    places: &'to mut [Word],
    words: &'from [Word],
) -> (u64, &'to mut [Word], &'from [Word]) {
    let length = words.len() / (GROUP * GROUPS) * (GROUP * GROUPS);
    let (Some((places, other_places)), Some((words, other_words))) = (
        places.split_at_mut_checked(length),
        words.split_at_checked(length),
    ) else {
        return (total, &mut [], &[]);
    };
    let place_groups = places.as_chunks_mut::<GROUP>().0;
    let groups = words.as_chunks::<GROUP>().0;
    for (place_block, block) in place_groups
        .as_chunks_mut::<GROUPS>()
        .0
        .iter_mut()
        .zip(groups.as_chunks::<GROUPS>().0)
    {
        for (place_group, group) in place_block.iter_mut().zip(block) {
            total = copy_group(total, place_group, group);
        }
    }
    (total, other_places, other_words)
}

/// Copies and adds a few words: as many as registers hold, so that all are
/// read, then added, then written. Between additions, an access to memory would
/// have an emulated processor keep the carry and the other flags each time.
///
/// As numbers, the words go through registers: as bytes, or word by word in a
/// loop, they would be split into a call of memcpy and a second pass.
#[inline(always)]
fn copy_group<const GROUP: usize>(
    total: u64,
    places: &mut [Word; GROUP],
    words: &[Word; GROUP],
) -> u64 {
    let numbers = words.map(u64::from_le_bytes);
    let total = numbers.into_iter().fold(total, add);
    *places = numbers.map(u64::to_le_bytes);
    total
}

/// The up to seven bytes that are left over, as a word padded with zeros.
fn last_word(tail: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, &from) in word.iter_mut().zip(tail) {
        *to = from;
    }
    u64::from_le_bytes(word)
}

/// A checksum being computed or verified.
///
/// Pieces may have any length: after an odd number of bytes the next piece is
/// added with its bytes swapped (RFC 1071 section 2, A). The numbers
/// ([`add_u16`](Self::add_u16) and the like) belong at even offsets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checksum {
    sum: u64,
    odd: bool,
}

impl Checksum {
    /// The sum of nothing.
    pub const fn new() -> Self {
        Self { sum: 0, odd: false }
    }

    /// Adds the next `bytes` of the message.
    #[inline(always)]
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        *self = self.plus(bytes);
    }

    /// By value, so that a sum stays in registers while the loops are elsewhere.
    #[inline(never)]
    fn plus(mut self, bytes: &[u8]) -> Self {
        self.add_sum(sum(bytes), bytes.len());
        self
    }

    /// Adds the next bytes of the message where their number is known, as that
    /// of a header is: without a loop.
    #[inline]
    pub fn add_array<const LENGTH: usize>(&mut self, bytes: &[u8; LENGTH]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut total = 0;
        for &word in words {
            total = add(total, u64::from_le_bytes(word));
        }
        self.add_sum(add(total, last_word(rest)), LENGTH);
    }

    /// Adds the bytes of a packet from `offset` on, whatever buffers they lie
    /// in.
    #[inline(always)]
    pub fn add_packet(&mut self, packet: &Packet, offset: usize) {
        match packet.data().get(offset..) {
            Some(rest) if offset + rest.len() == packet.len() => self.add_bytes(rest),
            _ => *self = self.plus_chain(packet, offset, packet.len().saturating_sub(offset)),
        }
    }

    /// With `length` bytes of a packet from `offset` on added, or as many as
    /// there are, which lie in several buffers.
    #[cold]
    pub(crate) fn plus_chain(mut self, packet: &Packet, offset: usize, length: usize) -> Self {
        let (mut skip, mut left) = (offset, length);
        for bytes in packet.segments() {
            let here = bytes.get(skip..).unwrap_or_default();
            let here = here.get(..left).unwrap_or(here);
            self.add_bytes(here);
            skip = skip.saturating_sub(bytes.len());
            left -= here.len();
        }
        self
    }

    /// Adds a 16-bit field.
    pub const fn add_u16(&mut self, value: u16) {
        self.sum = add(self.sum, value.swap_bytes() as u64);
    }

    /// Adds a 32-bit field.
    pub const fn add_u32(&mut self, value: u32) {
        self.sum = add(self.sum, value.swap_bytes() as u64);
    }

    /// Adds an IPv4 address.
    pub const fn add_address(&mut self, address: Ipv4Addr) {
        self.add_u32(address.to_bits());
    }

    /// Adds a payload whose sum was taken earlier.
    pub const fn add_payload(&mut self, payload: PayloadChecksum) {
        self.add_sum(payload.sum as u64, payload.length);
    }

    /// Starts with the pseudo-header of UDP and TCP (RFC 768, RFC 9293
    /// section 3.1): both addresses, the protocol and the upper layer's length
    /// in bytes.
    pub const fn pseudo_header(
        source: Ipv4Addr,
        destination: Ipv4Addr,
        protocol: u8,
        length: u16,
    ) -> Self {
        let mut checksum = Self::new();
        checksum.add_address(source);
        checksum.add_address(destination);
        checksum.add_u16(protocol as u16);
        checksum.add_u16(length);
        checksum
    }

    const fn add_sum(&mut self, sum: u64, length: usize) {
        let sum = if self.odd {
            fold(sum).swap_bytes() as u64
        } else {
            sum
        };
        self.sum = add(self.sum, sum);
        self.odd ^= length % 2 == 1;
    }

    /// The value for the header's checksum field, the field itself having been
    /// summed as zero or not at all.
    pub const fn finish(self) -> u16 {
        !fold(self.sum).swap_bytes()
    }

    /// Whether a message that was summed together with its checksum field is
    /// intact.
    pub const fn is_valid(self) -> bool {
        fold(self.sum) == 0xFFFF
    }
}

/// The checksum of `bytes`, which contain the checksum field as zero.
pub fn of(bytes: &[u8]) -> u16 {
    let mut checksum = Checksum::new();
    checksum.add_bytes(bytes);
    checksum.finish()
}

/// Whether `bytes`, which contain their checksum, are intact.
pub fn is_valid(bytes: &[u8]) -> bool {
    let mut checksum = Checksum::new();
    checksum.add_bytes(bytes);
    checksum.is_valid()
}

/// The checksum after one 16-bit field changed from `old` to `new` (RFC 1624
/// section 3, equation 3).
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = !checksum as u64 + !old as u64 + new as u64;
    !fold(sum)
}

/// The sum of a payload, taken while it was copied into its packet, so that
/// the transport's checksum needs no second pass over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PayloadChecksum {
    sum: u16,
    length: usize,
}

impl PayloadChecksum {
    /// The sum of an empty payload.
    pub const fn new() -> Self {
        Self { sum: 0, length: 0 }
    }

    /// How many bytes have been summed.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Copies the next bytes of the payload from `source` to `destination` and
    /// adds them. Returns how many: the smaller of both lengths.
    pub fn copy_and_sum(&mut self, destination: &mut [u8], source: &[u8]) -> usize {
        let length = destination.len().min(source.len());
        let (Some(destination), Some(source)) =
            (destination.get_mut(..length), source.get(..length))
        else {
            return 0;
        };
        let sum = copy_words(destination, source);
        self.append(sum, length);
        length
    }

    /// Adds the next bytes of the payload where they are.
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        self.append(sum(bytes), bytes.len());
    }

    const fn append(&mut self, sum: u64, length: usize) {
        let mut checksum = Checksum {
            sum: self.sum as u64,
            odd: self.length % 2 == 1,
        };
        checksum.add_sum(sum, length);
        self.sum = fold(checksum.sum);
        self.length += length;
    }
}
