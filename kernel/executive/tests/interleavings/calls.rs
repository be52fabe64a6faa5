//! The queue of calls and the state of work items: a request is never lost.

use loom::cell::Cell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use crate::check;
use crate::queue::CallQueue;
use crate::sync::weakened;
use crate::work_item::{CallState, Requested};

/// A device that counts its interrupts, and the call that reads the count.
struct Device {
    queue: CallQueue,
    interrupts: AtomicU32,
    seen: AtomicU32,
}

impl Device {
    fn new() -> Arc<Self> {
        let queue = CallQueue::new(2);
        Arc::new(Self {
            queue,
            interrupts: AtomicU32::new(0),
            seen: AtomicU32::new(0),
        })
    }

    fn interrupt(&self) {
        self.interrupts.fetch_add(1, Ordering::Relaxed);
        self.queue.insert(0);
    }

    fn call(&self) {
        self.seen
            .store(self.interrupts.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The pass as the executive does it.
    fn pass(&self) {
        while self.queue.remove().is_some() {
            self.call();
        }
    }

    /// The pass with the entry released after its call instead of before.
    fn pass_in_the_wrong_order(&self) {
        while let Some(index) = self.queue.unlink() {
            self.call();
            self.queue.release(index);
        }
    }
}

fn interrupted_pass(pass: fn(&Device)) {
    let device = Device::new();
    let other = Arc::clone(&device);
    let interrupts = thread::spawn(move || {
        other.interrupt();
        other.interrupt();
    });
    pass(&device);
    interrupts.join().expect("it ends");
    pass(&device);
    assert_eq!(device.seen.load(Ordering::Relaxed), 2, "a request was lost");
    assert!(device.queue.is_empty());
}

#[test]
fn a_request_during_the_call_leads_to_another_call() {
    check(8, || interrupted_pass(Device::pass));
}

#[test]
#[should_panic(expected = "a request was lost")]
fn control_releasing_after_the_call_is_found() {
    check(8, || interrupted_pass(Device::pass_in_the_wrong_order));
}

#[test]
#[should_panic(expected = "a request was lost")]
fn control_weak_orderings_in_the_queue_are_found() {
    weakened(|| check(8, || interrupted_pass_of_polls(Device::pass)));
}

/// Like `interrupted_pass`, without the ordering that joining gives: the pass
/// that sees the second entry must see what was written before it.
fn interrupted_pass_of_polls(pass: fn(&Device)) {
    let device = Device::new();
    let other = Arc::clone(&device);
    let interrupts = thread::spawn(move || {
        other.interrupt();
        other.queue.insert(1);
    });
    let mut calls = 0;
    while let Some(index) = device.queue.remove() {
        calls += index;
        device.call();
    }
    if calls == 1 {
        assert_eq!(device.seen.load(Ordering::Relaxed), 1, "a request was lost");
    }
    interrupts.join().expect("it ends");
    pass(&device);
}

#[test]
fn a_call_sees_what_was_written_before_its_request() {
    check(8, || interrupted_pass_of_polls(Device::pass));
}

#[test]
fn entries_of_two_producers_come_out_once_each() {
    check(4, || {
        let queue = Arc::new(CallQueue::new(3));
        let producer = |index| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || assert!(queue.insert(index)))
        };
        let producers = [producer(0), producer(1)];
        assert!(queue.insert(2));
        let mut seen = [0; 3];
        while let Some(index) = queue.remove() {
            seen[index as usize] += 1;
        }
        for producer in producers {
            producer.join().expect("it ends");
        }
        while let Some(index) = queue.remove() {
            seen[index as usize] += 1;
        }
        assert_eq!(seen, [1, 1, 1]);
    });
}

/// A work item whose call must never run beside itself.
struct Work {
    queue: CallQueue,
    state: CallState,
    requests: AtomicU32,
    /// Reports calls that run at the same time.
    calls: Cell<u32>,
    seen: AtomicU32,
}

impl Work {
    fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.state.request() == Requested::Enqueue {
            self.queue.insert(0);
        }
    }

    fn work(&self) {
        while self.queue.remove().is_some() {
            self.state.begin();
            self.calls.set(self.calls.get() + 1);
            self.seen
                .store(self.requests.load(Ordering::Relaxed), Ordering::Relaxed);
            if self.state.end() {
                self.queue.insert(0);
            }
        }
    }
}

fn two_requests_and_a_worker() {
    let work = Arc::new(Work {
        queue: CallQueue::new(1),
        state: CallState::new(),
        requests: AtomicU32::new(0),
        calls: Cell::new(0),
        seen: AtomicU32::new(0),
    });
    let other = Arc::clone(&work);
    let requester = thread::spawn(move || {
        other.request();
        other.request();
    });
    work.work();
    requester.join().expect("it ends");
    work.work();
    assert_eq!(work.seen.load(Ordering::Relaxed), 2, "a request was lost");
    assert!((1..=2).contains(&work.calls.get()));
}

#[test]
fn a_work_item_requested_while_it_runs_runs_again() {
    check(8, two_requests_and_a_worker);
}
