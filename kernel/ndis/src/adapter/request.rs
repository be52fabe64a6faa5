//! Requests: one at a time, the others queued.

use executive::Irql;
use executive::time::Duration;

use super::Adapter;
use super::settings::{Undo, filter_in};
use super::state::Due;
use crate::counters::count;
use crate::filter::PacketFilter;
use crate::miniport::{AdapterContext, ErasedMiniport, RequestOutcome};
use crate::oid::Oid;
use crate::packet::Sender;
use crate::protocol::{Request, RequestKind};
use crate::status::NdisStatus;

/// How long the console waits for the answer to a request.
const CONSOLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Who made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Binding(Sender),
    /// The wrapper sets a union over the bindings.
    Wrapper,
    /// The console, by the number of its question.
    Console(u32),
}

/// A request on its way.
pub(crate) struct QueuedRequest {
    origin: Origin,
    pub(super) request: Request,
    pub(super) undo: Undo,
    /// The packet filter given to the card, while that is pending.
    hardware_filter: Option<PacketFilter>,
}

/// The console's question to an adapter: one at a time.
pub(crate) struct Console {
    /// Number of the newest question.
    question: u32,
    is_waiting: bool,
    answer: Option<(Request, NdisStatus)>,
}

impl Console {
    pub(super) const fn new() -> Self {
        Self {
            question: 0,
            is_waiting: false,
            answer: None,
        }
    }

    /// Begins to wait, unless somebody does; the number of the question.
    fn ask(&mut self) -> Option<u32> {
        if self.is_waiting {
            return None;
        }
        self.is_waiting = true;
        self.question = self.question.wrapping_add(1);
        Some(self.question)
    }

    /// Takes the answer to a question; false if nobody waits for it any more.
    fn answer(&mut self, question: u32, request: Request, status: NdisStatus) -> bool {
        let is_awaited = self.is_waiting && question == self.question;
        if is_awaited {
            self.answer = Some((request, status));
        }
        is_awaited
    }

    /// Ends the wait.
    fn finish(&mut self) -> Option<(Request, NdisStatus)> {
        self.is_waiting = false;
        self.answer.take()
    }
}

impl QueuedRequest {
    fn new(origin: Origin, request: Request) -> Self {
        Self {
            origin,
            request,
            undo: Undo::Nothing,
            hardware_filter: None,
        }
    }

    /// Whether the binding `sender` made it.
    pub(super) fn is_of(&self, sender: Sender) -> bool {
        self.origin == Origin::Binding(sender)
    }
}

impl Adapter {
    /// Makes a binding's request. At or below Dispatch.
    ///
    /// PENDING: RequestComplete follows. Otherwise it is over and `request` has the answer.
    pub(crate) fn request(&'static self, sender: Sender, request: &mut Request) -> NdisStatus {
        self.start_request(Origin::Binding(sender), request)
    }

    fn start_request(&'static self, origin: Origin, request: &mut Request) -> NdisStatus {
        count(&self.counters.requests);
        let _raised = self.executive().raise_irql(Irql::Dispatch);
        let mut core = self.core.lock();
        if !core.state.is_started() {
            return NdisStatus::ADAPTER_NOT_READY;
        }
        let mut queued = QueuedRequest::new(origin, request.clone());
        if core.is_ready_for_request()
            && let Some(mut miniport) = core.miniport.take()
        {
            drop(core);
            let mut context = AdapterContext::new(self);
            let status = self.execute(&mut queued, &mut *miniport, &mut context);
            if status.is_pending() {
                self.keep_pending(queued);
            } else {
                self.settle(&mut queued, status);
                *request = queued.request;
            }
            context.end_handler();
            self.work_through(miniport, &mut context);
            return status;
        }
        if core.requests.push_back(queued).is_err() {
            count(&self.counters.requests_refused_queue_full);
            return NdisStatus::RESOURCES;
        }
        count(&self.counters.requests_queued);
        NdisStatus::PENDING
    }

    /// Executes the first request of the queue.
    pub(super) fn perform_queued_request(
        &self,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        let queued = self.core.lock().requests.pop_front();
        if let Some(queued) = queued {
            self.perform_request(queued, miniport, context);
        }
    }

    fn perform_request(
        &self,
        mut queued: QueuedRequest,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        let status = self.execute(&mut queued, miniport, context);
        if status.is_pending() {
            self.keep_pending(queued);
        } else {
            self.complete_request(queued, status);
        }
    }

    /// Sets the union over the bindings for the wrapper itself.
    pub(super) fn apply(
        &self,
        oid: Oid,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) {
        if let Some(request) = self.union_of(oid) {
            let mut queued = QueuedRequest::new(Origin::Wrapper, request);
            queued.hardware_filter = filter_in(&queued.request);
            self.perform_request(queued, miniport, context);
        }
    }

    /// Keeps a question of the wrapper that the miniport answers later, to nobody.
    pub(super) fn keep_unanswered(&self, oid: Oid) {
        self.keep_pending(QueuedRequest::new(Origin::Wrapper, Request::query(oid)));
    }

    fn keep_pending(&self, queued: QueuedRequest) {
        let now = self.executive().now();
        self.core.lock().pending_request = Some((queued, now));
    }

