//! The composition of lan, stack and AFD: who drains whose outputs, and under
//! which lock.
//!
//! Stack and AFD are state machines behind one lock at DISPATCH_LEVEL. An input
//! is given under the lock; the outputs it leaves behind (frames, completed
//! IRPs, echo events) are fetched one by one and handed on with the lock free,
//! so nothing above or below is ever called with it held.

mod interfaces;
mod ping;

pub use interfaces::{Interfaces, NetworkCounters};
pub use ping::Ping;

use alloc::boxed::Box;

use afd::winsock::AfdDevice;
use afd::{Afd, AfdIrp, CompletedIrp, FastReceive, Handle};
use executive::irp::{CancelRoutine, IrpId};
use executive::{Event, EventKind, Executive, Instant, Irql, NtStatus, SpinLock, Timer, WorkItem};
use ndis::{Medium, Packet};
use netstack::lan::{Lan, LanBinding, LanEvent};
use netstack::tdi::{Payload, ReceiveFlags};
use netstack::{SocketAddress, Stack};
use spin::Once;

/// Events of lan taken in one hold of the lock. A frame costs about 2 µs there,
/// and the card's ring takes a frame about every 13 µs meanwhile.
const BATCH: usize = 8;
/// Batches taken in one run of the work item: some 1 ms. Then the worker looks whether
/// it has to leave time to other threads.
const BATCHES: usize = 32;

/// The sockets of the network.
pub type Winsock = afd::winsock::Winsock<Network>;

/// What the lock protects.
struct Layers {
    stack: Stack,
    afd: Afd,
    interfaces: Interfaces,
    /// When the timer is due, to leave it alone while nothing changes.
    armed: Option<Instant>,
}

/// The network above NDIS: lan's packets in, frames out, AFD's IRPs in between.
pub struct Network {
    executive: &'static Executive,
    layers: SpinLock<Layers>,
    echo_arrived: Event,
    lan: Once<&'static Lan>,
    work: Once<&'static WorkItem>,
    timer: Once<Timer>,
}

