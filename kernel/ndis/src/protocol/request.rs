//! Requests: questions to an adapter and settings of it.

use crate::oid::Oid;
use crate::status::NdisStatus;

/// Most bytes a request carries: a multicast list of 32 addresses is 192.
pub const REQUEST_BUFFER_SIZE: usize = 256;

/// Whether a request asks or sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestKind {
    /// The adapter fills the buffer.
    #[default]
    Query,
    /// The adapter takes the buffer.
    Set,
}

/// A request and, after a query succeeded, its answer.
#[derive(Clone, Debug)]
pub struct Request {
    kind: RequestKind,
    oid: Oid,
    /// Set: what to set. Query: room for the answer.
    buffer: [u8; REQUEST_BUFFER_SIZE],
    /// Bytes of the buffer that are there for the request.
    length: usize,
    /// Bytes written (query) or read (set).
    information: usize,
    /// Bytes needed when the buffer was too short.
    needed: usize,
}

impl Request {
    /// A question with room for [`REQUEST_BUFFER_SIZE`] bytes of answer.
    pub const fn query(oid: Oid) -> Self {
        Self::query_of(oid, REQUEST_BUFFER_SIZE)
    }

    /// A question with room for `length` bytes of answer, at most [`REQUEST_BUFFER_SIZE`].
    pub const fn query_of(oid: Oid, length: usize) -> Self {
        let length = if length < REQUEST_BUFFER_SIZE {
            length
        } else {
            REQUEST_BUFFER_SIZE
        };
        Self {
            kind: RequestKind::Query,
            oid,
            buffer: [0; REQUEST_BUFFER_SIZE],
            length,
            information: 0,
            needed: 0,
        }
    }

    /// A setting.
    ///
    /// # Errors
    /// INVALID_LENGTH for more than [`REQUEST_BUFFER_SIZE`] bytes.
    pub fn set(oid: Oid, bytes: &[u8]) -> Result<Self, NdisStatus> {
        let mut request = Self::query_of(oid, bytes.len());
        request.kind = RequestKind::Set;
        let space = request
            .buffer
            .get_mut(..bytes.len())
            .ok_or(NdisStatus::INVALID_LENGTH)?;
        space.copy_from_slice(bytes);
        Ok(request)
    }

    /// Whether it asks or sets.
    pub const fn kind(&self) -> RequestKind {
        self.kind
    }

    /// What it is about.
    pub const fn oid(&self) -> Oid {
        self.oid
    }

    /// Set: the bytes to set. Query: the answer, empty before it has come.
    pub fn bytes(&self) -> &[u8] {
        let length = match self.kind {
            RequestKind::Query => self.information.min(self.length),
            RequestKind::Set => self.length,
        };
        self.buffer.get(..length).unwrap_or_default()
    }

    /// Bytes the adapter read or wrote.
    pub const fn information(&self) -> usize {
        self.information
    }

    /// Bytes the buffer would have to have, when it was too short; else 0.
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// The part of the buffer that is there for the request.
    pub(crate) fn buffer_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.length).unwrap_or_default()
    }

    pub(crate) fn set_information(&mut self, information: usize) {
        self.information = information;
    }

    pub(crate) fn set_needed(&mut self, needed: usize) {
        self.needed = needed;
    }

    /// Answers a query with `bytes`.
    ///
    /// # Errors
    /// INVALID_LENGTH when they do not fit, with the length needed recorded.
    pub(crate) fn answer(&mut self, bytes: &[u8]) -> Result<(), NdisStatus> {
        let Some(space) = self.buffer_mut().get_mut(..bytes.len()) else {
            self.needed = bytes.len();
            return Err(NdisStatus::INVALID_LENGTH);
        };
        space.copy_from_slice(bytes);
        self.information = bytes.len();
        Ok(())
    }
}
