//! Runs the wrapper by a script of bytes, for fuzzing.
//!
//! Every sequence of bytes is a script: what a card does and its traffic, in one thread; what is
//! bound, stacked, reset and restarted, in another; and where one interrupts the other.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use std::thread_local;

use executive::simulation::Simulation;
use executive::{Duration, Priority};

use super::card::{Answer, Event};
use super::filter::Way;
use super::ledger::{ADDRESS, frame};
use super::lock;
use super::world::World;
use crate::{AdapterHandle, NdisStatus, PacketFilter};

/// Runs the wrapper by `script`, and checks what must hold whatever happens:
///
/// - a frame that a protocol sends comes to the card at most once and in order; it has come there if
///   the send was completed with success, and every send is completed exactly once;
/// - a frame that the card indicates and a protocol's packet filter takes is indicated to it exactly
///   once, in order, and followed by ReceiveComplete; the card's own filter never keeps it out;
/// - every request, transfer and reset that was begun is completed, exactly once;
/// - no packet and no binding is left over, and everything can be taken down.
///
/// All of that with filters inserted, removed and holding packets, bindings closed and opened, and
/// the card reset and restarted in between. The machine is used again for the next script.
///
/// # Panics
/// When one of these does not hold.
pub fn run_script(script: &[u8]) {
    thread_local! {
        static WORLD: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
    }
    // One that a script has broken is not used again.
    let world = WORLD.with_borrow_mut(Option::take).unwrap_or_else(|| {
        let machine = Simulation::new(0);
        Arc::new(machine.run(move || World::new(machine)))
    });
    let (seed, script) = script.split_first().unwrap_or((&0, &[]));
    world.machine.reseed(u64::from(*seed));
    let (machine, running) = (world.machine, world.clone());
    let (traffic, management) = split(script);
    machine.run(move || run(&running, traffic, &management));
    machine.reseed(0);
    WORLD.set(Some(world));
}

/// An operation and its operand.
type Step = (u8, u8);

/// What the two threads do. The top bit of an operation says which one does it.
fn split(script: &[u8]) -> (Vec<Step>, Vec<Step>) {
    let steps = script.chunks(2).map(|step| {
        let operand = step.get(1).copied().unwrap_or(0);
        (step.first().copied().unwrap_or(0), operand)
    });
    steps.partition(|&(operation, _)| operation & 0x80 == 0)
}

fn run(world: &Arc<World>, traffic: Vec<Step>, management: &[Step]) {
    world.start();
    let other = world.clone();
    let body = move || {
        for (operation, operand) in traffic {
            other.exchange(operation, operand);
            other.executive().yield_now();
        }
    };
    let thread = world
        .executive()
        .spawn("traffic", Priority::NORMAL, 0, body);
    let thread = thread.expect("there is room for a thread");
    for &(operation, operand) in management {
        world.manage(operation, operand);
        world.executive().yield_now();
    }
    // Without a time limit it ends only when the thread has.
    let _ = thread.join(None);
    world.finish();
}

impl World {
    /// Traffic, and what the card does.
    fn exchange(&self, operation: u8, operand: u8) {
        let endpoint = pick(&self.endpoints, operand);
        let (low, high) = (usize::from(operand & 0x0F), usize::from(operand >> 4));
        let behave = || lock(&self.card.behaviour);
        match operation % 16 {
            0..=2 => endpoint.send(usize::from(operand)),
            3 => endpoint.send_several(high),
            4..=6 => self.receive(high),
            7 => self.event(Event::CompleteSends(high)),
            8 => self.event(match operand % 4 {
                0 => Event::CompleteTransfers,
                1 => Event::CompleteRequest(NdisStatus::SUCCESS),
                2 => Event::CompleteRequest(NdisStatus::FAILURE),
                _ => Event::CompleteReset(operand & 0x80 != 0),
            }),
            9 => behave()
                .answers
                .extend([0, 2, 4, 6].map(|shift| match operand >> shift & 3 {
                    0 => Answer::Success,
                    1 => Answer::Pending,
                    2 => Answer::Resources,
                    _ => Answer::Failure,
                })),
            10 => self.event(Event::ResourcesAvailable),
            11 => {
                let mut behaviour = behave();
                behaviour.pends_transfers = operand & 1 != 0;
                behaviour.pends_requests = operand & 2 != 0;
                behaviour.pends_resets = operand & 4 != 0;
                behaviour.resets_addressing = operand & 8 != 0;
                behaviour.budget = 1 + high;
                behaviour.lookahead = low * 8;
            }
            12 => endpoint.answer(low, high),
            13 => pick(&self.filters, operand).release(),
            14 => {
                let way = if operand & 0x80 == 0 {
                    Way::Through
                } else {
                    Way::Hold
                };
                pick(&self.filters, operand).set_way(way);
            }
            _ => self
                .executive()
                .sleep(Duration::from_millis(u64::from(operand) * 10)),
        }
    }

    /// Frames come to the card.
    fn receive(&self, count: usize) {
        for _ in 0..count {
            let mut behaviour = lock(&self.card.behaviour);
            behaviour.newest_frame += 1;
            let number = behaviour.newest_frame;
            behaviour
                .frames
                .push_back(frame(ADDRESS, 0xFF, number, 20 + count * 4));
        }
        self.interrupt();
    }

    fn event(&self, event: Event) {
        lock(&self.card.behaviour).events.push_back(event);
        self.interrupt();
    }

    /// Bindings, stacks, resets, restarts. What is not possible now is refused.
    fn manage(&self, operation: u8, operand: u8) {
        let filter = pick(&self.filters, operand);
        let endpoint = pick(&self.endpoints, operand);
        match operation % 12 {
            0..=2 => {
                let below = self.place(operand >> 4);
                let _ = self.driver.insert(filter, &below);
            }
            3..=4 => {
                let _ = filter.remove();
            }
            5 => endpoint.reset(),
            6 => {
                let _ = self.ndis.reset_adapter(&self.place(operand));
            }
            7 => self.restart(self.place(operand >> 6)),
            8 => endpoint.close(),
            9 => {
                let number = usize::from(operand) % self.protocols.len();
                if let Some(protocol) = self.protocols.get(number) {
                    endpoint.open(*protocol, self.adapter);
                }
            }
            10 => endpoint.set_filter(if operand & 0x80 == 0 {
                PacketFilter::DIRECTED
            } else {
                PacketFilter::empty()
            }),
            _ => {
                endpoint.ask();
                self.ndis.reconfigure(&self.adapter);
            }
        }
    }

    /// An adapter of the stack by its height, or the one on top.
    fn place(&self, height: u8) -> AdapterHandle {
        let mut place = self.adapter;
        for _ in 0..height {
            match place.covered_by() {
                Some(upper) => place = upper,
                None => break,
            }
        }
        place
    }

    fn restart(&self, adapter: AdapterHandle) {
        let _ = self.ndis.stop_device(&adapter);
        let _ = self.ndis.start_device(&adapter);
    }
}

fn pick<T: Copy, const COUNT: usize>(from: &[T; COUNT], operand: u8) -> T {
    from[usize::from(operand) % COUNT]
}
