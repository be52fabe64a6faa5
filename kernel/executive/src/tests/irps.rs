use super::Record;
use crate::irp::{
    CancelRoutine, Cancelled, Completion, CompletionRoutine, Irp, IrpId, IrpPool, IrpTicket,
    Recycle,
};
use crate::pool::{Pool, Pooled};
use crate::simulation::Simulation;
use crate::{Duration, Executive, Irql, Limits, NtStatus, Priority, SpinLock, WorkItem};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

/// A request or reply that owns something.
#[derive(Debug, Default)]
struct Data {
    number: u32,
    packet: Option<Pooled<()>>,
}

impl Recycle for Data {
    fn recycle(&mut self) {
        *self = Self::default();
    }
}

type TestPool = IrpPool<Data, Data>;
type TestIrp = Irp<Data, Data>;
type TestTicket = IrpTicket<Data, Data>;

fn pool(executive: &'static Executive, count: usize) -> &'static TestPool {
    IrpPool::new(executive, count, Default::default).expect("there are enough events")
}

/// A driver with a queue of pending IRPs, as every owner has one.
struct Driver {
    queue: SpinLock<Vec<TestIrp>>,
}

impl Driver {
    fn new(executive: &'static Executive) -> &'static Self {
        let queue = SpinLock::new(executive, Vec::with_capacity(8));
        Box::leak(Box::new(Self { queue }))
    }

    /// Keeps the IRP, or completes it if it was cancelled already.
    fn submit(&'static self, mut irp: TestIrp) {
        let mut queue = self.queue.lock();
        if irp.mark_pending(self) == Err(Cancelled) {
            drop(queue);
            irp.complete(NtStatus::CANCELLED, 0);
        } else {
            queue.push(irp);
        }
    }

    /// Completes the IRP that waits longest.
    fn serve(&self) -> bool {
        let mut queue = self.queue.lock();
        if queue.is_empty() {
            return false;
        }
        let mut irp = queue.remove(0);
        drop(queue);
        irp.reply_mut().number = irp.request().number + 1;
        irp.complete(NtStatus::SUCCESS, 4);
        true
    }
}

impl CancelRoutine for Driver {
    fn cancel(&self, id: IrpId) {
        let mut queue = self.queue.lock();
        let place = queue.iter().position(|irp| irp.id() == id);
        let irp = place.map(|place| queue.remove(place));
        drop(queue);
        if let Some(irp) = irp {
            irp.complete(NtStatus::CANCELLED, 0);
        }
    }
}

fn take_reply(mut ticket: TestTicket) -> (NtStatus, usize, u32) {
    let (status, information) = ticket.result();
    let number = ticket.reply().expect("it is complete").number;
    (status, information, number)
}

#[test]
fn a_request_is_answered_in_place_and_the_ticket_takes_the_reply() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let driver = Driver::new(executive);
    let pool = pool(executive, 1);
    let worker = WorkItem::new(executive, "serve", || {
        driver.serve();
    })
    .expect("room");
    executive.start_workers(1).expect("room");
    let answer = machine.run(move || {
        let (mut irp, mut ticket) = pool.allocate().expect("the pool is fresh");
        irp.request_mut().number = 41;
        assert_eq!(irp.id(), ticket.id());
        driver.submit(irp);
        assert_eq!(ticket.result(), (NtStatus::PENDING, 0));
        assert!(ticket.reply().is_none() && !ticket.is_complete());
        assert_eq!(ticket.wait(Some(Duration::from_secs(1))), NtStatus::TIMEOUT);
        worker.queue();
        assert_eq!(ticket.wait(None), NtStatus::SUCCESS);
        assert_eq!(ticket.request_mut().map(|request| request.number), Some(41));
        take_reply(ticket)
    });
    assert_eq!(answer, (NtStatus::SUCCESS, 4, 42));
    assert_eq!(pool.usage().used, 0);
}

#[test]
fn cancelling_a_pending_irp_completes_it_once() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let driver = Driver::new(executive);
    let pool = pool(executive, 1);
    machine.run(move || {
        let (irp, ticket) = pool.allocate().expect("the pool is fresh");
        driver.submit(irp);
        assert!(ticket.cancel());
        assert!(!ticket.cancel(), "it has ended");
        assert!(!driver.serve(), "it is not in the queue any more");
        assert_eq!(ticket.result(), (NtStatus::CANCELLED, 0));
    });
    assert_eq!(pool.usage().used, 0);
}

