//! From the start of QEMU to the prompt.

use crate::figures::Sorted;
use std::time::{Duration, Instant};
use tests::machine::Options;

const RUNS: usize = 15;

pub(crate) fn measure() {
    println!("start of QEMU to the prompt, ms: median (least-greatest) of {RUNS}");
    for (name, options) in [
        ("pc", Options::new().wire()),
        ("pc, 16 MiB", Options::new().wire().memory("16M")),
        ("pc, PCI card", Options::new().wire().pci()),
        ("microvm", Options::new().wire().machine("microvm").irq(5)),
    ] {
        let times = (0..RUNS).map(|_| start(options.clone()));
        let sorted = Sorted::of_durations(times, Duration::from_millis(1));
        println!(
            "  {name:<14} {:6.1} ({:.1}-{:.1})",
            sorted.median(),
            sorted.least(),
            sorted.greatest()
        );
    }
}

fn start(options: Options) -> Duration {
    let machine = options.unrecorded().boot();
    let ready = Instant::now();
    let time = ready - machine.started();
    machine.power_off();
    time
}
