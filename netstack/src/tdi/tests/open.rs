use std::vec::Vec;

use executive::status::NtStatus;

use super::super::{
    AddressOptions, Entity, EntityKind, FileObject, OpenContext, ShareAccess, Transport,
};
use crate::StackConfiguration;
use crate::tests::support::{Host, OUR_IP, PEER_IP, socket};

use super::open;

#[test]
fn seed_33_the_devices_are_there_before_any_interface() {
    let pool = ndis::packet::PacketPool::new(4, 4);
    let mut stack = crate::Stack::new(&StackConfiguration::default(), pool, [1, 2]);
    for name in [
        "\\Device\\Ip",
        "\\Device\\RawIp\\1",
        "\\Device\\Udp",
        "\\Device\\Tcp",
    ] {
        let transport = Transport::from_device_name(name).expect(name);
        let opened = stack.open(transport, OpenContext::ControlChannel);
        assert_eq!(opened, Ok(FileObject::ControlChannel));
    }
    let address = OpenContext::TransportAddress(socket([0; 4], 7), AddressOptions::default());
    let opened = stack.open(Transport::Udp, address);
    assert!(matches!(opened, Ok(FileObject::Address(_))));
}

#[test]
fn seed_34_what_an_open_makes() {
    let mut host = Host::new();
    let address = OpenContext::TransportAddress(socket(OUR_IP, 7), AddressOptions::default());
    let Ok(FileObject::Address(handle)) = host.stack.open(Transport::Udp, address) else {
        panic!("no address object");
    };
    assert_eq!(host.stack.local_address(handle), Ok(socket(OUR_IP, 7)));
    let connection = OpenContext::ConnectionContext(1);
    for transport in [Transport::Udp, Transport::RawIp(1), Transport::Ip] {
        assert_eq!(
            host.stack.open(transport, connection),
            Err(NtStatus::INVALID_PARAMETER)
        );
    }
    assert_eq!(
        host.stack.open(Transport::Udp, OpenContext::ControlChannel),
        Ok(FileObject::ControlChannel)
    );
}

#[test]
fn seed_35_the_protocol_number_comes_from_the_devices_name() {
    let names = [
        ("\\Device\\RawIp\\0", Some(Transport::RawIp(0))),
        ("\\DEVICE\\rawip\\47", Some(Transport::RawIp(47))),
        ("\\Device\\RawIp\\255", Some(Transport::RawIp(255))),
        ("\\Device\\RawIp\\256", None),
        ("\\Device\\RawIp\\", None),
        ("\\Device\\RawIp", None),
        ("\\Device\\Udp\\17", None),
        ("\\Device\\Udp", Some(Transport::Udp)),
        ("\\Device\\Tcp", Some(Transport::Tcp)),
        ("\\Device\\Ip", Some(Transport::Ip)),
        ("\\Device\\Ipx", None),
        ("Udp", None),
        ("", None),
    ];
    for (name, transport) in names {
        assert_eq!(Transport::from_device_name(name), transport, "{name}");
    }
}

#[test]
fn seed_36_an_address_that_is_not_ours_is_refused() {
    let mut host = Host::new();
    for address in [PEER_IP, [255; 4], [10, 0, 2, 255], [224, 0, 0, 1]] {
        assert_eq!(
            open(&mut host, Transport::Udp, address, 7, ShareAccess::Unique),
            Err(NtStatus::INVALID_ADDRESS_COMPONENT),
            "{address:?}"
        );
    }
}

#[test]
fn seed_36_a_taken_port_is_refused_and_a_closed_one_free_again() {
    let mut host = Host::new();
    let first = host.open([0; 4], 7);
    let again = |host: &mut Host| open(host, Transport::Udp, [0; 4], 7, ShareAccess::Unique);
    assert_eq!(again(&mut host), Err(NtStatus::ADDRESS_ALREADY_EXISTS));
    assert_eq!(host.stack.close_address(first), NtStatus::SUCCESS);
    assert_eq!(host.stack.close_address(first), NtStatus::INVALID_HANDLE);
    assert!(again(&mut host).is_ok());
}

