//! Echo requests for the console, one at a time.

use core::net::Ipv4Addr;

use executive::{Duration, NtStatus};
use netstack::icmp::{EchoEvent, EchoOutcome, EchoRequest};

use super::Network;

/// Time to live of the requests.
const TIME_TO_LIVE: u8 = 128;

/// One run of ping: requests to one host under one identifier.
pub struct Ping<'a> {
    network: &'a Network,
    destination: Ipv4Addr,
    identifier: u16,
    sequence: u16,
}

impl Network {
    /// Starts a run. `identifier` tells its answers from those of other runs.
    pub fn ping(&self, destination: Ipv4Addr, identifier: u16) -> Ping<'_> {
        Ping {
            network: self,
            destination,
            identifier,
            sequence: 0,
        }
    }
}

impl Ping<'_> {
    /// Sends the next request with `length` bytes of data; gives its sequence
    /// number.
    ///
    /// # Errors
    /// The stack's reason not to send it.
    pub fn send(&mut self, length: usize, timeout: Duration) -> Result<u16, NtStatus> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = EchoRequest {
            destination: self.destination,
            identifier: self.identifier,
            sequence: self.sequence,
            length,
            time_to_live: TIME_TO_LIVE,
            timeout,
        };
        let network = self.network;
        let now = network.executive.now();
        let status = network.layers.lock().stack.send_echo(&request, now);
        network.deliver();
        match status {
            NtStatus::PENDING => Ok(self.sequence),
            status => Err(status),
        }
    }

    /// Waits for the outcome of the last request, at most so long. The stack
    /// ends each request with an outcome of its own when its time is up.
    pub fn outcome(&self, wait: Duration) -> Option<EchoOutcome> {
        let until = self.network.executive.now() + wait;
        loop {
            if let Some(event) = self.network.layers.lock().stack.next_echo_event()
                && self.is_own(&event)
            {
                return Some(event.outcome);
            }
            let left = until.duration_since(self.network.executive.now());
            let waited = self
                .network
                .executive
                .wait(&self.network.echo_arrived, Some(left));
            if waited == NtStatus::TIMEOUT {
                return None;
            }
        }
    }

    fn is_own(&self, event: &EchoEvent) -> bool {
        event.identifier == self.identifier && event.sequence == self.sequence
    }
}

impl Drop for Ping<'_> {
    fn drop(&mut self) {
        self.network
            .layers
            .lock()
            .stack
            .cancel_echo(self.identifier);
    }
}
