//! What the device has seen, and how full its tables are.

use executive::pool::PoolUsage;
use executive::status::NtStatus;

executive::counters! {
    /// Counters of the AFD device.
    pub struct AfdCounters {
        /// Requests dispatched.
        requests,
        /// Requests completed.
        completions,
        /// Receives carried out without a request.
        fast_receives,
        /// Sends carried out without a request.
        fast_sends,
        /// Requests that had to wait.
        pended,
        /// Requests cancelled, by their caller or by closing a handle.
        cancelled,
        /// Requests with a control code that is not supported.
        unsupported,
        /// Endpoints made.
        endpoints_created,
        /// Endpoints freed.
        endpoints_closed,
        /// Datagrams taken by the transport.
        datagrams_sent,
        /// Payload bytes of these.
        bytes_sent,
        /// Sends that the transport finished later.
        sends_deferred,
        /// Sends that were completed to their caller and failed afterwards.
        buffered_sends_failed,
        /// Datagrams that came from the transport.
        datagrams_received,
        /// Payload bytes of these.
        bytes_received,
        /// Datagrams handed to callers.
        datagrams_delivered,
        /// Datagrams cut to the caller's room.
        datagrams_truncated,
        /// Datagrams dropped because the endpoint's receive window was full.
        dropped_window_full,
        /// Datagrams dropped because the endpoint holds as many as it may.
        dropped_queue_full,
        /// Datagrams dropped because all endpoints together hold as many as
        /// they may.
        dropped_pool_full,
        /// Datagrams dropped because their endpoint was closed meanwhile.
        dropped_closed,
        /// Datagrams that nobody had read when their endpoint was closed.
        dropped_unread,
        /// Receives that the transport ended with an error.
        receive_errors,
        /// Receives that the transport did not take; they are posted again.
        receive_posts_refused,
        /// Polls submitted.
        polls,
        /// Polls that timed out.
        polls_timed_out,
        /// Requests that could not wait because there was no room for them.
        pending_full,
    }
}

impl AfdCounters {
    /// Counts a datagram as handed to a caller; the status that tells whether
    /// it was cut to the caller's room.
    #[inline]
    pub(crate) const fn deliver(&mut self, is_truncated: bool) -> NtStatus {
        self.datagrams_delivered += 1;
        if is_truncated {
            self.datagrams_truncated += 1;
            NtStatus::BUFFER_OVERFLOW
        } else {
            NtStatus::SUCCESS
        }
    }
}

/// How full the device's tables are and were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AfdUsage {
    /// Handles.
    pub handles: PoolUsage,
    /// Endpoints.
    pub endpoints: PoolUsage,
    /// Requests that wait.
    pub pending: PoolUsage,
    /// Datagrams that wait to be received.
    pub datagrams: PoolUsage,
    /// Sends that the transport has not finished.
    pub sends: PoolUsage,
    /// Endpoints that pending polls look at.
    pub poll_registrations: PoolUsage,
}

impl AfdUsage {
    /// Every table's name and usage.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, PoolUsage)> + use<> {
        [
            ("handles", self.handles),
            ("endpoints", self.endpoints),
            ("pending", self.pending),
            ("datagrams", self.datagrams),
            ("sends", self.sends),
            ("poll_registrations", self.poll_registrations),
        ]
        .into_iter()
    }
}
