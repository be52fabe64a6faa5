mod input;
mod loopback;
mod output;
mod route;

use crate::tests::support::Host;
use crate::{HardwareAddress, InterfaceConfiguration, InterfaceId, Prefix};

fn counter(host: &Host, name: &str) -> u64 {
    let counters = host.stack.counters().ip;
    let found = counters.iter().find(|&(at, _)| at == name);
    found.unwrap_or_else(|| panic!("no counter {name}")).1
}

/// A second interface, 10.9.0.1/16, up.
fn second_interface(host: &mut Host) -> InterfaceId {
    let id = host
        .stack
        .add_interface(&InterfaceConfiguration {
            name: "ne1",
            hardware_address: HardwareAddress([2, 0, 0, 0, 0, 1]),
            mtu: 600,
            address: Prefix::new([10, 9, 0, 1].into(), 16),
            gateway: None,
        })
        .expect("an interface");
    host.stack.interface_up(id, host.now);
    host.frames();
    id
}