impl Network {
    /// Joins a stack and an AFD. Nothing arrives before [`Network::attach`].
    ///
    /// # Errors
    /// The executive's tables are full.
    pub fn new(
        executive: &'static Executive,
        stack: Stack,
        afd: Afd,
        interfaces: Interfaces,
    ) -> Result<&'static Self, NtStatus> {
        let layers = Layers {
            stack,
            afd,
            interfaces,
            armed: None,
        };
        let network: &'static Self = Box::leak(Box::new(Self {
            executive,
            layers: SpinLock::new(executive, layers),
            echo_arrived: Event::new(executive, EventKind::Synchronization, false)?,
            lan: Once::new(),
            work: Once::new(),
            timer: Once::new(),
        }));
        let work = WorkItem::new(executive, "network", move || network.run())?;
        network.work.call_once(|| work);
        let timer = Timer::new(executive, "network timer", move || {
            work.queue();
        })?;
        network.timer.call_once(|| timer);
        network.layers.lock().afd.set_cancel_routine(network);
        Ok(network)
    }

    /// The work item to be queued when lan has something.
    pub fn work(&self) -> Option<&'static WorkItem> {
        self.work.get().copied()
    }

    /// Names the lan that frames come from and go to.
    pub fn attach(&self, lan: &'static Lan) {
        self.lan.call_once(|| lan);
    }

    /// Looks at the layers under the lock.
    pub fn inspect<R>(&self, look: impl FnOnce(&Stack, &Afd) -> R) -> R {
        let layers = self.layers.lock();
        look(&layers.stack, &layers.afd)
    }

    /// The counters of the way between lan and the stack.
    pub fn counters(&self) -> NetworkCounters {
        self.layers.lock().interfaces.counters
    }

    /// The work item's routine: takes what lan has, a batch at a time, then
    /// does what the clock asks for. PASSIVE_LEVEL.
    fn run(&self) {
        let is_more = (0..BATCHES).all(|_| self.receive_batch());
        let now = self.executive.now();
        self.input(|layers| {
            layers.armed = None;
            layers.stack.poll(now);
            layers.afd.poll(&mut layers.stack, now);
            layers.drain_completions();
        });
        if is_more && let Some(work) = self.work.get() {
            work.queue();
        }
    }

    /// Takes a batch and hands on what it leaves behind, unless it is the
    /// last: another input follows that. Whether there is more.
    #[inline(always)]
    fn receive_batch(&self) -> bool {
        let Some(lan) = self.lan.get() else {
            return false;
        };
        let (is_more, has_output) = self.take_batch(lan);
        if is_more && has_output {
            self.deliver();
        }
        is_more
    }

    /// Whether there is more, and whether the batch has left anything behind.
    #[inline(always)]
    fn take_batch(&self, lan: &Lan) -> (bool, bool) {
        let now = self.executive.now();
        let layers = &mut *self.layers.lock();
        let mut events = lan.events();
        for taken in 0..BATCH {
            // One for each frame is ordinary.
            if !layers.stack.completions_may_wait(taken) {
                layers.drain_completions();
            }
            let Some(event) = events.next() else {
                break;
            };
            layers.take(event, now);
        }
        layers.drain_completions();
        (!events.is_empty(), layers.has_output())
    }

    /// Gives an input and hands on what it leaves behind. One that leaves no
    /// more than a frame takes the lock once.
    #[inline(always)]
    fn input<R>(&self, give: impl FnOnce(&mut Layers) -> R) -> R {
        let (result, completed) = {
            let _raised = self.executive.raise_irql(Irql::Dispatch);
            let (result, output) = {
                let layers = &mut *self.layers.lock_at_level();
                (give(layers), layers.next_output())
            };
            (result, self.hand_on(output))
        };
        if let Some(irp) = completed {
            irp.finish();
            self.deliver();
        }
        result
    }

    /// Hands on what inputs have left behind: frames, then an IRP, one by one
    /// with the lock free; what the clock asks for last.
    fn deliver(&self) {
        let next = || {
            let _raised = self.executive.raise_irql(Irql::Dispatch);
            let output = self.layers.lock_at_level().next_output();
            self.hand_on(output)
        };
        while let Some(irp) = next() {
            irp.finish();
        }
    }

    /// Sends what the stack has to send, then answers the next completed IRP.
    /// Frames leave in the order in which the stack made them: DISPATCH_LEVEL,
    /// since before `output` was fetched, keeps another thread from fetching
    /// the next one in between.
    #[inline(always)]
    fn hand_on(&self, mut output: Output) -> Option<CompletedIrp> {
        loop {
            let Output { frame, next } = output;
            if let Some((binding, packet)) = frame
                && let Some(lan) = self.lan.get()
            {
                // lan counts what the adapter refuses.
                let _ = lan.send(binding, packet);
            }
            match next {
                Next::Frame => output = self.layers.lock_at_level().next_output(),
                Next::Completed(irp) => return Some(irp),
                Next::Nothing { due, has_echo } => {
                    if let (Some(due), Some(timer)) = (due, self.timer.get()) {
                        timer.set_at(due);
                    }
                    if has_echo {
                        self.echo_arrived.set();
                    }
                    return None;
                }
            }
        }
    }
}

/// What an input has left behind, as much as is done in one step.
struct Output {
    /// A frame to send.
    frame: Option<(LanBinding, Packet)>,
    /// What is to be done then.
    next: Next,
}

/// What follows a frame.
enum Next {
    /// Another one: look again.
    Frame,
    /// An IRP to complete.
    Completed(CompletedIrp),
    /// Nothing more.
    Nothing {
        /// When the timer has to be set for, if it is not yet.
        due: Option<Instant>,
        /// Whether somebody who waits for echo replies has to look.
        has_echo: bool,
    },
}

