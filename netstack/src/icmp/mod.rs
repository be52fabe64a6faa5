//! ICMP (RFC 792): echo in both directions, and errors in both directions.

pub(crate) mod echo;
mod error;
mod input;
mod rate;
#[cfg(test)]
mod tests;

use executive::time::Instant;

use crate::configuration::StackConfiguration;
use crate::random::Random;
use crate::stack::Queue;
use crate::table::{HashChains, Slots, Timers};
use echo::Echo;
pub use echo::{EchoEvent, EchoOutcome, EchoRequest, MAXIMUM_ECHO_LENGTH};
use rate::TokenBucket;

executive::counters! {
    /// What became of the messages.
    pub struct IcmpCounters {
        /// Messages taken in.
        received,
        /// Dropped: shorter than the fixed part.
        dropped_too_short,
        /// Dropped: the checksum is wrong.
        dropped_checksum,
        /// Dropped: an echo request to a broadcast or group address.
        dropped_echo_broadcast,
        /// Dropped: an echo request from an address that can't be answered.
        dropped_echo_source,
        /// Dropped: an echo reply to no request of ours.
        dropped_echo_unexpected,
        /// Dropped: an error whose quoted datagram is malformed or not ours.
        dropped_error_quote,
        /// Dropped: an error about nothing that anybody waits for.
        dropped_error_unmatched,
        /// Dropped: a type that is not handled.
        dropped_type,
        /// Echo requests taken in.
        echo_requests_received,
        /// Echo requests answered.
        echo_replies_sent,
        /// Echo requests sent.
        echo_requests_sent,
        /// Replies to our echo requests.
        echo_replies_received,
        /// Echo requests of ours without an answer in time.
        echo_timeouts,
        /// Destination unreachable received.
        unreachable_received,
        /// Time exceeded received.
        time_exceeded_received,
        /// Errors sent.
        errors_sent,
        /// Errors not sent: about a datagram that must not cause one (RFC 1122
        /// section 3.2.2).
        errors_suppressed,
        /// Errors not sent: the rate limit.
        errors_rate_limited,
        /// Messages not sent: no packet, no way, or a queue is full.
        unsent,
    }
}

/// The state of this layer.
pub(crate) struct Icmp {
    bucket: TokenBucket,
    echoes: Slots<Echo>,
    echo_chains: HashChains,
    echo_timers: Timers,
    echo_events: Queue<EchoEvent>,
}

impl Icmp {
    pub(crate) fn new(configuration: &StackConfiguration, random: &mut Random) -> Self {
        let echoes = configuration.echo_requests;
        Self {
            bucket: TokenBucket::new(
                configuration.icmp_errors_per_second,
                configuration.icmp_error_burst,
            ),
            echoes: Slots::new(echoes),
            echo_chains: HashChains::new(echoes, random.bits()),
            echo_timers: Timers::new(echoes),
            echo_events: Queue::new(echoes),
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.echo_timers.earliest()
    }
}
