//! The options of a TCP header (RFC 9293 section 3.2).

/// Option kinds (the IANA registry).
pub mod kind {
    /// End of the option list.
    pub const END: u8 = 0;
    /// No operation.
    pub const NO_OPERATION: u8 = 1;
    /// Maximum segment size.
    pub const MAXIMUM_SEGMENT_SIZE: u8 = 2;
    /// Window scale (RFC 7323 section 2).
    pub const WINDOW_SCALE: u8 = 3;
    /// Selective acknowledgment permitted (RFC 2018 section 2).
    pub const SACK_PERMITTED: u8 = 4;
    /// Selective acknowledgment (RFC 2018 section 3).
    pub const SACK: u8 = 5;
    /// Timestamps (RFC 7323 section 3).
    pub const TIMESTAMPS: u8 = 8;
}

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Option<'a> {
    /// End of the list; what follows is padding.
    End,
    /// No operation.
    NoOperation,
    /// Most bytes of data in a segment.
    MaximumSegmentSize(u16),
    /// Bits by which windows are shifted.
    WindowScale(u8),
    /// Selective acknowledgments may be sent.
    SackPermitted,
    /// Blocks received out of order: the first sequence number of each and
    /// that behind its last.
    Sack(&'a [[u8; 8]]),
    /// The sender's clock, and the clock it has seen last.
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The other's clock, as seen last.
        echo: u32,
    },
    /// Any other kind, or one of these with another length.
    Other {
        /// The option's kind.
        kind: u8,
        /// What follows kind and length.
        data: &'a [u8],
    },
}

impl<'a> Option<'a> {
    fn new(kind: u8, data: &'a [u8]) -> Self {
        let other = Self::Other { kind, data };
        match (kind, data) {
            (kind::MAXIMUM_SEGMENT_SIZE, &[high, low]) => {
                Self::MaximumSegmentSize(u16::from_be_bytes([high, low]))
            }
            (kind::WINDOW_SCALE, &[shift]) => Self::WindowScale(shift),
            (kind::SACK_PERMITTED, []) => Self::SackPermitted,
            (kind::SACK, data) => match data.as_chunks() {
                (blocks @ [_, ..], []) => Self::Sack(blocks),
                _ => other,
            },
            (kind::TIMESTAMPS, data) => match data.as_chunks() {
                (&[value, echo], []) => Self::Timestamps {
                    value: u32::from_be_bytes(value),
                    echo: u32::from_be_bytes(echo),
                },
                _ => other,
            },
            _ => other,
        }
    }
}

/// The option list runs over the end of the header, or an option is shorter
/// than its own kind and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Iterates over the options; after the end of the list or a malformed option
/// it ends.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    /// The options in `bytes`, which are what lies between the fixed header
    /// and the data.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<Option<'a>, Malformed>;

    fn next(&mut self) -> core::option::Option<Self::Item> {
        let (&kind, rest) = self.rest.split_first()?;
        let (option, rest) = match kind {
            kind::END => (Ok(Option::End), [].as_slice()),
            kind::NO_OPERATION => (Ok(Option::NoOperation), rest),
            _ => match split(rest) {
                Some((data, rest)) => (Ok(Option::new(kind, data)), rest),
                None => (Err(Malformed), [].as_slice()),
            },
        };
        self.rest = rest;
        Some(option)
    }
}

/// Splits what follows a kind into the option's data and what follows that.
fn split(bytes: &[u8]) -> core::option::Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length).checked_sub(2)?)
}
