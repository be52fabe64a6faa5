//! Ready queues: one per priority, and a mask of those that hold threads.

use alloc::boxed::Box;
use alloc::vec;

use super::NONE;
use crate::thread::Priority;

#[derive(Clone, Copy)]
struct Queue {
    first: u32,
    last: u32,
}

/// First-in first-out queues of thread indices. Every operation takes constant
/// time; a thread is in one queue at most.
pub(super) struct ReadyQueues {
    queues: [Queue; Priority::COUNT],
    /// Bit n is set when the queue of priority n holds a thread.
    occupied: u32,
    /// The thread behind each thread.
    next: Box<[u32]>,
}

impl ReadyQueues {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            queues: [Queue {
                first: NONE,
                last: NONE,
            }; Priority::COUNT],
            occupied: 0,
            next: vec![NONE; threads].into_boxed_slice(),
        }
    }

    /// The highest priority of a ready thread.
    pub(super) fn highest(&self) -> Option<Priority> {
        Priority::new(self.occupied.checked_ilog2()? as u8)
    }

    pub(super) fn push_back(&mut self, thread: u32, priority: Priority) {
        self.next[thread as usize] = NONE;
        let queue = &mut self.queues[priority.number()];
        if queue.first == NONE {
            queue.first = thread;
        } else {
            self.next[queue.last as usize] = thread;
        }
        queue.last = thread;
        self.occupied |= 1 << priority.number();
    }

    pub(super) fn push_front(&mut self, thread: u32, priority: Priority) {
        let queue = &mut self.queues[priority.number()];
        self.next[thread as usize] = queue.first;
        if queue.first == NONE {
            queue.last = thread;
        }
        queue.first = thread;
        self.occupied |= 1 << priority.number();
    }

    /// Takes the first thread of the highest priority.
    pub(super) fn pop(&mut self) -> Option<u32> {
        let priority = self.highest()?;
        let queue = &mut self.queues[priority.number()];
        let thread = queue.first;
        queue.first = self.next[thread as usize];
        if queue.first == NONE {
            self.occupied &= !(1 << priority.number());
        }
        Some(thread)
    }
}

#[cfg(test)]
mod tests {
    use super::ReadyQueues;
    use crate::thread::Priority;

    #[test]
    fn highest_priority_first_and_first_in_first_out_within_it() {
        let mut ready = ReadyQueues::new(8);
        let (low, high) = (Priority::LOWEST, Priority::HIGHEST);
        assert_eq!(ready.pop(), None);
        ready.push_back(1, low);
        ready.push_back(2, high);
        ready.push_back(3, high);
        ready.push_front(4, high);
        ready.push_front(5, low);
        assert_eq!(ready.highest(), Some(high));
        let order: alloc::vec::Vec<u32> = core::iter::from_fn(|| ready.pop()).collect();
        assert_eq!(order, [4, 2, 3, 5, 1]);
        assert_eq!(ready.highest(), None);
    }
}
