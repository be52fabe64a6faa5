use std::string::String;
use std::vec::Vec;

use executive::status::NtStatus;

use crate::ip::Route;
use crate::tests::support::{Host, OUR_IP};
use crate::{HardwareAddress, InterfaceConfiguration, Prefix};

use super::{counter, second_interface};

#[test]
fn the_longest_prefix_wins() {
    let mut host = Host::new();
    let second = second_interface(&mut host);
    let route = |text: &str, gateway: [u8; 4], interface| Route {
        destination: text.parse().expect("a prefix"),
        gateway: Some(gateway.into()),
        interface,
    };
    let routes = [
        route("192.0.0.0/8", [10, 0, 2, 8], host.interface),
        route("192.0.2.0/24", [10, 9, 0, 24], second),
        route("192.0.2.128/25", [10, 0, 2, 25], host.interface),
        route("192.0.2.200/32", [10, 9, 0, 32], second),
    ];
    for route in routes {
        assert_eq!(host.stack.add_route(route), Ok(()));
    }
    assert_eq!(
        host.stack
            .add_route(route("192.0.2.7/24", [10, 9, 0, 24], second)),
        Err(NtStatus::ADDRESS_ALREADY_EXISTS)
    );
    assert_eq!(
        host.stack
            .add_route(route("198.51.100.0/24", [10, 1, 0, 1], second)),
        Err(NtStatus::INVALID_PARAMETER),
        "no gateway of that network"
    );
    let object = host.open([0; 4], 7);
    let mut next_hop = |destination: [u8; 4]| {
        host.send(object, 1, (destination, 9), b"hi");
        let mut sent = host.sent();
        host.stack.cancel(crate::tdi::RequestId(1));
        host.completions();
        let asked: Option<String> = sent
            .pop()
            .and_then(|line| line.split_whitespace().nth(3).map(String::from));
        asked.expect("a request")
    };
    assert_eq!(next_hop([192, 0, 2, 200]), "10.9.0.32");
    assert_eq!(next_hop([192, 0, 2, 201]), "10.0.2.25");
    assert_eq!(next_hop([192, 0, 2, 1]), "10.9.0.24");
    assert_eq!(next_hop([192, 1, 2, 1]), "10.0.2.8");
    assert_eq!(next_hop([193, 1, 2, 1]), "10.0.2.2");
    host.stack.interface_down(second);
    let object = host.open([0; 4], 8);
    assert_eq!(host.send(object, 1, ([192, 0, 2, 1], 9), b"hi"), "PENDING");
    let gateway = host
        .stack
        .neighbours(host.now)
        .find(|neighbour| neighbour.address.octets() == [10, 0, 2, 8]);
    assert_eq!(
        gateway.map(|gateway| gateway.pending),
        Some(1),
        "the next best one that is up"
    );
    assert!(
        host.stack
            .remove_route("192.0.0.0/8".parse().expect("a prefix"))
    );
    assert!(
        !host
            .stack
            .remove_route("192.0.0.0/8".parse().expect("a prefix"))
    );
    let shown: Vec<_> = host.stack.routes().filter(|route| !route.active).collect();
    assert_eq!(shown.len(), 3, "two added, and the interface's network");
}

#[test]
fn a_sender_that_goes_on_to_the_same_host_sees_every_change_of_the_way() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let far = ([192, 0, 2, 1], 9);
    let next_hop = |host: &mut Host| {
        let status = host.send(object, 1, far, b"hi");
        if status != "PENDING" {
            return status;
        }
        let mut neighbours = host.stack.neighbours(host.now);
        let waits = neighbours.find(|neighbour| neighbour.pending == 1);
        let address = waits.expect("it waits for a neighbour").address;
        drop(neighbours);
        host.stack.cancel(crate::tdi::RequestId(1));
        host.completions();
        std::format!("{address}")
    };
    assert_eq!(next_hop(&mut host), "10.0.2.2");
    let route = Route {
        destination: "192.0.2.0/24".parse().expect("a prefix"),
        gateway: Some([10, 0, 2, 8].into()),
        interface: host.interface,
    };
    host.stack.add_route(route).unwrap();
    assert_eq!(next_hop(&mut host), "10.0.2.8");
    assert!(host.stack.remove_route(route.destination));
    assert!(host.stack.remove_route(Prefix::DEFAULT));
    assert_eq!(next_hop(&mut host), "NETWORK_UNREACHABLE");
    host.stack.add_route(route).unwrap();
    assert_eq!(next_hop(&mut host), "10.0.2.8");
    host.stack.interface_down(host.interface);
    assert_eq!(next_hop(&mut host), "NETWORK_UNREACHABLE");
    host.stack.interface_up(host.interface, host.now);
    host.frames();
    assert_eq!(next_hop(&mut host), "10.0.2.8");
    host.stack.remove_interface(host.interface);
    assert_eq!(next_hop(&mut host), "NETWORK_UNREACHABLE");
}