#[test]
fn seed_36_who_may_share_an_address() {
    use ShareAccess::{Exclusive, Reuse, Unique, Wildcard};
    const ANY: [u8; 4] = [0; 4];
    const EXISTS: Option<NtStatus> = Some(NtStatus::ADDRESS_ALREADY_EXISTS);
    const DENIED: Option<NtStatus> = Some(NtStatus::ACCESS_DENIED);
    let cases = [
        ((OUR_IP, Unique), (OUR_IP, Unique), EXISTS),
        ((OUR_IP, Unique), (OUR_IP, Reuse), EXISTS),
        ((OUR_IP, Reuse), (OUR_IP, Unique), EXISTS),
        ((OUR_IP, Reuse), (OUR_IP, Reuse), None),
        ((ANY, Reuse), (ANY, Reuse), None),
        ((ANY, Wildcard), (ANY, Reuse), EXISTS),
        ((ANY, Wildcard), (OUR_IP, Unique), None),
        ((OUR_IP, Unique), (ANY, Wildcard), None),
        ((OUR_IP, Exclusive), (OUR_IP, Reuse), DENIED),
        ((OUR_IP, Exclusive), (OUR_IP, Unique), EXISTS),
        ((OUR_IP, Exclusive), (ANY, Wildcard), None),
        ((ANY, Exclusive), (OUR_IP, Unique), DENIED),
        ((OUR_IP, Unique), (ANY, Exclusive), EXISTS),
    ];
    for ((first, first_share), (second, second_share), refused) in cases {
        let mut host = Host::new();
        let opened = open(&mut host, Transport::Udp, first, 7, first_share);
        assert!(opened.is_ok());
        let opened = open(&mut host, Transport::Udp, second, 7, second_share);
        assert_eq!(
            opened.err(),
            refused,
            "{first:?} {first_share:?}, then {second:?} {second_share:?}"
        );
    }
}

#[test]
fn seed_37_every_address_object_adds_an_entity() {
    let mut host = Host::new();
    let count = |host: &Host, kind: EntityKind| {
        host.stack
            .entities()
            .filter(|entity| entity.kind == kind)
            .count()
    };
    let kinds: Vec<_> = host
        .stack
        .entities()
        .map(|entity| entity.kind as u32)
        .collect();
    // The loopback interface translates no addresses.
    assert_eq!(kinds, [0x301, 0x380, 0x200, 0x200, 0x280]);
    let first = host.open([0; 4], 7);
    host.open([0; 4], 8);
    open(
        &mut host,
        Transport::RawIp(1),
        [0; 4],
        0,
        ShareAccess::Unique,
    )
    .expect("open");
    open(
        &mut host,
        Transport::RawIp(47),
        [0; 4],
        0,
        ShareAccess::Unique,
    )
    .expect("open");
    assert_eq!(count(&host, EntityKind::ConnectionlessTransport), 3);
    assert_eq!(count(&host, EntityKind::ErrorReporting), 2);
    let mut instances: Vec<_> = host
        .stack
        .entities()
        .filter(|entity| entity.kind == EntityKind::ConnectionlessTransport)
        .map(|entity: Entity| entity.instance)
        .collect();
    instances.dedup();
    assert_eq!(instances.len(), 3);
    assert_eq!(host.stack.close_address(first), NtStatus::SUCCESS);
    assert_eq!(count(&host, EntityKind::ConnectionlessTransport), 2);
}

#[test]
fn where_an_object_can_not_be_connected_to() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let options = AddressOptions {
        broadcast: false,
        ..AddressOptions::default()
    };
    assert_eq!(
        host.stack.set_address_options(object, options),
        NtStatus::SUCCESS
    );
    let cases = [
        ((PEER_IP, 0), NtStatus::INVALID_ADDRESS),
        (([0; 4], 9), NtStatus::INVALID_ADDRESS),
        (([255; 4], 9), NtStatus::ACCESS_DENIED),
    ];
    for ((address, port), status) in cases {
        let remote = Some(socket(address, port));
        assert_eq!(host.stack.connect_datagram(object, remote), status);
    }
    assert_eq!(host.stack.remote_address(object), Ok(None));
}

#[test]
fn a_full_table_refuses_address_objects() {
    let mut host = Host::with(&StackConfiguration {
        address_objects: 1,
        ..StackConfiguration::default()
    });
    host.open([0; 4], 7);
    assert_eq!(
        open(&mut host, Transport::Udp, [0; 4], 8, ShareAccess::Unique),
        Err(NtStatus::INSUFFICIENT_RESOURCES)
    );
    assert_eq!(host.stack.counters().tdi.refused_objects_full, 1);
}

#[test]
fn options_of_an_open_object_keep_its_share_and_need_a_time_to_live() {
    let mut host = Host::new();
    let object = host.open([0; 4], 7);
    let mut options = AddressOptions {
        share: ShareAccess::Reuse,
        time_to_live: 0,
        ..AddressOptions::default()
    };
    assert_eq!(
        host.stack.set_address_options(object, options),
        NtStatus::INVALID_PARAMETER
    );
    options.time_to_live = 1;
    assert_eq!(
        host.stack.set_address_options(object, options),
        NtStatus::SUCCESS
    );
    let shown = host.stack.address_options(object).expect("open");
    assert_eq!((shown.share, shown.time_to_live), (ShareAccess::Unique, 1));
}
