//! The windows of an endpoint: what waits to be received, and what the
//! transport has not finished sending.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use executive::pool::PoolUsage;
use executive::status::NtStatus;
use netstack::tdi::ReceiveFlags;

use crate::request::Datagram;

/// What the receive windows of all endpoints share: the memory for their
/// datagrams, and the bound on how many there may be together.
#[derive(Debug)]
pub(crate) struct DatagramMemory {
    /// Empty queues for endpoints to come, allocated at the start.
    queues: Vec<VecDeque<Datagram>>,
    /// The datagrams that wait at all endpoints.
    pub(crate) usage: PoolUsage,
}

impl DatagramMemory {
    /// Room for `per_endpoint` datagrams at each of `endpoints`, and for
    /// `total` at all of them.
    pub(crate) fn new(endpoints: u32, per_endpoint: u32, total: u32) -> Self {
        Self {
            queues: (0..endpoints)
                .map(|_| VecDeque::with_capacity(per_endpoint as usize))
                .collect(),
            usage: PoolUsage::new(total),
        }
    }

    /// The window of a new endpoint; `None` when as many as there are
    /// endpoints are in use.
    pub(crate) fn take_window(&mut self, size: usize) -> Option<ReceiveWindow> {
        Some(ReceiveWindow {
            size,
            content: 0,
            datagrams: self.queues.pop()?,
            is_posted: false,
        })
    }

    /// Takes back the window of an endpoint that is no more, in which nothing
    /// waits.
    pub(crate) fn give_back(&mut self, window: ReceiveWindow) {
        debug_assert!(!window.has_data(), "a closed endpoint keeps nothing");
        self.queues.push(window.datagrams);
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
///
/// What changes their number also counts them in the usage of
/// [`DatagramMemory`].
#[derive(Debug)]
pub(crate) struct ReceiveWindow {
    /// Bytes that may wait. A longer datagram is taken while none waits, so
    /// that a small window does not make an endpoint deaf to large datagrams.
    pub(crate) size: usize,
    content: usize,
    /// Never grows: its capacity is how many may wait.
    datagrams: VecDeque<Datagram>,
    /// Whether the transport has a receive of this endpoint.
    pub(crate) is_posted: bool,
}

impl ReceiveWindow {
    /// Bytes that wait.
    pub(crate) const fn content(&self) -> usize {
        self.content
    }

    /// Datagrams that wait.
    pub(crate) fn count(&self) -> u32 {
        self.datagrams.len() as u32
    }

    pub(crate) fn has_data(&self) -> bool {
        !self.datagrams.is_empty()
    }

    /// Appends a datagram.
    ///
    /// # Errors
    /// The datagram itself when there is no room for it.
    #[inline(always)]
    pub(crate) fn store(
        &mut self,
        datagram: Datagram,
        usage: &mut PoolUsage,
    ) -> Result<(), (Full, Datagram)> {
        let content = self.content.saturating_add(datagram.packet.len());
        let endpoint_has_room = self.datagrams.len() != self.datagrams.capacity();
        let window_has_room = content <= self.size || self.datagrams.is_empty();
        // One way for what is ordinary; what is full is found out apart.
        if !(endpoint_has_room && window_has_room && usage.take()) {
            return Err((self.what_is_full(content), datagram));
        }
        self.datagrams.push_back(datagram);
        self.content = content;
        Ok(())
    }

    /// Why there is no room for a datagram after which `content` bytes would
    /// wait.
    #[cold]
    fn what_is_full(&self, content: usize) -> Full {
        if self.datagrams.len() == self.datagrams.capacity() {
            Full::Endpoint
        } else if content > self.size && !self.datagrams.is_empty() {
            Full::Window
        } else {
            Full::Device
        }
    }

    /// The oldest datagram, which stays.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<&Datagram> {
        self.datagrams.front()
    }

    /// Takes the oldest datagram.
    #[inline]
    pub(crate) fn take_oldest(&mut self, usage: &mut PoolUsage) -> Option<Datagram> {
        let datagram = self.datagrams.pop_front()?;
        usage.give_back();
        self.content -= datagram.packet.len();
        Some(datagram)
    }

    /// Gives the oldest datagram to a receive with room for `capacity` bytes,
    /// or a second handle to it when the receive only peeks. What stays, stays
    /// in its place.
    pub(crate) fn take(
        &mut self,
        capacity: usize,
        flags: ReceiveFlags,
        usage: &mut PoolUsage,
    ) -> Taken {
        let Some(stored) = self.datagrams.front() else {
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
            self.take_oldest(usage).map(|mut datagram| {
                datagram.packet.truncate(capacity);
                (datagram, length > capacity)
            })
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
    pub(crate) fn discard(&mut self, usage: &mut PoolUsage) -> bool {
        self.take_oldest(usage).is_some()
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
        datagram: Datagram,
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
