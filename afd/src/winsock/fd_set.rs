//! Sets of sockets for `select`.

use super::Socket;

/// The most sockets in one set.
pub const FD_SETSIZE: usize = 64;

/// A set of at most [`FD_SETSIZE`] sockets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FdSet {
    sockets: heapless::Vec<Socket, FD_SETSIZE>,
}

impl FdSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self {
            sockets: heapless::Vec::new(),
        }
    }

    /// Adds a socket; `false` when the set is full. A socket is in a set once.
    pub fn insert(&mut self, socket: Socket) -> bool {
        self.contains(socket) || self.sockets.push(socket).is_ok()
    }

    /// Takes a socket out; `false` when it was not in the set.
    pub fn remove(&mut self, socket: Socket) -> bool {
        let place = self.sockets.iter().position(|member| *member == socket);
        place.map(|place| self.sockets.remove(place)).is_some()
    }

    /// Whether the socket is in the set.
    pub fn contains(&self, socket: Socket) -> bool {
        self.sockets.contains(&socket)
    }

    /// The sockets in the order of insertion.
    pub fn as_slice(&self) -> &[Socket] {
        &self.sockets
    }

    /// Empties the set.
    pub fn clear(&mut self) {
        self.sockets.clear();
    }

    /// How many sockets are in the set.
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }
}

impl FromIterator<Socket> for FdSet {
    /// The sockets beyond [`FD_SETSIZE`] are left out.
    fn from_iter<I: IntoIterator<Item = Socket>>(sockets: I) -> Self {
        let mut set = Self::new();
        for socket in sockets {
            set.insert(socket);
        }
        set
    }
}