#[test]
fn a_removed_interface_takes_its_routes_along() {
    let mut host = Host::new();
    let second = second_interface(&mut host);
    assert_eq!(host.stack.routes().count(), 4, "loopback's included");
    host.stack.remove_interface(second);
    assert_eq!(host.stack.routes().count(), 3);
    assert_eq!(host.stack.interfaces().count(), 2);
    host.stack.interface_up(second, host.now);
    assert!(host.frames().is_empty(), "the old name leads nowhere");
}

#[test]
fn without_a_route_the_network_is_unreachable() {
    let mut host = Host::new();
    host.stack.remove_route(Prefix::DEFAULT);
    let object = host.open([0; 4], 7);
    assert_eq!(
        host.send(object, 1, ([192, 0, 2, 1], 9), b"hi"),
        "NETWORK_UNREACHABLE"
    );
    assert_eq!(counter(&host, "unsent_no_route"), 1);
}

#[test]
fn interfaces_with_wrong_parameters_are_refused() {
    let good = InterfaceConfiguration {
        name: "ne1",
        hardware_address: HardwareAddress([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        address: Prefix::new([10, 9, 0, 1].into(), 16),
        gateway: Some([10, 9, 0, 2].into()),
    };
    let prefix = |octets: [u8; 4]| Prefix::new(octets.into(), 16);
    let cases = [
        (
            InterfaceConfiguration { mtu: 67, ..good },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                hardware_address: HardwareAddress([1, 0, 0, 0, 0, 1]),
                ..good
            },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                gateway: Some([10, 8, 0, 2].into()),
                ..good
            },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                gateway: Some([10, 9, 0, 1].into()),
                ..good
            },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                address: prefix([224, 0, 0, 5]),
                ..good
            },
            NtStatus::INVALID_ADDRESS_COMPONENT,
        ),
        (
            InterfaceConfiguration {
                gateway: Some([10, 9, 0, 0].into()),
                ..good
            },
            NtStatus::INVALID_PARAMETER,
        ),
        (
            InterfaceConfiguration {
                address: prefix([10, 9, 255, 255]),
                ..good
            },
            NtStatus::INVALID_ADDRESS_COMPONENT,
        ),
        (
            InterfaceConfiguration {
                address: prefix([10, 9, 0, 0]),
                ..good
            },
            NtStatus::INVALID_ADDRESS_COMPONENT,
        ),
        (
            InterfaceConfiguration {
                address: prefix([127, 0, 0, 1]),
                ..good
            },
            NtStatus::INVALID_ADDRESS_COMPONENT,
        ),
        (
            InterfaceConfiguration {
                address: Prefix::new(OUR_IP.into(), 24),
                gateway: None,
                ..good
            },
            NtStatus::ADDRESS_ALREADY_EXISTS,
        ),
    ];
    let mut host = Host::new();
    for (configuration, status) in cases {
        assert_eq!(host.stack.add_interface(&configuration), Err(status));
    }
    assert_eq!(host.stack.interfaces().count(), 2);
    assert!(host.stack.add_interface(&good).is_ok());
    assert_eq!(host.stack.routes().count(), 4, "the first gateway stays");
}

#[test]
fn a_full_route_table_takes_back_the_interface() {
    let mut host = Host::with(&crate::StackConfiguration {
        routes: 2,
        ..crate::StackConfiguration::default()
    });
    let configuration = InterfaceConfiguration {
        name: "ne1",
        hardware_address: HardwareAddress([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        address: Prefix::new([10, 9, 0, 1].into(), 16),
        gateway: None,
    };
    assert_eq!(
        host.stack.add_interface(&configuration),
        Err(NtStatus::INSUFFICIENT_RESOURCES)
    );
    assert_eq!(host.stack.interfaces().count(), 2);
}