    /// Executes a request: PENDING if the miniport completes it later.
    fn execute(
        &self,
        queued: &mut QueuedRequest,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) -> NdisStatus {
        if let Origin::Binding(sender) = queued.origin {
            let Some(target) = self.ndis.target(sender) else {
                return NdisStatus::CLOSING;
            };
            let binding = target.bound.binding;
            let kept = match queued.request.kind() {
                RequestKind::Query => Self::answer_for(binding, &mut queued.request),
                RequestKind::Set => self.set_for(binding, queued),
            };
            if let Some(status) = kept {
                if !status.is_pending() {
                    return status;
                }
                // The binding has it; the card gets the union.
                let Some(mut union) = self.union_of(queued.request.oid()) else {
                    return NdisStatus::SUCCESS;
                };
                let status = self.forward(&mut union, miniport, context);
                if status.is_pending() {
                    queued.hardware_filter = filter_in(&union);
                }
                return status;
            }
        }
        self.forward(&mut queued.request, miniport, context)
    }

    /// Gives a request to the miniport.
    fn forward(
        &self,
        request: &mut Request,
        miniport: &mut dyn ErasedMiniport,
        context: &mut AdapterContext,
    ) -> NdisStatus {
        if request.kind() == RequestKind::Query {
            return self.query(request, miniport, context);
        }
        match miniport.set(context, request.oid(), request.buffer_mut()) {
            RequestOutcome::Done(information) => {
                request.set_information(information);
                if let Some(filter) = filter_in(request) {
                    self.core.lock().set_hardware_filter(filter);
                }
                NdisStatus::SUCCESS
            }
            RequestOutcome::Pending => NdisStatus::PENDING,
            RequestOutcome::TooShort(needed) => {
                request.set_needed(needed);
                NdisStatus::INVALID_LENGTH
            }
            RequestOutcome::Failure(status) => status,
        }
    }

    /// The miniport completes the request it kept.
    pub(crate) fn complete_pending_request(&self, status: NdisStatus, bytes: &[u8]) {
        let pending = self.core.lock().pending_request.take();
        let Some((mut queued, _)) = pending else {
            count(&self.counters.requests_completed_unknown);
            return;
        };
        let mut status = status;
        if queued.request.kind() == RequestKind::Query {
            status = self.complete_query(&mut queued.request, status, bytes);
        }
        if let Some(filter) = queued.hardware_filter.filter(|_| status.is_success()) {
            let mut core = self.core.lock();
            core.set_hardware_filter(filter);
            // The bindings' filters may have changed since; the union is compared again.
            core.due |= Due::PACKET_FILTER;
        }
        self.complete_request(queued, status);
    }

    /// Gives up the request that the miniport kept. What it was to set, the card may have or not, so
    /// the union over the bindings is to be set again.
    pub(super) fn abort_pending_request(&self) {
        let pending = self.core.lock().pending_request.take();
        if let Some((queued, _)) = pending {
            self.core.lock().forget_setting(&queued.request);
            count(&self.counters.requests_aborted);
            self.complete_request(queued, NdisStatus::REQUEST_ABORTED);
        }
    }

    /// Gives up every request in the queue.
    pub(super) fn abort_requests(&self) {
        self.abort_pending_request();
        loop {
            let Some(queued) = self.core.lock().requests.pop_front() else {
                return;
            };
            count(&self.counters.requests_aborted);
            self.complete_request(queued, NdisStatus::REQUEST_ABORTED);
        }
    }

    /// Counts a request that is over, and takes back what it set if it failed.
    fn settle(&self, queued: &mut QueuedRequest, status: NdisStatus) {
        if status.is_success() {
            return;
        }
        count(&self.counters.requests_failed);
        let Origin::Binding(sender) = queued.origin else {
            return;
        };
        if let Some(target) = self.ndis.target(sender) {
            core::mem::replace(&mut queued.undo, Undo::Nothing).perform(target.bound.binding);
            target.adapter.core.lock().update_loopback();
            if !core::ptr::eq(target.adapter, self) {
                // The binding has been moved, and its union is another adapter's matter.
                target.adapter.run_due(Due::ADDRESSING);
            }
        }
    }

    /// Tells who made the request, with no lock held.
    fn complete_request(&self, mut queued: QueuedRequest, status: NdisStatus) {
        self.settle(&mut queued, status);
        match queued.origin {
            Origin::Binding(sender) => {
                let Some(target) = self.ndis.target(sender) else {
                    return;
                };
                let bound = target.bound;
                bound.binding.count_request(status);
                bound
                    .protocol
                    .request_complete(bound.context, &queued.request, status);
                bound.binding.release();
            }
            Origin::Wrapper => {
                if !status.is_success() {
                    let oid = queued.request.oid();
                    log::warn!(target: "ndis", "{}: setting {oid} failed: {status}", self.name);
                }
            }
            Origin::Console(question) => {
                let mut console = self.console.lock();
                let is_awaited = console.answer(question, queued.request, status);
                drop(console);
                if is_awaited {
                    self.answered.set();
                }
            }
        }
    }

    /// Makes the console's request and waits for its answer. Passive.
    pub(crate) fn console_request(&'static self, request: &mut Request) -> NdisStatus {
        let Some(question) = self.console.lock().ask() else {
            return NdisStatus::RESOURCES;
        };
        // An answer that came after an earlier wait had ended.
        self.answered.clear();
        let status = self.start_request(Origin::Console(question), request);
        if status.is_pending() {
            // Without an answer in time the status stays PENDING.
            let _ = self.executive().wait(&self.answered, Some(CONSOLE_TIMEOUT));
        }
        match self.console.lock().finish() {
            Some((answered, status)) => {
                *request = answered;
                status
            }
            None => status,
        }
    }
}