#[test]
fn an_irp_cancelled_before_it_is_pending_is_completed_by_its_owner() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let driver = Driver::new(executive);
    let pool = pool(executive, 1);
    machine.run(move || {
        let (irp, ticket) = pool.allocate().expect("the pool is fresh");
        assert!(!irp.is_cancel_requested());
        assert!(ticket.cancel());
        assert!(irp.is_cancel_requested() && !ticket.is_complete());
        driver.submit(irp);
        assert_eq!(ticket.result().0, NtStatus::CANCELLED);
    });
}

/// Counts its calls and does nothing.
struct Counting(AtomicU32);

impl CancelRoutine for Counting {
    fn cancel(&self, _id: IrpId) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_cancel_routine_is_called_once_and_only_while_the_irp_is_pending() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let pool = pool(executive, 1);
    let routine: &'static Counting = Box::leak(Box::new(Counting(AtomicU32::new(0))));
    let calls = || routine.0.load(Ordering::Relaxed);
    machine.run(move || {
        let (mut irp, ticket) = pool.allocate().expect("the pool is fresh");
        assert_eq!(irp.mark_pending(routine), Ok(()));
        assert!(ticket.cancel() && ticket.cancel());
        assert_eq!(calls(), 1);
        assert!(!irp.clear_cancel(), "the canceller was first");
        irp.complete(NtStatus::CANCELLED, 0);
        drop(ticket);
        let (irp, ticket) = pool.allocate().expect("it came back");
        assert!(ticket.cancel());
        assert_eq!(calls(), 1, "the routine belongs to the IRP before");
        drop(ticket);
        irp.complete(NtStatus::CANCELLED, 0);
        assert_eq!(calls(), 1);
    });
}

#[test]
fn an_irp_taken_up_again_is_not_cancelled_under_its_owner() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let driver = Driver::new(executive);
    let pool = pool(executive, 1);
    machine.run(move || {
        let (mut irp, ticket) = pool.allocate().expect("the pool is fresh");
        assert_eq!(irp.mark_pending(driver), Ok(()));
        assert!(irp.clear_cancel());
        assert!(!irp.clear_cancel());
        assert!(ticket.cancel());
        assert_eq!(irp.mark_pending(driver), Err(Cancelled));
        irp.complete(NtStatus::SUCCESS, 0);
        assert_eq!(ticket.result().0, NtStatus::SUCCESS);
    });
}

#[test]
fn dropping_the_ticket_cancels_and_the_irp_goes_back_when_both_are_gone() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let driver = Driver::new(executive);
    let pool = pool(executive, 1);
    let packets = Pool::new(1, |_| ());
    machine.run(move || {
        let (irp, ticket) = pool.allocate().expect("the pool is fresh");
        driver.submit(irp);
        drop(ticket);
        assert_eq!(pool.usage().used, 0);
        let (mut irp, ticket) = pool.allocate().expect("it came back");
        drop(ticket);
        assert_eq!(pool.usage().used, 1, "the owner still has it");
        irp.reply_mut().packet = packets.allocate();
        assert!(irp.is_cancel_requested());
        irp.complete(NtStatus::SUCCESS, 0);
        assert_eq!((pool.usage().used, packets.usage().used), (0, 0));
    });
}

#[test]
fn a_lost_irp_is_completed_as_an_error_and_counted() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let pool = pool(executive, 1);
    machine.run(move || {
        let (irp, ticket) = pool.allocate().expect("the pool is fresh");
        drop(irp);
        assert_eq!(ticket.result(), (NtStatus::DRIVER_INTERNAL_ERROR, 0));
        drop(ticket);
        let (irp, ticket) = pool.allocate().expect("it came back");
        irp.complete(NtStatus::PENDING, 7);
        assert_eq!(ticket.result(), (NtStatus::DRIVER_INTERNAL_ERROR, 0));
    });
    assert_eq!(executive.counters().irps_abandoned, 2);
}

#[test]
fn what_a_reply_owns_is_given_back_with_the_irp() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let pool = pool(executive, 1);
    let packets = Pool::new(2, |_| ());
    machine.run(move || {
        let (mut irp, mut ticket) = pool.allocate().expect("the pool is fresh");
        let (request, reply) = irp.parts_mut();
        (request.packet, reply.packet) = (packets.allocate(), packets.allocate());
        irp.complete(NtStatus::SUCCESS, 0);
        let taken = ticket.reply_mut().and_then(|reply| reply.packet.take());
        drop(ticket);
        assert_eq!(packets.usage().used, 1, "the one that was taken");
        drop(taken);
        assert_eq!(packets.usage().used, 0);
        let (irp, _ticket) = pool.allocate().expect("it came back");
        assert!(irp.reply().packet.is_none() && irp.request().number == 0);
        irp.complete(NtStatus::SUCCESS, 0);
    });
}

