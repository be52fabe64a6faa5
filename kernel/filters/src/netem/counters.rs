//! What netem counts.

/// What was done to the packets of one direction. Always
/// `taken + duplicated = passed + lost + over_limit + pool_short + held`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionCounters {
    /// Packets that came.
    pub taken: u64,
    /// Packets passed on, copies included.
    pub passed: u64,
    /// Packets lost by chance, copies included. One chosen for loss and for duplication counts
    /// as both, and passes once.
    pub lost: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Packets that went at once while others were delayed.
    pub reordered: u64,
    /// Packets that were held, for delay or rate.
    pub delayed: u64,
    /// Packets with a flipped bit.
    pub corrupted: u64,
    /// Packets dropped because `limit` of them were held.
    pub over_limit: u64,
    /// Packets dropped because little of the packet pool was left.
    pub pool_short: u64,
    /// Packets not duplicated or not corrupted because none could be had for the copy.
    pub no_packet: u64,
}

/// Tells the counters of both directions.
pub(super) fn tell(
    outbound: &DirectionCounters,
    inbound: &DirectionCounters,
    each: &mut dyn FnMut(&'static str, u64),
) {
    each("taken_out", outbound.taken);
    each("passed_out", outbound.passed);
    each("lost_out", outbound.lost);
    each("duplicated_out", outbound.duplicated);
    each("reordered_out", outbound.reordered);
    each("delayed_out", outbound.delayed);
    each("corrupted_out", outbound.corrupted);
    each("over_limit_out", outbound.over_limit);
    each("pool_short_out", outbound.pool_short);
    each("no_packet_out", outbound.no_packet);
    each("taken_in", inbound.taken);
    each("passed_in", inbound.passed);
    each("lost_in", inbound.lost);
    each("duplicated_in", inbound.duplicated);
    each("reordered_in", inbound.reordered);
    each("delayed_in", inbound.delayed);
    each("corrupted_in", inbound.corrupted);
    each("over_limit_in", inbound.over_limit);
    each("pool_short_in", inbound.pool_short);
    each("no_packet_in", inbound.no_packet);
}
