mod input;
mod output;

use crate::tests::support::Host;

fn counter(host: &Host, name: &str) -> u64 {
    let counters = host.stack.counters().udp;
    let found = counters.iter().find(|&(at, _)| at == name);
    found.unwrap_or_else(|| panic!("no counter {name}")).1
}

/// The UDP header of a frame without IP options.
const UDP: usize = 34;
