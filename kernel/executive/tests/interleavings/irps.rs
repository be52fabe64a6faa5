//! The end of an IRP: one completion, one owner of the data at a time, and no
//! cancellation that gets lost.

use alloc::boxed::Box;
use alloc::vec::Vec;

use loom::cell::Cell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use crate::check;
use crate::executive::EXECUTIVE;
use crate::irp::{CancelRoutine, Cancelled, Irp, IrpId, IrpPool, IrpTicket, Recycle};
use crate::lock::SpinLock;
use crate::status::NtStatus;
use crate::sync::weakened;

/// A reply whose accesses the checker follows.
struct Reply(Cell<u32>);

impl Recycle for Reply {
    fn recycle(&mut self) {
        self.0.set(0);
    }
}

type TestIrp = Irp<(), Reply>;
type TestTicket = IrpTicket<(), Reply>;

fn pool() -> &'static IrpPool<(), Reply> {
    IrpPool::new(&EXECUTIVE, 1, || ((), Reply(Cell::new(0)))).expect("models have events")
}

/// An owner with a queue for pending IRPs.
struct Driver {
    queue: SpinLock<Vec<TestIrp>>,
    completed: AtomicU32,
}

impl Driver {
    fn new() -> &'static Self {
        let queue = SpinLock::new(&EXECUTIVE, Vec::new());
        Box::leak(Box::new(Self {
            queue,
            completed: AtomicU32::new(0),
        }))
    }

    fn end(&self, irp: TestIrp, status: NtStatus) {
        self.completed.fetch_add(1, Ordering::Relaxed);
        irp.reply().0.set(7);
        irp.complete(status, 7);
    }

    /// As the IRP's contract says: insertion and check under one lock.
    fn submit(&'static self, mut irp: TestIrp) {
        let mut queue = self.queue.lock();
        if irp.mark_pending(self) == Err(Cancelled) {
            drop(queue);
            self.end(irp, NtStatus::CANCELLED);
        } else {
            queue.push(irp);
        }
    }

    /// The flag is checked before the insertion, which is then a step of its
    /// own: a cancellation between the two finds nothing.
    fn submit_in_the_wrong_order(&'static self, mut irp: TestIrp) {
        match irp.mark_pending(self) {
            Ok(()) => self.queue.lock().push(irp),
            Err(Cancelled) => self.end(irp, NtStatus::CANCELLED),
        }
    }

    fn serve(&self) {
        let irp = self.queue.lock().pop();
        if let Some(irp) = irp {
            self.end(irp, NtStatus::SUCCESS);
        }
    }
}

impl CancelRoutine for Driver {
    fn cancel(&self, id: IrpId) {
        let mut queue = self.queue.lock();
        let place = queue.iter().position(|irp| irp.id() == id);
        let irp = place.map(|place| queue.remove(place));
        drop(queue);
        if let Some(irp) = irp {
            self.end(irp, NtStatus::CANCELLED);
        }
    }
}

fn check_end(driver: &Driver, mut ticket: TestTicket) {
    assert!(ticket.is_complete(), "the cancellation was lost");
    assert_eq!(driver.completed.load(Ordering::Relaxed), 1);
    assert_eq!(ticket.result().1, 7);
    assert_eq!(ticket.reply().map(|reply| reply.0.get()), Some(7));
}

/// A thread makes the IRP pending while another one cancels it.
fn submit_against_cancel(submit: fn(&'static Driver, TestIrp)) {
    let (driver, pool) = (Driver::new(), pool());
    let (irp, ticket) = pool.allocate().expect("the pool is fresh");
    let owner = thread::spawn(move || submit(driver, irp));
    ticket.cancel();
    owner.join().expect("it ends");
    check_end(driver, ticket);
    assert_eq!(pool.usage().used, 0);
}

#[test]
fn an_irp_that_becomes_pending_while_it_is_cancelled_ends() {
    check(8, || submit_against_cancel(Driver::submit));
}

#[test]
#[should_panic(expected = "the cancellation was lost")]
fn control_checking_the_flag_before_the_insertion_is_found() {
    check(8, || {
        submit_against_cancel(Driver::submit_in_the_wrong_order);
    });
}

/// A pending IRP is cancelled while it is served.
#[test]
fn cancel_and_complete_end_an_irp_once() {
    check(8, || {
        let (driver, pool) = (Driver::new(), pool());
        let (irp, ticket) = pool.allocate().expect("the pool is fresh");
        driver.submit(irp);
        let server = thread::spawn(|| driver.serve());
        ticket.cancel();
        server.join().expect("it ends");
        check_end(driver, ticket);
    });
}

/// The requester polls and then takes the reply.
fn reply_is_seen() {
    let pool = pool();
    let (irp, mut ticket) = pool.allocate().expect("the pool is fresh");
    let owner = thread::spawn(move || {
        irp.reply().0.set(9);
        irp.complete(NtStatus::SUCCESS, 9);
    });
    if ticket.is_complete() {
        assert_eq!(
            ticket.result(),
            (NtStatus::SUCCESS, 9),
            "the result was not seen"
        );
        assert_eq!(ticket.reply().map(|reply| reply.0.get()), Some(9));
    }
    assert_eq!(ticket.wait(None), NtStatus::SUCCESS);
    assert_eq!(ticket.reply().map(|reply| reply.0.get()), Some(9));
    drop(ticket);
    owner.join().expect("it ends");
    let (irp, ticket) = pool.allocate().expect("both sides have gone");
    assert_eq!(irp.reply().0.get(), 0, "it was recycled");
    irp.complete(NtStatus::SUCCESS, 0);
    drop(ticket);
}

#[test]
fn whoever_sees_the_completion_sees_the_reply() {
    check(8, reply_is_seen);
}

#[test]
#[should_panic(expected = "the result was not seen")]
fn control_weak_orderings_in_the_completion_are_found() {
    weakened(|| check(8, reply_is_seen));
}

#[test]
fn a_ticket_dropped_during_the_completion_leaves_nothing_behind() {
    check(8, || {
        let pool = pool();
        let (irp, ticket) = pool.allocate().expect("the pool is fresh");
        let owner = thread::spawn(move || {
            irp.reply().0.set(9);
            irp.complete(NtStatus::SUCCESS, 9);
        });
        drop(ticket);
        owner.join().expect("it ends");
        let (irp, ticket) = pool.allocate().expect("both sides have gone");
        assert_eq!(irp.reply().0.get(), 0, "it was recycled");
        irp.complete(NtStatus::SUCCESS, 0);
        drop(ticket);
    });
}

#[test]
fn a_ticket_dropped_while_the_irp_is_served_ends_it_once() {
    check(8, || {
        let (driver, pool) = (Driver::new(), pool());
        let counted = Arc::new(AtomicU32::new(0));
        let (irp, ticket) = pool.allocate().expect("the pool is fresh");
        driver.submit(irp);
        let count = Arc::clone(&counted);
        let server = thread::spawn(move || {
            driver.serve();
            count.fetch_add(1, Ordering::Relaxed);
        });
        drop(ticket);
        server.join().expect("it ends");
        assert_eq!(driver.completed.load(Ordering::Relaxed), 1);
        assert_eq!(pool.usage().used, 0);
    });
}
