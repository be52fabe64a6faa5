//! Measurements in QEMU: the start, the echo's round trip, and how near the whole stack comes to the bare card.
//!
//! Prints medians and their ranges with the count of runs. Nothing here passes or fails: figures differ from machine to machine, ratios of
//! one run less so. Arguments choose parts: `start`, `echo`, `throughput`.

mod echo;
mod figures;
mod start;
mod tap;
mod throughput;

const PARTS: [(&str, fn()); 3] = [
    ("start", start::measure),
    ("echo", echo::measure),
    ("throughput", throughput::measure),
];

fn main() {
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    for word in &wanted {
        assert!(
            PARTS.iter().any(|(name, _)| name == word),
            "`{word}` is no part: start, echo or throughput"
        );
    }
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            measure();
        }
    }
}
