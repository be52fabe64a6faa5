//! CLEANUP and CLOSE.

use executive::status::NtStatus;
use netstack::Stack;

use crate::device::Afd;
use crate::endpoint::{Queue, State};
use crate::handle::Handle;
use crate::table::Key;

impl Afd {
    /// Closes a handle to new requests. With the last one of its endpoint
    /// everything that waits there ends, and the address is given up.
    pub(crate) fn clean_up(
        &mut self,
        handle: Handle,
        stack: &mut Stack,
    ) -> Result<usize, NtStatus> {
        let endpoint = self.handles.clean_up(handle)?;
        let block = self
            .endpoints
            .get_mut(endpoint)
            .ok_or(NtStatus::FILE_CLOSED)?;
        block.open_handles -= 1;
        if block.open_handles == 0 {
            block.state = State::Closed;
            self.end_requests(endpoint, stack);
            self.release(endpoint, stack);
        }
        Ok(0)
    }

    /// Ends what waits at a closed endpoint: polls that look at it see
    /// LOCAL_CLOSE, polls issued on it time out, other requests are cancelled.
    fn end_requests(&mut self, endpoint: Key, stack: &mut Stack) {
        self.signal(endpoint);
        while let Some(poll) = self
            .endpoints
            .get(endpoint)
            .and_then(|block| block.polls.head())
        {
            self.end_poll(poll, NtStatus::TIMEOUT, &[]);
        }
        for queue in Queue::ALL {
            while let Some(block) = self.endpoints.get(endpoint)
                && let Some(key) = block.queues.get(queue).head()
            {
                self.cancel_pending(key, stack);
            }
        }
    }

    /// Gives up what a closed endpoint holds: datagrams that nobody has read,
    /// and the transport's address object with the receive posted on it.
    fn release(&mut self, endpoint: Key, stack: &mut Stack) {
        let Some(block) = self.endpoints.get_mut(endpoint) else {
            return;
        };
        while block.receive.discard(&mut self.datagrams.usage) {
            self.counters.dropped_unread += 1;
        }
        if let Some(address) = block.address.take() {
            let status = stack.close_address(address);
            debug_assert!(status.is_success(), "an endpoint's address object exists");
        }
        block.remote = None;
    }

    /// Frees a handle, and its endpoint with the last one.
    pub(crate) fn close(&mut self, handle: Handle, stack: &mut Stack) -> Result<usize, NtStatus> {
        match self.clean_up(handle, stack) {
            Ok(_) | Err(NtStatus::FILE_CLOSED) => {}
            Err(status) => return Err(status),
        }
        let endpoint = self.handles.remove(handle)?;
        let block = self
            .endpoints
            .get_mut(endpoint)
            .ok_or(NtStatus::FILE_CLOSED)?;
        block.handles -= 1;
        if block.handles == 0 {
            self.free_endpoint(endpoint);
            self.counters.endpoints_closed += 1;
        }
        Ok(0)
    }

    /// Frees an endpoint that holds nothing any more.
    pub(crate) fn free_endpoint(&mut self, endpoint: Key) {
        if let Some(block) = self.endpoints.remove(endpoint) {
            self.datagrams.give_back(block.receive);
        }
    }
}
