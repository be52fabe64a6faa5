//! One use of a filter: what its two edges share.
//!
//! The handler is taken out of its place while one of its methods runs, so no lock is held then.
//! What comes meanwhile waits in the inbox and is given to the handler before it is put back.
//! Received frames wait there too, until the adapter below says that their batch is over: then
//! they go up as a batch.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use executive::{Duration, Instant, SpinLock, Timer};
use ndis::{
    AdapterContext, AdapterHandle, BindingHandle, Ndis, NdisStatus, Packet, PacketPool, SendOutcome,
};
use spin::Once;

use super::counters::{AtomicEdgeCounters, EdgeCounters, count};
use super::{Direction, PacketHandler, Path, Way};

/// What the handler is to do.
enum Task {
    Packet(Direction, Packet),
    Timer,
    Flush,
}

/// What the lock protects.
struct Inner<H> {
    /// The handler, unless it is at work.
    handler: Option<Box<H>>,
    /// Where packets go down.
    lower: Option<BindingHandle>,
    /// Whether the filter has its place in a stack, also while that does not run.
    is_in_use: bool,
    inbox: VecDeque<(Direction, Packet)>,
    timer_due: bool,
}

/// One use of a filter. Made at start, used again and again.
pub(super) struct Edge<H> {
    pub(super) ndis: &'static Ndis,
    pool: &'static PacketPool,
    upper: Once<AdapterHandle>,
    timer: Once<Timer>,
    inner: SpinLock<Inner<H>>,
    pub(super) counters: AtomicEdgeCounters,
}

impl<H: PacketHandler> Edge<H> {
    /// One with room for `waiting` packets that come while the handler is at work. Allocates.
    pub(super) fn new(
        ndis: &'static Ndis,
        pool: &'static PacketPool,
        handler: H,
        waiting: usize,
    ) -> Self {
        let inner = Inner {
            handler: Some(Box::new(handler)),
            lower: None,
            is_in_use: false,
            inbox: VecDeque::with_capacity(waiting),
            timer_due: false,
        };
        Self {
            ndis,
            pool,
            upper: Once::new(),
            timer: Once::new(),
            inner: SpinLock::new(ndis.executive(), inner),
            counters: AtomicEdgeCounters::default(),
        }
    }

    /// Names the virtual adapter and makes the timer. At start.
    ///
    /// # Errors
    /// RESOURCES when no timer can be had.
    pub(super) fn complete(&'static self, upper: AdapterHandle) -> Result<(), NdisStatus> {
        self.upper.call_once(|| upper);
        if H::USES_TIMER {
            let executive = self.ndis.executive();
            let timer = Timer::new(executive, upper.name(), || self.timer_due());
            let timer = timer.map_err(|_| NdisStatus::RESOURCES)?;
            self.timer.call_once(|| timer);
        }
        Ok(())
    }

    /// The virtual adapter.
    pub(super) fn upper(&self) -> Option<&AdapterHandle> {
        self.upper.get()
    }

