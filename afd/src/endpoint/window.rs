//! The windows of an endpoint: what waits to be received, and what the
//! transport has not finished sending.

use executive::status::NtStatus;
use ndis::packet::Packet;
use netstack::SocketAddress;
use netstack::tdi::ReceiveFlags;

use crate::table::{List, Lists};

/// A datagram that waits to be received.
#[derive(Debug)]
pub(crate) struct StoredDatagram {
    pub(crate) packet: Packet,
    pub(crate) source: SocketAddress,
    pub(crate) flags: ReceiveFlags,
}

impl StoredDatagram {
    /// Another handle to the first `length` bytes; `None` without a packet.
    fn share(&self, length: usize) -> Option<Self> {
        let packet = self.packet.share_range(0, length)?;
        Some(Self { packet, ..*self })
    }
}

/// What is too full to store a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Full {
    /// The window.
    Window,
    /// The endpoint, which holds as many datagrams as it may.
    Endpoint,
    /// The device: all endpoints together hold as many datagrams as they may.
    Device,
}

/// The datagrams of an endpoint that wait to be received, oldest first.
#[derive(Debug)]
pub(crate) struct ReceiveWindow {
    /// Bytes that may wait. A longer datagram is taken while none waits, so
    /// that a small window does not make an endpoint deaf to large datagrams.
    pub(crate) size: usize,
    content: usize,
    datagrams: List,
    limit: u32,
    /// Whether the transport has a receive of this endpoint.
    pub(crate) is_posted: bool,
}

impl ReceiveWindow {
    /// A window of `size` bytes and `limit` datagrams.
    pub(crate) fn new(size: usize, limit: u32) -> Self {
        Self {
            size,
            content: 0,
            datagrams: List::default(),
            limit,
            is_posted: false,
        }
    }

    /// Bytes that wait.
    pub(crate) const fn content(&self) -> usize {
        self.content
    }

    /// Datagrams that wait.
    pub(crate) const fn count(&self) -> u32 {
        self.datagrams.len()
    }

    pub(crate) const fn has_data(&self) -> bool {
        !self.datagrams.is_empty()
    }

    /// Appends a datagram; one for which there is no room is dropped.
    pub(crate) fn store(
        &mut self,
        table: &mut Lists<StoredDatagram>,
        datagram: StoredDatagram,
    ) -> Result<(), Full> {
        let content = self.content.saturating_add(datagram.packet.len());
        if self.datagrams.len() >= self.limit {
            return Err(Full::Endpoint);
        }
        if content > self.size && !self.datagrams.is_empty() {
            return Err(Full::Window);
        }
        table
            .push_back(&mut self.datagrams, datagram)
            .map_err(|_| Full::Device)?;
        self.content = content;
        Ok(())
    }

    /// The oldest datagram, cut to `capacity` bytes, and whether anything was
    /// cut off.
    #[inline]
    pub(crate) fn take_oldest(
        &mut self,
        table: &mut Lists<StoredDatagram>,
        capacity: usize,
    ) -> Option<(StoredDatagram, bool)> {
        let mut datagram = table.pop_front(&mut self.datagrams)?;
        let length = datagram.packet.len();
        self.content -= length;
        let is_truncated = length > capacity;
        if is_truncated {
            datagram.packet.truncate(capacity);
        }
        Some((datagram, is_truncated))
    }

    /// Gives the oldest datagram to a receive with room for `capacity` bytes,
    /// or a second handle to it when the receive only peeks. What stays, stays
    /// in its place.
    pub(crate) fn take(
        &mut self,
        table: &mut Lists<StoredDatagram>,
        capacity: usize,
        flags: ReceiveFlags,
    ) -> Taken {
        let Some(stored) = self.datagrams.head().and_then(|key| table.get(key)) else {
            return Taken::Nothing;
        };
        let length = stored.packet.len();
        if length > capacity && !flags.contains(ReceiveFlags::PARTIAL) {
            return Taken::Refused {
                status: NtStatus::BUFFER_TOO_SMALL,
                information: length,
            };
        }
        let taken = if flags.contains(ReceiveFlags::PEEK) {
            stored
                .share(capacity)
                .map(|shared| (shared, length > capacity))
        } else {
            self.take_oldest(table, capacity)
        };
        taken.map_or(
            Taken::Refused {
                status: NtStatus::INSUFFICIENT_RESOURCES,
                information: 0,
            },
            |(datagram, is_truncated)| Taken::Datagram {
                datagram,
                is_truncated,
            },
        )
    }

    /// Drops the oldest datagram; `false` when there is none.
    pub(crate) fn discard(&mut self, table: &mut Lists<StoredDatagram>) -> bool {
        let discarded = table.pop_front(&mut self.datagrams);
        if let Some(datagram) = &discarded {
            self.content -= datagram.packet.len();
        }
        discarded.is_some()
    }
}

/// What a receive gets from the window.
#[derive(Debug)]
pub(crate) enum Taken {
    /// No datagram waits.
    Nothing,
    /// The receive fails; nothing was taken.
    Refused {
        status: NtStatus,
        information: usize,
    },
    /// A datagram, cut to the receive's room.
    Datagram {
        datagram: StoredDatagram,
        is_truncated: bool,
    },
}

/// Bytes that were given to the transport and have not left it.
#[derive(Debug)]
pub(crate) struct SendWindow {
    /// Bytes that may be on their way without their callers waiting.
    pub(crate) size: usize,
    content: usize,
    count: u32,
}

impl SendWindow {
    pub(crate) const fn new(size: usize) -> Self {
        Self {
            size,
            content: 0,
            count: 0,
        }
    }

    /// Sends in progress.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Whether another send may go to the transport without waiting. One send
    /// of any length always may, so a window bounds what is on its way to its
    /// size and one datagram.
    pub(crate) const fn has_room(&self) -> bool {
        self.count == 0 || self.content < self.size
    }

    /// Whether the caller of the next send may go on while the transport has
    /// it. A window of size 0 makes every caller wait for the transport.
    pub(crate) const fn buffers(&self) -> bool {
        self.content < self.size
    }

    pub(crate) const fn begin(&mut self, length: usize) {
        self.content += length;
        self.count += 1;
    }

    pub(crate) const fn end(&mut self, length: usize) {
        self.content -= length;
        self.count -= 1;
    }
}
