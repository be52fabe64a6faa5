//! What Winsock itself knows of the sockets.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use executive::Duration;

use super::catalogue::ProviderId;
use super::{Socket, WsaError};

/// One socket. What the endpoint knows (windows, mode, addresses) is not kept
/// here a second time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SocketInformation {
    pub(super) socket: Socket,
    pub(super) provider: ProviderId,
    pub(super) socket_type: i32,
    /// Whether the endpoint got an address, so that a send need not bind it.
    pub(super) is_bound: bool,
    /// SO_REUSEADDR.
    pub(super) reuses_address: bool,
    /// SO_EXCLUSIVEADDRUSE.
    pub(super) is_exclusive: bool,
    /// SO_RCVTIMEO; `None` is for ever.
    pub(super) receive_timeout: Option<Duration>,
}

/// What every call has to know of its socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Outline {
    pub(super) provider: ProviderId,
    /// As [`SocketInformation::is_bound`].
    pub(super) is_bound: bool,
}

impl Outline {
    const IS_BOUND: u64 = 1 << 8;

    /// The word that stands for `information`: the handle's generation above
    /// the outline's bits. No generation is 0, so neither is the word.
    fn encode(information: &SocketInformation) -> u64 {
        let bound = if information.is_bound {
            Self::IS_BOUND
        } else {
            0
        };
        let generation = u64::from(information.socket.handle().generation());
        generation << 32 | bound | u64::from(information.provider.0)
    }

    const fn decode(word: u64) -> Self {
        Self {
            provider: ProviderId(word as u8),
            is_bound: word & Self::IS_BOUND != 0,
        }
    }
}

/// The outlines of all sockets, one word each, so that they can be read without
/// the lock of the table, which alone writes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlines(&'static [AtomicU64]);

impl Outlines {
    fn new(size: usize) -> Self {
        let words: Box<[_]> = (0..size).map(|_| AtomicU64::new(0)).collect();
        Self(Box::leak(words))
    }

    /// The outline of a socket.
    #[inline(always)]
    pub(super) fn get(self, socket: Socket) -> Result<Outline, WsaError> {
        let handle = socket.handle();
        let word = self.0.get(handle.slot()).ok_or(WsaError::ENOTSOCK)?;
        let word = word.load(Ordering::Relaxed);
        if word == 0 || (word >> 32) as u32 != handle.generation() {
            return Err(WsaError::ENOTSOCK);
        }
        Ok(Outline::decode(word))
    }

    fn set(self, slot: usize, information: Option<&SocketInformation>) {
        if let Some(word) = self.0.get(slot) {
            word.store(information.map_or(0, Outline::encode), Ordering::Relaxed);
        }
    }
}

/// The sockets, each in the place that its handle's index gives.
#[derive(Debug)]
pub(super) struct SocketTable {
    sockets: Box<[Option<SocketInformation>]>,
    outlines: Outlines,
}

impl SocketTable {
    pub(super) fn new(size: usize) -> Self {
        Self {
            sockets: alloc::vec![None; size].into(),
            outlines: Outlines::new(size),
        }
    }

    /// The sockets' outlines, which follow the table.
    pub(super) const fn outlines(&self) -> Outlines {
        self.outlines
    }

    /// Enters a socket; `false` when its handle is beyond the table.
    pub(super) fn insert(&mut self, information: SocketInformation) -> bool {
        let slot = information.socket.handle().slot();
        let Some(place) = self.sockets.get_mut(slot) else {
            return false;
        };
        self.outlines.set(slot, Some(&information));
        *place = Some(information);
        true
    }

    /// What is known of a socket.
    pub(super) fn get(&self, socket: Socket) -> Result<&SocketInformation, WsaError> {
        let information = self
            .sockets
            .get(socket.handle().slot())
            .and_then(Option::as_ref);
        information
            .filter(|information| information.socket == socket)
            .ok_or(WsaError::ENOTSOCK)
    }

    /// Changes what is known of a socket.
    pub(super) fn change(
        &mut self,
        socket: Socket,
        change: impl FnOnce(&mut SocketInformation) -> Result<(), WsaError>,
    ) -> Result<(), WsaError> {
        let mut information = *self.get(socket)?;
        change(&mut information)?;
        self.insert(information);
        Ok(())
    }

    /// Takes a socket out.
    pub(super) fn remove(&mut self, socket: Socket) -> Result<SocketInformation, WsaError> {
        self.get(socket)?;
        let slot = socket.handle().slot();
        self.outlines.set(slot, None);
        let place = self.sockets.get_mut(slot);
        place.and_then(Option::take).ok_or(WsaError::ENOTSOCK)
    }

    /// Any socket.
    pub(super) fn any(&self) -> Option<Socket> {
        self.sockets
            .iter()
            .flatten()
            .map(|information| information.socket)
            .next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::Handle;

    fn information(handle: u64) -> SocketInformation {
        SocketInformation {
            socket: Socket::from_handle(Handle::from_raw(handle)),
            provider: ProviderId(2),
            socket_type: 0,
            is_bound: false,
            reuses_address: false,
            is_exclusive: false,
            receive_timeout: None,
        }
    }

    #[test]
    fn outlines_follow_the_table() {
        let mut table = SocketTable::new(2);
        let outlines = table.outlines();
        let open = information(7 << 32 | 1);
        let outline = |is_bound| {
            Ok(Outline {
                provider: open.provider,
                is_bound,
            })
        };
        assert_eq!(outlines.get(open.socket), Err(WsaError::ENOTSOCK));
        assert!(table.insert(open));
        assert_eq!(outlines.get(open.socket), outline(false));
        let bound = table.change(open.socket, |information| {
            information.is_bound = true;
            Ok(())
        });
        assert_eq!(bound, Ok(()));
        assert_eq!(outlines.get(open.socket), outline(true));
        let refused = table.change(open.socket, |information| {
            information.is_bound = false;
            Err(WsaError::EINVAL)
        });
        assert_eq!(refused, Err(WsaError::EINVAL));
        assert_eq!(outlines.get(open.socket), outline(true));
        assert!(table.remove(open.socket).is_ok());
        assert_eq!(outlines.get(open.socket), Err(WsaError::ENOTSOCK));
    }

    #[test]
    fn a_handle_that_names_no_socket_has_no_outline() {
        let mut table = SocketTable::new(2);
        let outlines = table.outlines();
        assert!(table.insert(information(7 << 32 | 1)));
        for handle in [
            0,
            1,
            7 << 32,
            6 << 32 | 1,
            8 << 32 | 1,
            7 << 32 | 2,
            u64::MAX,
        ] {
            let socket = Socket::from_handle(Handle::from_raw(handle));
            assert_eq!(outlines.get(socket), Err(WsaError::ENOTSOCK), "{socket}");
        }
        assert!(!table.insert(information(7 << 32 | 2)));
    }
}
