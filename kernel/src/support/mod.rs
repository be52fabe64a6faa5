//! Logic of the machine layer that needs no machine, so that it is tested on the host.

pub mod date;
pub mod heap_size;
pub mod output_queue;
pub mod patience;
pub mod ranges;
pub mod time_scale;
pub mod unwind;

#[cfg(test)]
mod tests;
