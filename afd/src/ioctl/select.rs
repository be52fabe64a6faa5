//! The payload of SELECT, which is also its answer.
//!
//! Timeout (i64, units of 100 ns), count of handles (u32), exclusive (u32),
//! then for each handle: the handle (u64), events (u32), status (u32).

use bitflags::bitflags;
use executive::status::NtStatus;
use executive::time::{Duration, Instant};

use super::field::{Reader, Writer};
use crate::handle::Handle;

bitflags! {
    /// What can be seen on an endpoint.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PollEvents: u32 {
        /// Something can be received.
        const RECEIVE = 0x1;
        /// Out-of-band data can be received.
        const RECEIVE_EXPEDITED = 0x2;
        /// Something can be sent.
        const SEND = 0x4;
        /// The peer has ended its direction.
        const DISCONNECT = 0x8;
        /// The peer has reset the connection.
        const ABORT = 0x10;
        /// The endpoint was closed here; reported whether asked for or not.
        const LOCAL_CLOSE = 0x20;
        /// The endpoint has a peer.
        const CONNECT = 0x40;
        /// A connection can be accepted.
        const ACCEPT = 0x80;
        /// A connection attempt has failed.
        const CONNECT_FAIL = 0x100;
    }
}

/// When a poll gives up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PollTimeout {
    /// At once.
    Now,
    /// After this long, a negative number in the payload.
    After(Duration),
    /// At this time, a positive number in the payload, counted from boot.
    At(Instant),
    /// Never, the largest positive number in the payload.
    Never,
}

/// Units of 100 ns in a microsecond.
const UNITS_PER_MICROSECOND: u64 = 10;

impl PollTimeout {
    /// The meaning of the field; parts of a microsecond are rounded up, so that
    /// only 0 is now.
    pub fn from_raw(raw: i64) -> Self {
        let micros = raw.unsigned_abs().div_ceil(UNITS_PER_MICROSECOND);
        match raw {
            0 => Self::Now,
            i64::MAX => Self::Never,
            1.. => Self::At(Instant::from_micros(micros)),
            _ => Self::After(Duration::from_micros(micros)),
        }
    }

    /// The field; times beyond its range become the nearest it can hold.
    pub fn to_raw(self) -> i64 {
        let units = |micros: u64| {
            let units = micros.saturating_mul(UNITS_PER_MICROSECOND);
            i64::try_from(units).unwrap_or(i64::MAX)
        };
        match self {
            Self::Now => 0,
            Self::After(duration) => -units(duration.as_micros()),
            Self::At(instant) => units(instant.as_micros()),
            Self::Never => i64::MAX,
        }
    }

    /// The time at which a poll submitted at `now` gives up; `None` is never.
    pub fn deadline(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Now => Some(now),
            Self::After(duration) => now
                .as_micros()
                .checked_add(duration.as_micros())
                .map(Instant::from_micros),
            Self::At(instant) => Some(instant),
            Self::Never => None,
        }
    }
}

/// One handle of a poll.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollHandle {
    /// The endpoint's handle.
    pub handle: Handle,
    /// In: what to wait for. Out: what was seen.
    pub events: PollEvents,
    /// Out: the outcome behind the event.
    pub status: NtStatus,
}

/// Bytes of the fields before the handles.
pub const POLL_HEADER_SIZE: usize = 16;

/// Bytes of one handle.
pub const POLL_HANDLE_SIZE: usize = 16;

/// The most handles one poll may name, FD_SETSIZE.
pub const MAXIMUM_POLL_HANDLES: usize = 64;

/// Bytes of a payload with `count` handles.
pub const fn poll_size(count: usize) -> usize {
    POLL_HEADER_SIZE + count * POLL_HANDLE_SIZE
}

/// A checked view of the payload of SELECT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollInfo<'a> {
    /// The timeout as it came; it is given back unchanged.
    pub raw_timeout: i64,
    /// Whether a later exclusive poll ends this one.
    pub exclusive: bool,
    handles: &'a [u8],
}