    /// The virtual adapter's name.
    pub(super) fn name(&self) -> &'static str {
        self.upper().map_or("", AdapterHandle::name)
    }

    pub(super) fn lower(&self) -> Option<BindingHandle> {
        self.inner.lock().lower
    }

    /// The adapter below, also while that does not run.
    pub(super) fn below(&self) -> Option<AdapterHandle> {
        self.upper()?.below()
    }

    /// Takes the edge for a stack; false if it has a place in one.
    pub(super) fn claim(&self) -> bool {
        !core::mem::replace(&mut self.inner.lock().is_in_use, true)
    }

    /// The edge has no place in a stack any more.
    pub(super) fn release(&self) {
        self.inner.lock().is_in_use = false;
    }

    /// The lower adapter is open.
    pub(super) fn open(&self, lower: BindingHandle) {
        self.inner.lock().lower = Some(lower);
    }

    /// Closes the lower adapter.
    pub(super) fn close(&self) {
        let lower = self.inner.lock().lower.take();
        if let Some(lower) = lower {
            // CloseAdapterComplete has nothing to do.
            let _ = self.ndis.close_adapter(&lower);
        }
    }

    /// Acts as the virtual miniport.
    pub(super) fn act_above(&self, act: impl FnOnce(&mut AdapterContext)) {
        if let Some(upper) = self.upper() {
            self.ndis.switch_to_miniport(upper, act);
        }
    }

    pub(super) fn pool(&self) -> &'static PacketPool {
        self.pool
    }

    pub(super) fn snapshot(&self) -> EdgeCounters {
        self.counters.snapshot()
    }

    /// Looks at the handler, or changes its settings; `None` while it is at work, which no thread
    /// at Passive sees. `look` runs at Dispatch.
    pub(super) fn with_handler<R>(&self, look: impl FnOnce(&mut H) -> R) -> Option<R> {
        self.inner.lock().handler.as_deref_mut().map(look)
    }

    /// A packet from above. Dispatch.
    pub(super) fn send(&self, context: &mut AdapterContext, packet: Packet) -> SendOutcome {
        count(&self.counters.from_above);
        let mut outlet = Outlet::new(self, context);
        outlet.awaited = Some(packet.info().id);
        let status = match self.run(&mut outlet, Task::Packet(Direction::Out, packet)) {
            Ok(()) => outlet.status,
            Err(status) => status,
        };
        if status.is_success() {
            SendOutcome::Success
        } else {
            SendOutcome::Failure(status)
        }
    }

    /// A packet from below, which waits for the end of its batch. Dispatch.
    pub(super) fn receive(&self, mut packet: Packet) -> NdisStatus {
        count(&self.counters.from_below);
        if packet.info().timestamp == Instant::ZERO {
            packet.info_mut().timestamp = self.ndis.executive().now();
        }
        self.wait(&mut self.inner.lock_at_level().inbox, Direction::In, packet)
    }

    /// Puts a packet into the inbox if there is room.
    fn wait(
        &self,
        inbox: &mut VecDeque<(Direction, Packet)>,
        direction: Direction,
        packet: Packet,
    ) -> NdisStatus {
        if inbox.len() == inbox.capacity() {
            count(&self.counters.dropped_queue_full);
            return NdisStatus::RESOURCES;
        }
        inbox.push_back((direction, packet));
        NdisStatus::SUCCESS
    }

    /// The batch of received frames is over. Dispatch.
    pub(super) fn receive_complete(&self) {
        let first = {
            let inner = &mut *self.inner.lock_at_level();
            if inner.handler.is_none() {
                return;
            }
            inner.inbox.pop_front()
        };
        if let Some((direction, packet)) = first {
            self.run_above(Task::Packet(direction, packet));
        }
    }

    /// The timer's routine. Dispatch.
    fn timer_due(&self) {
        if self.inner.lock_at_level().lower.is_some() {
            self.run_above(Task::Timer);
        }
    }

    /// Has the handler give up what it holds. Dispatch.
    pub(super) fn flush(&self, context: &mut AdapterContext) {
        count(&self.counters.flushes);
        if let Some(timer) = self.timer.get() {
            timer.cancel();
        }
        // Not a packet, so nothing can be refused.
        let _ = self.run(&mut Outlet::new(self, context), Task::Flush);
    }

    /// The same as [`Edge::run`], from outside the virtual miniport.
    fn run_above(&self, task: Task) {
        self.act_above(|context| {
            // Counted where it was dropped; nobody waits for the status.
            let _ = self.run(&mut Outlet::new(self, context), task);
        });
    }

    /// Has the handler do a task, and what comes meanwhile; if the handler is at work, leaves the
    /// task to the one that runs it.
    fn run(&self, outlet: &mut Outlet<'_, H>, task: Task) -> Result<(), NdisStatus> {
        let taken = {
            let inner = &mut *self.inner.lock_at_level();
            outlet.lower = inner.lower;
            match (inner.handler.take(), task) {
                (Some(handler), task) => Some((handler, task)),
                (None, Task::Packet(direction, packet)) => {
                    count(&self.counters.waited);
                    return self.wait(&mut inner.inbox, direction, packet).into_result();
                }
                (None, Task::Timer) => {
                    inner.timer_due = true;
                    None
                }
                // Not reached: the wrapper asks for it while no packet is under way.
                (None, Task::Flush) => None,
            }
        };
        if let Some((mut handler, task)) = taken {
            perform(&mut *handler, outlet, task);
            // What comes now is nobody's answer.
            outlet.awaited = None;
            self.work(handler, outlet);
        }
        Ok(())
    }

    /// Gives the handler what came meanwhile, then puts it back.
    fn work(&self, mut handler: Box<H>, outlet: &mut Outlet<'_, H>) {
        loop {
            let task = {
                let inner = &mut *self.inner.lock_at_level();
                match inner.inbox.pop_front() {
                    Some((direction, packet)) => Task::Packet(direction, packet),
                    None if core::mem::take(&mut inner.timer_due) => Task::Timer,
                    None => {
                        inner.handler = Some(handler);
                        return;
                    }
                }
            };
            perform(&mut *handler, outlet, task);
        }
    }
}

fn perform<H: PacketHandler>(handler: &mut H, outlet: &mut Outlet<'_, H>, task: Task) {
    let mut path = Path::new(outlet);
    match task {
        Task::Packet(Direction::Out, packet) => handler.send(packet, &mut path),
        Task::Packet(Direction::In, packet) => handler.receive(packet, &mut path),
        Task::Timer => handler.timer(&mut path),
        Task::Flush => handler.flush(&mut path),
    }
}

/// The way on during one run of the handler.
struct Outlet<'a, H> {
    edge: &'a Edge<H>,
    context: &'a mut AdapterContext,
    lower: Option<BindingHandle>,
    /// The packet whose sender waits for the answer.
    awaited: Option<u64>,
    /// What the adapter below answered to it.
    status: NdisStatus,
}

impl<'a, H> Outlet<'a, H> {
    fn new(edge: &'a Edge<H>, context: &'a mut AdapterContext) -> Self {
        Self {
            edge,
            context,
            lower: None,
            awaited: None,
            status: NdisStatus::SUCCESS,
        }
    }

    /// Gives a packet to the adapter below.
    fn send(&self, mut packet: Packet) -> NdisStatus {
        let counters = &self.edge.counters;
        let Some(lower) = &self.lower else {
            count(&counters.dropped_not_bound);
            return NdisStatus::CLOSING;
        };
        count(&counters.passed_down);
        // The edge completes the send to whoever made it; the adapter below, to the edge.
        packet.forget_senders();
        let status = self.edge.ndis.send(lower, packet);
        if !status.is_success() {
            count(&counters.sends_failed);
        }
        status
    }
}

impl<H> Way for Outlet<'_, H> {
    fn now(&self) -> Instant {
        self.context.now()
    }

    fn pass_down(&mut self, packet: Packet) {
        let is_awaited = self.awaited == Some(packet.info().id);
        let status = self.send(packet);
        if is_awaited {
            self.status = status;
        }
    }

    fn pass_up(&mut self, packet: Packet) {
        count(&self.edge.counters.passed_up);
        self.context.indicate_packet(packet);
    }

    fn set_timer(&mut self, delay: Duration) {
        if let Some(timer) = self.edge.timer.get() {
            timer.set(delay);
        }
    }

    fn pool(&self) -> &'static PacketPool {
        self.edge.pool
    }
}
