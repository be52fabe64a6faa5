//! Dispatcher objects: what a thread can wait for.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Database, NONE};
use crate::thread::ThreadState;

/// How a signalled object behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    /// Stays signalled and releases every waiter.
    Notification,
    /// Releases one waiter and is reset by that.
    Synchronization,
}

/// An object as seen by a waiter. The generation tells whether the object of
/// this index is still the one that was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectName {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

pub(super) struct Object {
    pub(super) generation: u32,
    pub(super) kind: ObjectKind,
    pub(super) signalled: bool,
    /// The wait blocks on this object, first in first out.
    pub(super) first: u32,
    pub(super) last: u32,
}

/// The table of objects: first one for each thread, signalled when the thread
/// has ended, then the events.
pub(super) struct Objects {
    pub(super) table: Box<[Object]>,
    free: Vec<u32>,
}

impl Objects {
    pub(super) fn new(threads: usize, events: usize) -> Self {
        let table = (0..threads + events).map(|index| Object {
            generation: 0,
            kind: ObjectKind::Notification,
            signalled: index < threads,
            first: NONE,
            last: NONE,
        });
        Self {
            table: table.collect(),
            free: (threads as u32..(threads + events) as u32).rev().collect(),
        }
    }

    /// The object of `thread` means a new thread from now on.
    pub(super) fn reset_thread(&mut self, thread: u32) {
        let object = &mut self.table[thread as usize];
        object.generation = object.generation.wrapping_add(1);
        object.signalled = false;
    }

    /// The object that `name` means, if it is still that.
    pub(super) fn get_mut(&mut self, name: ObjectName) -> Option<&mut Object> {
        let object = self.table.get_mut(name.index as usize)?;
        (object.generation == name.generation).then_some(object)
    }
}

impl Database {
    /// Makes an event; `None` when the table is full.
    pub(crate) fn create_event(&mut self, kind: ObjectKind, signalled: bool) -> Option<ObjectName> {
        let index = self.objects.free.pop()?;
        let object = &mut self.objects.table[index as usize];
        object.kind = kind;
        object.signalled = signalled;
        Some(ObjectName {
            index,
            generation: object.generation,
        })
    }

    /// Frees an event for which nobody waits.
    pub(crate) fn delete_event(&mut self, name: ObjectName) {
        if let Some(object) = self.objects.get_mut(name) {
            object.generation = object.generation.wrapping_add(1);
            self.objects.free.push(name.index);
        }
    }

    /// Signals an object and releases waiters as its kind says, so much above
    /// their own priorities for a turn; answers whether it was signalled before.
    pub(crate) fn signal(&mut self, object: u32, increment: u8) -> bool {
        let slot = object as usize;
        loop {
            let Object { kind, first, .. } = self.objects.table[slot];
            if first == NONE {
                break;
            }
            self.satisfy(first, increment);
            if kind == ObjectKind::Synchronization {
                return false;
            }
        }
        core::mem::replace(&mut self.objects.table[slot].signalled, true)
    }

    /// Resets an object; answers whether it was signalled.
    pub(crate) fn reset(&mut self, object: u32) -> bool {
        core::mem::replace(&mut self.objects.table[object as usize].signalled, false)
    }

    /// Whether an object is signalled.
    pub(crate) fn is_signalled(&self, object: u32) -> bool {
        self.objects.table[object as usize].signalled
    }

    /// The object that is signalled when `thread` has ended; `None` if it has
    /// ended and its slot belongs to another thread or to none.
    pub(crate) fn thread_object(&self, thread: crate::platform::ThreadId) -> Option<ObjectName> {
        let block = self.threads.get(thread.index())?;
        let alive =
            block.state != ThreadState::Terminated && block.generation == thread.generation();
        let generation = self.objects.table[thread.index()].generation;
        alive.then_some(ObjectName {
            index: thread.index() as u32,
            generation,
        })
    }
}
