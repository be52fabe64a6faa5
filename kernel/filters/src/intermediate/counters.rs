//! What the edges count.

use core::sync::atomic::{AtomicU64, Ordering};

executive::atomic_counters! {
    /// Counters of the edges of one filter.
    pub struct EdgeCounters / AtomicEdgeCounters {
        /// Packets that came from above.
        from_above,
        /// Packets that came from below.
        from_below,
        /// Of those, packets that came as such and are shared.
        shared,
        /// Packets given to the adapter below.
        passed_down,
        /// Packets given to the protocols above.
        passed_up,
        /// Packets that came while the handler was at work.
        waited,
        /// Received frames dropped: no packet.
        dropped_no_packet,
        /// Received frames dropped: longer than a packet's buffer.
        dropped_too_long,
        /// Received frames dropped: the transfer from the adapter below failed.
        dropped_transfer_failed,
        /// Packets dropped: too many came while the handler was at work.
        dropped_queue_full,
        /// Packets from the handler dropped: there is no adapter below any more.
        dropped_not_bound,
        /// Packets the adapter below refused or failed to send.
        sends_failed,
        /// Requests passed to the adapter below.
        requests,
        /// Times the handler was asked to flush.
        flushes,
    }
}

/// Adds one. Relaxed: a counter orders nothing.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