impl Layers {
    /// Whether something waits to be handed on, apart from the timer.
    fn has_output(&self) -> bool {
        self.stack.has_frame() || self.afd.has_completed() || self.stack.has_echo_event()
    }

    #[inline(always)]
    fn next_output(&mut self) -> Output {
        Output {
            frame: self.next_frame(),
            next: if self.stack.has_frame() {
                Next::Frame
            } else if let Some(irp) = self.afd.next_completed() {
                Next::Completed(irp)
            } else {
                Next::Nothing {
                    due: self.next_due(),
                    has_echo: self.stack.has_echo_event(),
                }
            },
        }
    }

    /// The next frame whose interface has a binding.
    #[inline(always)]
    fn next_frame(&mut self) -> Option<(LanBinding, Packet)> {
        loop {
            let (interface, packet) = self.stack.next_frame()?;
            if let Some(binding) = self.interfaces.binding(interface) {
                return Some((binding, packet));
            }
            self.interfaces.counters.unsent_no_binding += 1;
        }
    }

    #[inline(always)]
    fn take(&mut self, event: LanEvent, now: Instant) {
        let (interfaces, stack) = (&mut self.interfaces, &mut self.stack);
        match event {
            LanEvent::Frame { binding, packet } => match interfaces.interface(binding) {
                Some(interface) => stack.receive(interface, packet, now),
                None => interfaces.counters.dropped_no_interface += 1,
            },
            LanEvent::Bound {
                binding,
                name,
                medium: Medium::Loopback,
                mtu,
                ..
            } => interfaces.attach_loopback(binding, name, mtu, stack),
            LanEvent::Bound {
                binding,
                name,
                hardware_address,
                mtu,
                ..
            } => interfaces.add(binding, name, hardware_address, mtu, stack, now),
            LanEvent::Unbound { binding } => interfaces.remove(binding, stack),
        }
    }

    /// When the timer has to be set for, if it is not set early enough already.
    fn next_due(&mut self) -> Option<Instant> {
        let due = match (self.stack.next_deadline(), self.afd.next_deadline()) {
            (Some(first), Some(second)) => first.min(second),
            (first, second) => first.or(second)?,
        };
        if self.armed.is_some_and(|armed| armed <= due) {
            return None;
        }
        self.armed = Some(due);
        Some(due)
    }

    /// After each input, so that the transport always has room for the next
    /// completion; for a batch of lan's events once, if that is often enough.
    #[inline(always)]
    fn drain_completions(&mut self) {
        if self.stack.has_completion() {
            self.take_completions();
        }
    }

    #[inline(never)]
    fn take_completions(&mut self) {
        while let Some(completion) = self.stack.next_completion() {
            self.afd.transport_completed(completion);
        }
    }
}

impl AfdDevice for Network {
    fn submit(&self, irp: AfdIrp) {
        let now = self.executive.now();
        self.input(|layers| {
            layers.afd.dispatch(irp, &mut layers.stack, now);
            layers.drain_completions();
        });
    }

    #[inline(always)]
    fn fast_receive(
        &self,
        handle: Handle,
        capacity: usize,
        flags: ReceiveFlags,
        from: Option<&mut SocketAddress>,
    ) -> Option<FastReceive> {
        let layers = &mut *self.layers.lock();
        layers.afd.fast_receive(handle, capacity, flags, from)
    }

    fn fast_send(
        &self,
        handle: Handle,
        remote: Option<SocketAddress>,
        data: Payload,
    ) -> Result<NtStatus, Payload> {
        // Exact enough for what a send starts: a second's wait for a neighbour.
        let now = self.executive.tick_time();
        self.input(|layers| {
            layers
                .afd
                .fast_send(handle, remote, data, &mut layers.stack, now)
        })
    }
}

impl CancelRoutine for Network {
    fn cancel(&self, irp: IrpId) {
        self.input(|layers| {
            layers.afd.cancel(irp, &mut layers.stack);
            layers.drain_completions();
        });
    }
}