impl<'a> PollInfo<'a> {
    /// Reads the payload.
    ///
    /// # Errors
    /// INVALID_PARAMETER for no handle, more than [`MAXIMUM_POLL_HANDLES`], or
    /// fewer bytes than the count says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NtStatus> {
        Self::parse_fields(bytes).ok_or(NtStatus::INVALID_PARAMETER)
    }

    fn parse_fields(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let raw_timeout = reader.i64()?;
        let count = usize::try_from(reader.u32()?).ok()?;
        let exclusive = reader.u32()? != 0;
        if count == 0 || count > MAXIMUM_POLL_HANDLES {
            return None;
        }
        let handles = reader.slice(count * POLL_HANDLE_SIZE)?;
        Some(Self {
            raw_timeout,
            exclusive,
            handles,
        })
    }

    /// When the poll gives up.
    pub fn timeout(&self) -> PollTimeout {
        PollTimeout::from_raw(self.raw_timeout)
    }

    /// How many handles there are.
    pub const fn count(&self) -> usize {
        self.handles.len() / POLL_HANDLE_SIZE
    }

    /// The handles in order. Event bits without a meaning are dropped.
    pub fn handles(&self) -> impl ExactSizeIterator<Item = PollHandle> + 'a {
        self.handles
            .chunks_exact(POLL_HANDLE_SIZE)
            .map(parse_handle)
    }

    /// The handle at `index`.
    pub fn handle(&self, index: usize) -> Option<PollHandle> {
        self.handles
            .chunks_exact(POLL_HANDLE_SIZE)
            .nth(index)
            .map(parse_handle)
    }
}

/// Reads one handle; the chunk is always whole.
fn parse_handle(chunk: &[u8]) -> PollHandle {
    let mut reader = Reader::new(chunk);
    PollHandle {
        handle: Handle::from_raw(reader.u64().unwrap_or_default()),
        events: PollEvents::from_bits_truncate(reader.u32().unwrap_or_default()),
        status: NtStatus(reader.u32().unwrap_or_default()),
    }
}

/// Writes a payload or an answer handle by handle.
#[derive(Debug)]
pub struct PollWriter<'a> {
    header: &'a mut [u8],
    handles: &'a mut [u8],
    raw_timeout: i64,
    exclusive: bool,
    count: u32,
}

impl<'a> PollWriter<'a> {
    /// Begins a payload in `buffer`.
    ///
    /// # Errors
    /// BUFFER_TOO_SMALL when `buffer` has no room for the header.
    pub fn new(buffer: &'a mut [u8], raw_timeout: i64, exclusive: bool) -> Result<Self, NtStatus> {
        let (header, handles) = buffer
            .split_at_mut_checked(POLL_HEADER_SIZE)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        Ok(Self {
            header,
            handles,
            raw_timeout,
            exclusive,
            count: 0,
        })
    }

    /// Adds a handle.
    ///
    /// # Errors
    /// BUFFER_TOO_SMALL when there is no room; what is there stays whole.
    pub fn push(&mut self, entry: PollHandle) -> Result<(), NtStatus> {
        let room = self
            .handles
            .chunks_exact_mut(POLL_HANDLE_SIZE)
            .nth(self.count as usize)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let mut writer = Writer::new(room);
        writer
            .u64(entry.handle.to_raw())
            .and_then(|()| writer.u32(entry.events.bits()))
            .and_then(|()| writer.u32(entry.status.0))
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        self.count += 1;
        Ok(())
    }

    /// How many handles were added.
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// Writes the header and answers the size of the whole.
    pub fn finish(self) -> usize {
        let mut writer = Writer::new(self.header);
        let written = writer
            .i64(self.raw_timeout)
            .and_then(|()| writer.u32(self.count))
            .and_then(|()| writer.u32(u32::from(self.exclusive)));
        debug_assert!(written.is_some(), "the header has its full size");
        poll_size(self.count as usize)
    }
}
