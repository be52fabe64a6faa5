//! Every interleaving, under the C11 memory model, of what the executive
//! shares without a lock: the pool, the queue of calls (DPCs), the state of a
//! work item, and the end of an IRP.
//!
//! The source files are the library's own, compiled here a second time against
//! the instrumented atomics of `loom`. Each group has a control that breaks
//! the order of steps, or weakens every memory ordering, and expects the
//! checker to find it.

extern crate alloc;

#[expect(
    clippy::unnecessary_wraps,
    reason = "the interface of the library's event"
)]
mod event;
#[expect(
    clippy::unused_self,
    reason = "the interface of the library's executive"
)]
mod executive;
mod lock;
mod sync;

#[expect(
    dead_code,
    unreachable_pub,
    reason = "the models use a part of the pool's interface"
)]
#[path = "../../src/pool/mod.rs"]
mod pool;

#[path = "../../src/dpc/queue.rs"]
mod queue;

#[path = "../../src/work_item/state.rs"]
mod work_item;

#[expect(
    dead_code,
    unreachable_pub,
    reason = "the models use a part of the IRP's interface"
)]
#[path = "../../src/irp/mod.rs"]
mod irp;

mod status {
    pub(crate) use ::executive::status::NtStatus;
}

mod time {
    pub(crate) use ::executive::time::Duration;
}

mod calls;
mod irps;
mod pools;

/// Runs `model` in every interleaving with at most so many preemptions, which
/// finds all but the most contrived faults and keeps the time in bounds: once
/// for the memory orderings, once for the order of steps.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + Copy + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
    sync::strengthened(|| builder.check(model));
}
