//! What the firewall counts.

/// What became of the frames of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Frames passed on.
    pub allowed: u64,
    /// Frames dropped by a rule or the default.
    pub dropped: u64,
    /// Frames rejected, answered or not.
    pub rejected: u64,
}

/// Counters of a firewall. A frame is in one of [`Verdicts`] or is malformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirewallCounters {
    /// Frames on their way down.
    pub outbound: Verdicts,
    /// Frames on their way up.
    pub inbound: Verdicts,
    /// Frames shorter than an Ethernet header, dropped.
    pub malformed_ethernet: u64,
    /// ARP messages not for IPv4 over Ethernet, or cut off, dropped.
    pub malformed_arp: u64,
    /// IPv4 headers cut off, inconsistent or with a wrong checksum, dropped.
    pub malformed_ip: u64,
    /// ICMP, UDP or TCP headers cut off or inconsistent, dropped.
    pub malformed_transport: u64,
    /// Fragments that hide a transport header (RFC 1858, RFC 3128), dropped.
    pub tiny_fragments: u64,
    /// Later fragments that shared their first one's fate.
    pub fragments_with_first: u64,
    /// Later fragments whose first one was not known: rules without ports decided.
    pub fragments_alone: u64,
    /// ICMP errors sent to the senders of rejected frames.
    pub icmp_errors: u64,
    /// TCP resets sent to the senders of rejected segments.
    pub resets: u64,
    /// Rejected frames not answered because there must be no answer (RFC 1122 section 3.2.2, RFC
    /// 9293 section 3.10.7.1), or their transport checksum is wrong.
    pub unanswerable: u64,
    /// Rejected frames not answered because there were too many.
    pub rate_limited: u64,
    /// Rejected frames not answered because no packet could be had.
    pub no_packet: u64,
}

impl FirewallCounters {
    /// Tells every counter with its name.
    pub(super) fn tell(&self, each: &mut dyn FnMut(&'static str, u64)) {
        each("allowed_out", self.outbound.allowed);
        each("dropped_out", self.outbound.dropped);
        each("rejected_out", self.outbound.rejected);
        each("allowed_in", self.inbound.allowed);
        each("dropped_in", self.inbound.dropped);
        each("rejected_in", self.inbound.rejected);
        each("malformed_ethernet", self.malformed_ethernet);
        each("malformed_arp", self.malformed_arp);
        each("malformed_ip", self.malformed_ip);
        each("malformed_transport", self.malformed_transport);
        each("tiny_fragments", self.tiny_fragments);
        each("fragments_with_first", self.fragments_with_first);
        each("fragments_alone", self.fragments_alone);
        each("icmp_errors", self.icmp_errors);
        each("resets", self.resets);
        each("unanswerable", self.unanswerable);
        each("rate_limited", self.rate_limited);
        each("no_packet", self.no_packet);
    }
}