#[test]
fn a_full_pool_is_a_status_and_every_irp_has_its_own_id() {
    let machine = Simulation::new(0);
    let pool = pool(machine.executive(), 2);
    let first = pool.allocate().expect("there are two");
    let second = pool.allocate().expect("there are two");
    assert_ne!(first.1.id().slot(), second.1.id().slot());
    assert_eq!(
        pool.allocate().map(|_| ()),
        Err(NtStatus::INSUFFICIENT_RESOURCES)
    );
    assert_eq!(pool.usage().failures, 1);
    let id = first.1.id();
    first.0.complete(NtStatus::SUCCESS, 0);
    drop(first.1);
    let third = pool.allocate().expect("the first came back");
    assert_eq!(third.1.id().slot(), id.slot());
    assert_ne!(third.1.id(), id);
    second.0.complete(NtStatus::SUCCESS, 0);
    third.0.complete(NtStatus::SUCCESS, 0);
}

#[test]
fn a_pool_takes_one_event_for_each_irp() {
    let machine = Simulation::with_limits(
        0,
        &Limits {
            events: 3,
            ..Limits::default()
        },
    );
    let new = |count| IrpPool::<(), ()>::new(machine.executive(), count, Default::default);
    assert_eq!(new(4).map(|_| ()), Err(NtStatus::INSUFFICIENT_RESOURCES));
    assert!(
        new(3).is_ok(),
        "what the failed one had taken was given back"
    );
}

struct Doubling(Record<(NtStatus, usize)>);

impl CompletionRoutine<Data, Data> for Doubling {
    fn completed(&self, completion: Completion<'_, Data, Data>) {
        completion.reply.number = completion.request.number * 2;
        self.0.add((completion.status, completion.information));
    }
}

#[test]
fn the_completion_routine_runs_before_the_event_is_set() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let record = Record::new();
    let pool = pool(executive, 1);
    let routine: &'static Doubling = Box::leak(Box::new(Doubling(record.clone())));
    let answer = machine.run(move || {
        let (mut irp, ticket) = pool.allocate().expect("the pool is fresh");
        irp.request_mut().number = 21;
        irp.set_completion_routine(routine);
        let lower = executive.spawn("completer", Priority::LOW, 0, move || {
            irp.complete(NtStatus::BUFFER_OVERFLOW, 3);
        });
        assert!(lower.is_ok());
        assert_eq!(ticket.wait(None), NtStatus::SUCCESS);
        take_reply(ticket)
    });
    assert_eq!(answer, (NtStatus::BUFFER_OVERFLOW, 3, 42));
    assert_eq!(record.take(), [(NtStatus::BUFFER_OVERFLOW, 3)]);
}

#[test]
fn irps_can_be_completed_and_cancelled_at_dispatch() {
    let machine = Simulation::new(0);
    let executive = machine.executive();
    let driver = Driver::new(executive);
    let pool = pool(executive, 2);
    machine.run(move || {
        let raised = executive.raise_irql(Irql::Dispatch);
        let (irp, first) = pool.allocate().expect("the pool is fresh");
        driver.submit(irp);
        let (irp, second) = pool.allocate().expect("the pool is fresh");
        driver.submit(irp);
        assert!(second.cancel() && driver.serve());
        drop(raised);
        assert_eq!(first.result().0, NtStatus::SUCCESS);
        assert_eq!(second.result().0, NtStatus::CANCELLED);
    });
}

#[test]
fn cancel_and_complete_race_to_one_end_whatever_the_interleaving() {
    let mut ends = [0; 2];
    for seed in 1..=100 {
        let machine = Simulation::new(seed);
        let executive = machine.executive();
        let driver = Driver::new(executive);
        let pool = pool(executive, 4);
        let served = machine.run(move || {
            let server = executive.spawn("server", Priority::NORMAL, 0, move || {
                for _ in 0..20 {
                    driver.serve();
                    executive.yield_now();
                }
            });
            let mut successes = 0;
            for _ in 0..8 {
                let (irp, ticket) = pool.allocate().expect("each came back");
                driver.submit(irp);
                ticket.cancel();
                assert_eq!(ticket.wait(None), NtStatus::SUCCESS);
                successes += usize::from(ticket.result().0 == NtStatus::SUCCESS);
            }
            assert_eq!(
                server.map(|server| server.join(None)),
                Ok(NtStatus::SUCCESS)
            );
            successes
        });
        ends[0] += served;
        ends[1] += 8 - served;
        assert_eq!(pool.usage().used, 0, "seed {seed}");
    }
    assert!(
        ends.iter().all(|&count| count > 0),
        "both ends occur: {ends:?}"
    );
}
