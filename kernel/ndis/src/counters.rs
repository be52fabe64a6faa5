//! What the wrapper counts.

executive::atomic_counters! {
    /// Counters of one adapter.
    pub struct AdapterCounters / AtomicAdapterCounters {
        /// Interrupts the adapter's service routine was called for.
        interrupts,
        /// Of those, interrupts that another device on the line had caused.
        interrupts_not_recognized,
        /// Calls of HandleInterrupt.
        deferred_calls,
        /// Calls that used up their budget and were queued again.
        deferred_more_work,
        /// Frames indicated by the miniport.
        frames_received,
        /// Bytes of those, link-layer headers included.
        bytes_received,
        /// Batches of frames: calls of ReceiveComplete.
        receive_batches,
        /// Frames shorter than the link-layer header: dropped.
        dropped_short_header,
        /// Frames indicated while no binding was open: dropped.
        dropped_no_binding,
        /// Frames that no binding's packet filter takes: dropped.
        dropped_filtered,
        /// Frames that every binding asked refused (NOT_ACCEPTED): dropped.
        dropped_not_accepted,
        /// Packets given to the adapter to send.
        sends,
        /// Of those, packets the miniport sent.
        sends_done,
        /// Bytes of those.
        bytes_sent,
        /// Packets the miniport failed to send.
        sends_failed,
        /// Packets refused because the adapter was not running.
        sends_refused_not_running,
        /// Packets refused because the queue was full.
        sends_refused_queue_full,
        /// Packets given up at halt.
        sends_aborted,
        /// Packets that had to wait in the queue.
        sends_queued,
        /// Packets the miniport kept to complete later.
        sends_pending,
        /// Times the miniport was out of resources and a packet stayed in the queue.
        sends_out_of_resources,
        /// Completions of packets that were not being sent.
        sends_completed_unknown,
        /// Requests made of the adapter.
        requests,
        /// Requests that had to wait for another one.
        requests_queued,
        /// Requests that failed.
        requests_failed,
        /// Requests refused because the queue was full.
        requests_refused_queue_full,
        /// Requests given up by a reset or halt.
        requests_aborted,
        /// Completions of requests when none was pending.
        requests_completed_unknown,
        /// Resets begun.
        resets,
        /// Resets that failed.
        resets_failed,
        /// Resets because the card hung.
        resets_hung,
        /// Status indications.
        status_indications,
        /// Packets sent that the wrapper loops back to this machine.
        loopbacks,
        /// Of those, packets that are for this machine alone and did not go to the miniport.
        loopbacks_only,
        /// Packets not looped back: no packet was left for it.
        loopbacks_no_packet,
        /// Packets not looped back: too many waited for it.
        loopbacks_queue_full,
        /// Frames looped back to the bindings.
        loopback_frames,
    }
}

executive::atomic_counters! {
    /// Counters of one binding.
    pub struct BindingCounters / AtomicBindingCounters {
        /// Frames indicated to the protocol.
        frames_indicated,
        /// Of those, frames it took.
        frames_accepted,
        /// Of those, frames it does not want (NOT_ACCEPTED).
        frames_not_accepted,
        /// Of those, frames it had no room for (RESOURCES).
        frames_out_of_resources,
        /// Of those, frames it answered with another failure.
        frames_failed,
        /// Frames the packet filter of the binding keeps out.
        frames_filtered,
        /// Transfers of received data done.
        transfers,
        /// Transfers that failed.
        transfers_failed,
        /// Packets given to send.
        sends,
        /// Of those, packets sent.
        sends_done,
        /// Of those, packets not sent.
        sends_failed,
        /// Of those, packets shorter than a link-layer header or longer than a frame.
        sends_invalid,
        /// Requests made.
        requests,
        /// Of those, requests that failed.
        requests_failed,
    }
}

/// Adds one. Relaxed: a counter orders nothing.
pub(crate) fn count(counter: &core::sync::atomic::AtomicU64) {
    add(counter, 1);
}

/// Adds `amount`.
pub(crate) fn add(counter: &core::sync::atomic::AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, core::sync::atomic::Ordering::Relaxed);
}
